import { fromBase64, fromHex, fromUtf8, utf8 } from "./bytes.ts";
import type { Code } from "./errors.ts";
import { catching, Refusal } from "./refusal.ts";
import { fail, failure, ok, type Result } from "./result.ts";

/** Deeper nesting than this is refused. */
const MAX_DEPTH = 64;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

/** Values of one text, members and items all counted: each takes far more memory than text. */
const MAX_VALUES = 1 << 20;

/** Where the parser stands in `text`; `what` names the document in messages. */
type Scanner = { readonly text: string; readonly what: string; at: number; values: number };

const refuse = (scanner: Scanner, message: string): never => {
  const where = `${scanner.what}: ${message} at offset ${scanner.at}`;
  throw new Refusal(failure("FORMAT_JSON", where));
};

const match = (scanner: Scanner, pattern: RegExp): string | undefined => {
  pattern.lastIndex = scanner.at;
  const found = pattern.exec(scanner.text)?.[0];
  scanner.at += found?.length ?? 0;
  return found;
};

const isSpace = (unit: number): boolean =>
  unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;

const skipSpace = (scanner: Scanner): void => {
  while (isSpace(scanner.text.charCodeAt(scanner.at))) scanner.at += 1;
};

/** Takes the next character that is not white space, if it is `wanted`. */
const accept = (scanner: Scanner, wanted: string): boolean => {
  skipSpace(scanner);
  if (scanner.text[scanner.at] !== wanted) return false;
  scanner.at += 1;
  return true;
};

/** The text of the string that starts at `at`, if it has an end and nothing that needs undoing. */
const plainString = (text: string, at: number): string | undefined => {
  for (let i = at + 1; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) return text.slice(at + 1, i);
    if (unit === 0x5c || unit < 0x20) return undefined;
  }
  return undefined;
};

/** The offset behind the string that starts at `at`, or `undefined` if it never ends. */
const endOfString = (text: string, at: number): number | undefined => {
  for (let i = at + 1; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 0x22) return i + 1;
    if (unit === 0x5c) i += 1;
  }
  return undefined;
};

const parseString = (scanner: Scanner): string => {
  skipSpace(scanner);
  const { text: all, at } = scanner;
  if (all[at] !== '"') return refuse(scanner, "no string");
  const plain = plainString(all, at);
  const end = plain === undefined ? endOfString(all, at) : at + plain.length + 2;
  const text = plain ?? (end === undefined ? undefined : unquote(all.slice(at, end)));
  if (end === undefined || text === undefined) return refuse(scanner, "no string");
  scanner.at = end;
  // A lone surrogate has no UTF-8 form, so it could not be signed or compared (RFC 7493 §2.1).
  return text.isWellFormed() ? text : refuse(scanner, "a lone surrogate");
};

/** The platform's parser knows the escapes, and refuses control characters. */
const unquote = (token: string): string | undefined => {
  try {
    return String(JSON.parse(token));
  } catch {
    return undefined;
  }
};

const parseObject = (scanner: Scanner, depth: number): object => {
  const members = new Map<string, unknown>();
  if (accept(scanner, "}")) return {};
  do {
    const name = parseString(scanner);
    // Two readers may each pick another of two equal names, so there is no honest use for them.
    if (members.has(name)) refuse(scanner, "a duplicate key");
    if (!accept(scanner, ":")) refuse(scanner, "no colon");
    members.set(name, parseValue(scanner, depth));
  } while (accept(scanner, ","));
  if (!accept(scanner, "}")) refuse(scanner, "an unfinished object");
  // Unlike assignment, this makes "__proto__" an ordinary member.
  return Object.fromEntries(members);
};

const parseArray = (scanner: Scanner, depth: number): unknown[] => {
  const items: unknown[] = [];
  if (accept(scanner, "]")) return items;
  do {
    items.push(parseValue(scanner, depth));
  } while (accept(scanner, ","));
  if (!accept(scanner, "]")) refuse(scanner, "an unfinished array");
  return items;
};

const parseScalar = (scanner: Scanner): unknown => {
  if (scanner.text[scanner.at] === '"') return parseString(scanner);
  const token = match(scanner, LITERAL) ?? match(scanner, NUMBER);
  const value: unknown = JSON.parse(token ?? refuse(scanner, "no JSON value"));
  if (typeof value === "number" && !Number.isFinite(value)) refuse(scanner, "a number too large");
  return value;
};

const parseValue = (scanner: Scanner, depth: number): unknown => {
  scanner.values += 1;
  if (scanner.values > MAX_VALUES) {
    const message = `${scanner.what}: more than ${MAX_VALUES} values`;
    throw new Refusal(failure("FORMAT_SIZE", message));
  }
  if (depth > MAX_DEPTH) refuse(scanner, "nested too deeply");
  if (accept(scanner, "{")) return parseObject(scanner, depth + 1);
  if (accept(scanner, "[")) return parseArray(scanner, depth + 1);
  return parseScalar(scanner);
};

