import { fromUtf8 } from "../formats/bytes.ts";

/** `https://user:password@`, wherever it stands: makers of locks write their own call into them. */
const CREDENTIALS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/?#@'"<>]*:[^\s/?#@'"<>]+@/i;
/** What stands for a secret, so that no secret is there. */
const PLACEHOLDER = /:(?:\*+|\$\{?\w+\}?)@$/;

/**
 * The first line of a lock that has a URL with a password, counted from 1. The values that are
 * installed from are refused with one; comments and tables of other tools are not read.
 */
export const credentialsLine = (bytes: Uint8Array): number | undefined => {
  const text = fromUtf8(bytes);
  if (!text.ok) return undefined;
  const at = text.value.split("\n").findIndex((line) => {
    const found = CREDENTIALS.exec(line)?.[0];
    return found !== undefined && !PLACEHOLDER.test(found);
  });
  return at < 0 ? undefined : at + 1;
};
