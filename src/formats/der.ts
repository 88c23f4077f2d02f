import { bigEndian, compare, concat, fromBigEndian, utf8 } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** Tag bytes as they stand in the encoding (X.690 §8.1.2), low tag numbers only. */
export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OID: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  IA5_STRING: 0x16,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** The tag byte of a context-specific field `[number]`, constructed or primitive. */
export const contextTag = (number: number, constructed = true): number =>
  (constructed ? 0xa0 : 0x80) | number;

/** One DER element. `bytes` is the whole encoding, `content` its value; both are views. */
export type DerNode = {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly bytes: Uint8Array;
};

const MAX_LENGTH_BYTES = 4;

const readLength = (
  bytes: Uint8Array,
  at: number,
): { length: number; next: number } | undefined => {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { length: first, next: at + 1 };
  const count = first & 0x7f;
  // 0x80 is the indefinite form of BER; more than 4 length bytes is no certificate.
  if (count === 0 || count > MAX_LENGTH_BYTES) return undefined;
  let length = 0;
  for (let i = 1; i <= count; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    length = length * 256 + byte;
  }
  const minimal = length >= 0x80 && length >= 256 ** (count - 1);
  return minimal ? { length, next: at + 1 + count } : undefined;
};

const readAt = (bytes: Uint8Array, at: number): DerNode | undefined => {
  const tag = bytes[at];
  if (tag === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const header = readLength(bytes, at + 1);
  if (header === undefined) return undefined;
  const end = header.next + header.length;
  if (end > bytes.length) return undefined;
  return { tag, content: bytes.subarray(header.next, end), bytes: bytes.subarray(at, end) };
};

/** Exactly one DER element, nothing behind it (X.690 §8, §10.1). */
export const readDer = (bytes: Uint8Array): Result<DerNode> => {
  const node = readAt(bytes, 0);
  if (node === undefined) return fail("FORMAT_DER", "not a DER element");
  if (node.bytes.length !== bytes.length) return fail("FORMAT_DER", "bytes after the DER element");
  return ok(node);
};

/** The elements inside a constructed element, in order. */
export const children = (node: DerNode): Result<DerNode[]> => {
  const nodes: DerNode[] = [];
  for (let at = 0; at < node.content.length; ) {
    const child = readAt(node.content, at);
    if (child === undefined) return fail("FORMAT_DER", "a malformed element inside another");
    nodes.push(child);
    at += child.bytes.length;
  }
  return ok(nodes);
};

/** Longer ones exist only to keep us busy. */
const MAX_OID_BYTES = 64;

/** Dotted text of an OBJECT IDENTIFIER's content (X.690 §8.19), or `undefined` if malformed. */
export const readOid = (content: Uint8Array): string | undefined => {
  if (content.length === 0 || content.length > MAX_OID_BYTES) return undefined;
  if (((content[content.length - 1] ?? 0) & 0x80) !== 0) return undefined;
  const arcs: bigint[] = [];
  let value = 0n;
  let start = true;
  for (const byte of content) {
    if (start && byte === 0x80) return undefined;
    value = (value << 7n) | BigInt(byte & 0x7f);
    start = (byte & 0x80) === 0;
    if (!start) continue;
    arcs.push(value);
    value = 0n;
  }
  const first = arcs[0] ?? 0n;
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...arcs.slice(1)].join(".");
};

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,32}))?Z$/;

/**
 * Milliseconds since 1970, rounded down, of a UTCTime or GeneralizedTime in UTC (RFC 5280
 * §4.1.2.5; fractions of 1 to 32 digits as RFC 3161 §2.4.2 allows), or `undefined`.
 */
export const readTime = (node: DerNode): number | undefined => {
  let text = "";
  for (const byte of node.content) text += String.fromCharCode(byte);
  if (node.tag === TAG.UTC_TIME) text = (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text;
  else if (node.tag !== TAG.GENERALIZED_TIME) return undefined;
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction] = parts;
  if (node.tag === TAG.UTC_TIME && fraction !== undefined) return undefined;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = Date.parse(`${iso}Z`);
  // Date.parse takes 31 February for a day of March, and hour 24 for the next day.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== iso) return undefined;
  return time + Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
};

