import canonicalize from "canonicalize";
import { utf8 } from "./bytes.ts";

/**
 * The canonical UTF-8 of a JSON value (RFC 8785). Throws on what is no JSON value: a number that
 * is not finite, a lone surrogate, a value that JSON leaves out.
 */
export const canonicalJson = (value: unknown): Uint8Array => {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("not a JSON value");
  return utf8(text);
};
