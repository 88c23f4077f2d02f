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

/** Character codes that one call takes as its arguments. */
const PIECE = 4096;

/** One flat string: put together character by character it would take 20 times the memory. */
const characters = (codes: Uint8Array): string => {
  // `apply` takes bytes as they are; spread would make an array of numbers first.
  const part = (at: number): string =>
    Reflect.apply(String.fromCharCode, undefined, codes.subarray(at, at + PIECE));
  let out = codes.length === 0 ? "" : part(0);
  for (let at = PIECE; at < codes.length; at += PIECE) out += part(at);
  return out;
};

const HEX = utf8("0123456789abcdef");

/** Lower-case hexadecimal. */
export const hex = (bytes: Uint8Array): string => {
  const codes = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    codes[2 * i] = HEX[byte >> 4] ?? 0;
    codes[2 * i + 1] = HEX[byte & 15] ?? 0;
  }
  return characters(codes);
};

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

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NOT_STANDARD = /[^A-Za-z0-9+/]/;
const NOT_URL_SAFE = /[^\w-]/;

// The platform's base64 is of strings with a character a byte, and lenient: what it would take
// beyond RFC 4648 is refused before.

/** Base64 with padding, RFC 4648 §4. */
export const base64 = (bytes: Uint8Array): string => btoa(characters(bytes));

/** Base64url without padding, RFC 7515 §2. */
export const base64url = (bytes: Uint8Array): string =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** @param digits - of the standard alphabet, without padding */
const decode = (digits: string): Uint8Array | undefined => {
  const over = digits.length % 4;
  if (over === 1) return undefined;
  // Left-over bits that are not zero would give one value several spellings.
  const bits = over === 0 ? 0 : STANDARD.indexOf(digits.at(-1) ?? "");
  if ((bits & (over === 2 ? 15 : 3)) !== 0) return undefined;
  const binary = atob(digits);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i += 1) out[i] = binary.charCodeAt(i);
  return out;
};

/** Canonical padded base64 (RFC 4648 §4, §3.5): no white space, no stray bits. */
export const fromBase64 = (text: string): Result<Uint8Array> => {
  const digits = text.endsWith("==")
    ? text.slice(0, -2)
    : text.endsWith("=")
      ? text.slice(0, -1)
      : text;
  const canonical = text.length % 4 === 0 && !NOT_STANDARD.test(digits);
  const bytes = canonical ? decode(digits) : undefined;
  return bytes === undefined ? fail("FORMAT_TEXT", "not base64") : ok(bytes);
};

/** Base64url without padding, RFC 7515 §2. */
export const fromBase64url = (text: string): Result<Uint8Array> => {
  const bytes = NOT_URL_SAFE.test(text)
    ? undefined
    : decode(text.replaceAll("-", "+").replaceAll("_", "/"));
  return bytes === undefined ? fail("FORMAT_TEXT", "not base64url") : ok(bytes);
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