/** Longer than every serial number and nonce; turning bytes into a number takes quadratic time. */
const MAX_INTEGER_BYTES = 256;

/** The value of an INTEGER or ENUMERATED, which must be minimal (X.690 §8.3.2), or `undefined`. */
export const readInteger = (node: DerNode): bigint | undefined => {
  const [first, second] = node.content;
  if (first === undefined || node.content.length > MAX_INTEGER_BYTES) return undefined;
  const negative = first >= 0x80;
  const padded = second !== undefined && first === (second >= 0x80 ? 0xff : 0);
  if (padded) return undefined;
  const value = fromBigEndian(node.content);
  return negative ? value - (1n << BigInt(8 * node.content.length)) : value;
};

/** The bytes of a BIT STRING of whole bytes, or `undefined`. */
export const readBitString = (node: DerNode): Uint8Array | undefined =>
  node.content[0] === 0 ? node.content.subarray(1) : undefined;

/** The value of a BOOLEAN, which must be 0x00 or 0xff (X.690 §11.1), or `undefined`. */
export const readBoolean = (node: DerNode): boolean | undefined => {
  const [value] = node.content;
  if (node.content.length !== 1) return undefined;
  return value === 0xff ? true : value === 0 ? false : undefined;
};

const encodeLength = (length: number): Uint8Array => {
  if (length < 0x80) return Uint8Array.of(length);
  const count = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  return concat(Uint8Array.of(0x80 | count), bigEndian(length, count));
};

/** One element: `tag`, then the concatenation of `parts` as its content. */
export const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = concat(...parts);
  return concat(Uint8Array.of(tag), encodeLength(content.length), content);
};

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array =>
  der(TAG.SEQUENCE, ...parts);

/** SET OF in DER order (X.690 §11.6). */
export const setOf = (...parts: readonly Uint8Array[]): Uint8Array =>
  der(TAG.SET, ...parts.toSorted(compare));

const base128 = (value: bigint): number[] => {
  const out = [Number(value & 0x7fn)];
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) out.unshift(Number(rest & 0x7fn) | 0x80);
  return out;
};

/** An OBJECT IDENTIFIER from its dotted text. */
export const oid = (dotted: string): Uint8Array => {
  const [top = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  return der(TAG.OID, Uint8Array.from([top * 40n + second, ...rest].flatMap(base128)));
};

/** A non-negative INTEGER, minimal (X.690 §8.3). */
export const integer = (value: bigint | number): Uint8Array => {
  const digits = BigInt(value).toString(16);
  const content = bigEndian(value, Math.ceil(digits.length / 2));
  return der(TAG.INTEGER, (content[0] ?? 0) & 0x80 ? concat(Uint8Array.of(0), content) : content);
};

export const octetString = (bytes: Uint8Array): Uint8Array => der(TAG.OCTET_STRING, bytes);

/** A BIT STRING of whole bytes. */
export const bitString = (bytes: Uint8Array): Uint8Array =>
  der(TAG.BIT_STRING, Uint8Array.of(0), bytes);

export const boolean = (value: boolean): Uint8Array =>
  der(TAG.BOOLEAN, Uint8Array.of(value ? 0xff : 0));

export const utf8String = (text: string): Uint8Array => der(TAG.UTF8_STRING, utf8(text));

const isoDigits = (milliseconds: number): string =>
  new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().replace(/[-:T]|\.000/g, "");

/** GeneralizedTime in UTC, whole seconds. */
export const generalizedTime = (milliseconds: number): Uint8Array =>
  der(TAG.GENERALIZED_TIME, utf8(isoDigits(milliseconds)));

/** A certificate's Time: UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export const certificateTime = (milliseconds: number): Uint8Array => {
  const text = isoDigits(milliseconds);
  return Number(text.slice(0, 4)) < 2050
    ? der(TAG.UTC_TIME, utf8(text.slice(2)))
    : der(TAG.GENERALIZED_TIME, utf8(text));
};
