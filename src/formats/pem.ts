import { base64, fromBase64 } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** The label between the dashes (RFC 7468 §2). */
export type PemLabel = "CERTIFICATE" | "PUBLIC KEY" | "PRIVATE KEY" | "CERTIFICATE REQUEST";

const MAX_TEXT = 1 << 20;
const MAX_BLOCKS = 64;
const LINE = 64;

const decodeBody = (lines: readonly string[]): Uint8Array | undefined => {
  const bytes = fromBase64(lines.join(""));
  return bytes.ok && bytes.value.length > 0 ? bytes.value : undefined;
};

/**
 * Reads PEM (RFC 7468 §2): one or more blocks, all with this label. Lines may end in CR LF and be
 * of any length; nothing but white space may stand outside the blocks.
 *
 * @returns the DER of each block in order; `FORMAT_PEM`, or `FORMAT_SIZE` above 1 MiB or 64 blocks
 */
export const parsePem = (text: string, label: PemLabel): Result<Uint8Array[]> => {
  if (text.length > MAX_TEXT) return fail("FORMAT_SIZE", `PEM of more than ${MAX_TEXT} characters`);
  const blocks: Uint8Array[] = [];
  let body: string[] | undefined;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (body === undefined) {
      if (line === `-----BEGIN ${label}-----`) body = [];
      else if (line !== "") return fail("FORMAT_PEM", `no PEM block of kind ${label}`);
    } else if (line === `-----END ${label}-----`) {
      const bytes = decodeBody(body);
      if (bytes === undefined) return fail("FORMAT_PEM", `a ${label} block is not base64`);
      if (blocks.push(bytes) > MAX_BLOCKS)
        return fail("FORMAT_SIZE", `more than ${MAX_BLOCKS} blocks`);
      body = undefined;
    } else {
      body.push(line);
    }
  }
  if (body !== undefined) return fail("FORMAT_PEM", `a ${label} block has no end`);
  return blocks.length > 0 ? ok(blocks) : fail("FORMAT_PEM", `no PEM block of kind ${label}`);
};

/** One PEM block: base64 in lines of 64 characters, a newline after the last line. */
export const formatPem = (label: PemLabel, der: Uint8Array): string => {
  const text = base64(der);
  const lines = [`-----BEGIN ${label}-----`];
  for (let at = 0; at < text.length; at += LINE) lines.push(text.slice(at, at + LINE));
  return `${[...lines, `-----END ${label}-----`].join("\n")}\n`;
};
