import { readBase64, toBase64, toHex } from "../crypto/text.ts";
import { fail, ok, type Result } from "./result.ts";

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** Byte equality. Not constant time: nothing secret is ever compared here. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
};

/** Lexicographic order of bytes: negative, zero or positive. */
export const compare = (a: Uint8Array, b: Uint8Array): number => {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Strict UTF-8: a malformed sequence is a failure, a byte order mark is kept. */
export const fromUtf8 = (bytes: Uint8Array): Result<string> => {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return fail("FORMAT_TEXT", "the bytes are not UTF-8");
  }
};

/** Lower-case hexadecimal. */
export const hex = toHex;

/** Lower- or upper-case hexadecimal of an even length. */
export const fromHex = (text: string): Result<Uint8Array> => {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    return fail("FORMAT_TEXT", "not hexadecimal");
  }
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i += 1)
    out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return ok(out);
};

const NOT_URL_SAFE = /[^\w-]/;

/** Base64 with padding, RFC 4648 §4. */
export const base64 = toBase64;

/** Base64url without padding, RFC 7515 §2. */
export const base64url = (bytes: Uint8Array): string =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/**
 * Canonical padded base64 (RFC 4648 §4, §3.5): no white space, no stray bits. The platform is
 * lenient; what it read is written again, and must be the same text.
 */
export const fromBase64 = (text: string): Result<Uint8Array> => {
  const bytes = readBase64(text);
  return toBase64(bytes) === text ? ok(bytes) : fail("FORMAT_TEXT", "not base64");
};

/** Base64url without padding, RFC 7515 §2. */
export const fromBase64url = (text: string): Result<Uint8Array> => {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat(-text.length & 3);
  const bytes = NOT_URL_SAFE.test(text) ? undefined : fromBase64(padded);
  return bytes?.ok === true ? bytes : fail("FORMAT_TEXT", "not base64url");
};

/** Unsigned big-endian bytes of `value`, `length` long. */
export const bigEndian = (value: bigint | number, length: number): Uint8Array => {
  const out = new Uint8Array(length);
  let rest = BigInt(value);
  for (let i = length - 1; i >= 0; i -= 1) {
    out[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return out;
};

/** The unsigned big-endian number in `bytes`. */
export const fromBigEndian = (bytes: Uint8Array): bigint => {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
};
