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

const HEX = "0123456789abcdef";

/** Lower-case hexadecimal. */
export const hex = (bytes: Uint8Array): string => {
  let out = "";
  for (const byte of bytes) out += (HEX[byte >> 4] ?? "") + (HEX[byte & 15] ?? "");
  return out;
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

const PADDING = 0x3d;
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const encode = (bytes: Uint8Array, alphabet: Uint8Array, padded: boolean): string => {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4).fill(PADDING);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const digits = Math.min(4, bytes.length - i + 1);
    for (let digit = 0; digit < digits; digit += 1) {
      out[at + digit] = alphabet[(group >> (18 - 6 * digit)) & 63] ?? PADDING;
    }
    at += padded ? 4 : digits;
  }
  return decoder.decode(out.subarray(0, at));
};

const decodeTable = (alphabet: string): Int8Array => {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < alphabet.length; i += 1) table[alphabet.charCodeAt(i)] = i;
  return table;
};

const STANDARD_DIGITS = utf8(STANDARD);
const URL_SAFE_DIGITS = utf8(URL_SAFE);
const STANDARD_TABLE = decodeTable(STANDARD);
const URL_SAFE_TABLE = decodeTable(URL_SAFE);

const decode = (text: string, table: Int8Array): Uint8Array | undefined => {
  if (text.length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let group = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const value = code < 128 ? (table[code] ?? -1) : -1;
    if (value < 0) return undefined;
    group = ((group << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at] = (group >> bits) & 255;
      at += 1;
    }
  }
  // Left-over bits that are not zero would give one value several spellings.
  return (group & ((1 << bits) - 1)) === 0 ? out : undefined;
};

/** Base64 with padding, RFC 4648 §4. */
export const base64 = (bytes: Uint8Array): string => encode(bytes, STANDARD_DIGITS, true);

/** Base64url without padding, RFC 7515 §2. */
export const base64url = (bytes: Uint8Array): string => encode(bytes, URL_SAFE_DIGITS, false);

/** Canonical padded base64 (RFC 4648 §4, §3.5): no white space, no stray bits. */
export const fromBase64 = (text: string): Result<Uint8Array> => {
  const body = text.endsWith("==")
    ? text.slice(0, -2)
    : text.endsWith("=")
      ? text.slice(0, -1)
      : text;
  const bytes = text.length % 4 === 0 ? decode(body, STANDARD_TABLE) : undefined;
  return bytes === undefined ? fail("FORMAT_TEXT", "not base64") : ok(bytes);
};

/** Base64url without padding, RFC 7515 §2. */
export const fromBase64url = (text: string): Result<Uint8Array> => {
  const bytes = decode(text, URL_SAFE_TABLE);
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