/**
 * Parses one JSON text (RFC 8259), strictly: UTF-8, no byte order mark, no duplicate keys, no lone
 * surrogates, at most 64 levels and 2^20 values, nothing behind it. Numbers become `number`, whole or not.
 *
 * @param maxBytes - the cap, checked before anything else
 * @param what - names the document in messages, for example `bundle`
 * @returns `FORMAT_SIZE` above a cap, `FORMAT_TEXT` for bad UTF-8, else `FORMAT_JSON`
 */
export const parseJson = (
  input: Uint8Array | string,
  maxBytes: number,
  what: string,
): Result<unknown> => {
  const tooLarge =
    input.length > maxBytes || (typeof input === "string" && utf8(input).length > maxBytes);
  if (tooLarge) return fail("FORMAT_SIZE", `${what}: more than ${maxBytes} bytes`);
  const text = typeof input === "string" ? ok(input) : fromUtf8(input);
  if (!text.ok) return fail(text.error.code, `${what}: ${text.error.message}`);
  return catching(() => {
    const scanner: Scanner = { text: text.value, what, at: 0, values: 0 };
    const value = parseValue(scanner, 1);
    skipSpace(scanner);
    return scanner.at === scanner.text.length ? value : refuse(scanner, "more than one value");
  });
};

/**
 * A JSON value with the path that led to it. Every method that does not find what its name says
 * ends the enclosing {@link readJson} with a failure that names the path.
 */
export type Json = {
  readonly value: unknown;
  /** For example `bundle.tlogEntries[0].logIndex`. */
  readonly path: string;
  /** The member `name` of an object; missing or null is a failure. */
  field(name: string): Json;
  /** The same, `undefined` where the member is missing or null. */
  optional(name: string): Json | undefined;
  /** Fails if the object has a member that is not among `names`. */
  only(...names: readonly string[]): Json;
  /** The items of an array of at most `max`. */
  items(max: number): Json[];
  /** The members of an object of at most `max`, in their order. */
  members(max: number): [string, Json][];
  string(): string;
  boolean(): boolean;
  /** A whole number that a double holds exactly. */
  integer(): number;
  /** An int64 as protobuf's JSON writes it: decimal text, or a number that a double holds exactly. */
  int64(): bigint;
  /** Bytes from canonical base64 text (RFC 4648 §4). */
  base64(): Uint8Array;
  /** Bytes from hexadecimal text. */
  hex(): Uint8Array;
  /** The value of `result`; its failure is told with this path, under the reader's code. */
  take<T>(result: Result<T>): T;
  /** Ends the reading: `message` follows the path. */
  refuse(message: string): never;
};

/**
 * Reads a parsed JSON value into a type: `shape` walks it with the methods of {@link Json}.
 *
 * @param code - of every failure
 * @param what - the first part of paths in messages
 */
export const readJson = <T>(
  value: unknown,
  code: Code,
  what: string,
  shape: (json: Json) => T,
): Result<T> => catching(() => shape(json(value, code, what)));

const INT64 = /^-?(?:0|[1-9]\d{0,18})$/;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const json = (value: unknown, code: Code, path: string): Json => {
  const refuse = (message: string): never => {
    throw new Refusal(failure(code, `${path} ${message}`));
  };
  const record = (): Record<string, unknown> =>
    isRecord(value) ? value : refuse("is not an object");
  const string = (): string => (typeof value === "string" ? value : refuse("is not a string"));
  const optional = (name: string): Json | undefined => {
    const member = Object.hasOwn(record(), name) ? record()[name] : undefined;
    const there = member !== undefined && member !== null;
    return there ? json(member, code, `${path}.${name}`) : undefined;
  };
  const self: Json = {
    value,
    path,
    optional,
    string,
    refuse,
    field: (name) => optional(name) ?? refuse(`has no ${name}`),
    only: (...names) => {
      const unknown = Object.keys(record()).find((name) => !names.includes(name));
      return unknown === undefined ? self : refuse("has a field that is not allowed there");
    },
    items: (max) => {
      if (!Array.isArray(value)) return refuse("is not an array");
      if (value.length > max) return refuse(`has ${value.length} items, more than ${max}`);
      return value.map((item, index) => json(item, code, `${path}[${index}]`));
    },
    members: (max) => {
      const entries = Object.entries(record());
      if (entries.length > max) return refuse(`has ${entries.length} members, more than ${max}`);
      return entries.map(([name, member]) => [name, json(member, code, `${path}.${name}`)]);
    },
    boolean: () => (typeof value === "boolean" ? value : refuse("is not true or false")),
    integer: () => (Number.isSafeInteger(value) ? Number(value) : refuse("is not a whole number")),
    int64: () => readInt64(value) ?? refuse("is not a 64-bit whole number"),
    base64: () => self.take(fromBase64(string())),
    hex: () => self.take(fromHex(string())),
    take: (result) => (result.ok ? result.value : refuse(`is wrong: ${result.error.message}`)),
  };
  return self;
};

const readInt64 = (value: unknown): bigint | undefined => {
  if (Number.isSafeInteger(value)) return BigInt(Number(value));
  if (typeof value !== "string" || !INT64.test(value) || value === "-0") return undefined;
  const number = BigInt(value);
  return BigInt.asIntN(64, number) === number ? number : undefined;
};
