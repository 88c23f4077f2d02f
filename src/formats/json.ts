import { fromBase64, fromHex, fromUtf8, utf8 } from "./bytes.ts";
import type { Code } from "./errors.ts";
import { parsePlainJson } from "./json-plain.ts";
import { accept, match, parseString, refuse, type Scanner, skipSpace } from "./json-scanner.ts";
import { catching, Refusal } from "./refusal.ts";
import { fail, failure, ok, type Result } from "./result.ts";

/** Deeper nesting than this is refused. */
const MAX_DEPTH = 64;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;

/** Values of one text, members and items all counted: each takes far more memory than text. */
const MAX_VALUES = 1 << 20;

const parseObject = (scanner: Scanner, depth: number): object => {
  const members: Record<string, unknown> = {};
  if (accept(scanner, "}")) return members;
  do {
    const name = parseString(scanner);
    // Two readers may each pick another of two equal names, so there is no honest use for them.
    if (Object.hasOwn(members, name)) refuse(scanner, "a duplicate key");
    if (!accept(scanner, ":")) refuse(scanner, "no colon");
    const value = parseValue(scanner, depth);
    if (name === "__proto__") makeMember(members, name, value);
    else members[name] = value;
  } while (accept(scanner, ","));
  if (!accept(scanner, "}")) refuse(scanner, "an unfinished object");
  return members;
};

/** Unlike assignment, this makes "__proto__" an ordinary member. */
const makeMember = (members: Record<string, unknown>, name: string, value: unknown): void => {
  Object.defineProperty(members, name, {
    ...{ value, enumerable: true, writable: true, configurable: true },
  });
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
  const plain = parsePlainJson(text.value, MAX_DEPTH, MAX_VALUES);
  if (plain !== undefined) return ok(plain);
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
): Result<T> => catching(() => shape(new Read(value, code, what)));

const INT64 = /^-?(?:0|[1-9]\d{0,18})$/;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Made by the thousand for one index page: a path is put together where somebody asks for it. */
class Read implements Json {
  readonly value: unknown;
  private readonly code: Code;
  /** The last step of the path, with what stands before its name. */
  private readonly step: string | number;
  private readonly parent: Read | undefined;

  constructor(value: unknown, code: Code, step: string | number, parent?: Read) {
    this.value = value;
    this.code = code;
    this.step = step;
    this.parent = parent;
  }

  get path(): string {
    const { parent, step } = this;
    if (parent === undefined) return String(step);
    return typeof step === "number" ? `${parent.path}[${step}]` : `${parent.path}.${step}`;
  }

  refuse(message: string): never {
    throw new Refusal(failure(this.code, `${this.path} ${message}`));
  }

  private record(): Record<string, unknown> {
    return isRecord(this.value) ? this.value : this.refuse("is not an object");
  }

  optional(name: string): Json | undefined {
    const record = this.record();
    const member = Object.hasOwn(record, name) ? record[name] : undefined;
    const there = member !== undefined && member !== null;
    return there ? new Read(member, this.code, name, this) : undefined;
  }

  field(name: string): Json {
    return this.optional(name) ?? this.refuse(`has no ${name}`);
  }

  only(...names: readonly string[]): Json {
    const unknown = Object.keys(this.record()).find((name) => !names.includes(name));
    const named = unknown === undefined ? "" : JSON.stringify(unknown.slice(0, 60));
    return unknown === undefined
      ? this
      : this.refuse(`has a field that is not allowed there: ${named}`);
  }

  items(max: number): Json[] {
    const { value } = this;
    if (!Array.isArray(value)) return this.refuse("is not an array");
    if (value.length > max) return this.refuse(`has ${value.length} items, more than ${max}`);
    return value.map((item, index) => new Read(item, this.code, index, this));
  }

  members(max: number): [string, Json][] {
    const entries = Object.entries(this.record());
    if (entries.length > max) return this.refuse(`has ${entries.length} members, more than ${max}`);
    return entries.map(([name, member]) => [name, new Read(member, this.code, name, this)]);
  }

  string(): string {
    return typeof this.value === "string" ? this.value : this.refuse("is not a string");
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.refuse("is not true or false");
  }

  integer(): number {
    const { value } = this;
    return Number.isSafeInteger(value) ? Number(value) : this.refuse("is not a whole number");
  }

  int64(): bigint {
    return readInt64(this.value) ?? this.refuse("is not a 64-bit whole number");
  }

  base64(): Uint8Array {
    return this.take(fromBase64(this.string()));
  }

  hex(): Uint8Array {
    return this.take(fromHex(this.string()));
  }

  take<T>(result: Result<T>): T {
    return result.ok ? result.value : this.refuse(`is wrong: ${result.error.message}`);
  }
}

const readInt64 = (value: unknown): bigint | undefined => {
  if (Number.isSafeInteger(value)) return BigInt(Number(value));
  if (typeof value !== "string" || !INT64.test(value) || value === "-0") return undefined;
  const number = BigInt(value);
  return BigInt.asIntN(64, number) === number ? number : undefined;
};
