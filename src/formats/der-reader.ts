import { fromUtf8 } from "./bytes.ts";
import {
  children,
  type DerNode,
  readBitString,
  readBoolean,
  readDer,
  readInteger,
  readOid,
  readTime,
  TAG,
} from "./der.ts";
import type { Code } from "./errors.ts";
import { catching, Refusal } from "./refusal.ts";
import { failure, type Result } from "./result.ts";

/** The elements of a constructed element, taken one after the other. */
export type DerFields = {
  /** The next element, which must have this tag; `name` is for the message. */
  next(tag: number, name: string): DerNode;
  /** The next element if it has this tag. */
  optional(tag: number): DerNode | undefined;
  /** All that are left. */
  rest(): DerNode[];
  /** Fails if anything is left. */
  end(): void;
};

/** Reads elements; each method that finds something else ends the enclosing {@link readDerAs}. */
export type DerReader = {
  /** Exactly one element with this tag, nothing behind it. */
  element(bytes: Uint8Array, tag: number, name: string): DerNode;
  fields(node: DerNode): DerFields;
  /** The fields of an element that must be a SEQUENCE. */
  sequence(node: DerNode): DerFields;
  oid(node: DerNode): string;
  integer(node: DerNode): bigint;
  boolean(node: DerNode): boolean;
  /** The bytes of a BIT STRING of whole bytes. */
  bits(node: DerNode): Uint8Array;
  /** Milliseconds since 1970. */
  time(node: DerNode): number;
  /** UTF-8, or its subset IA5String, without control characters. */
  text(bytes: Uint8Array): string;
  /** Ends the reading with this message. */
  refuse(message: string): never;
};

/**
 * Runs a reader over DER. What it does not find becomes a failure.
 *
 * @param code - of every failure
 * @param what - names the structure in messages, for example `certificate`
 */
export const readDerAs = <T>(code: Code, what: string, read: (reader: DerReader) => T): Result<T> =>
  catching(() => read(derReader(code, what)));

const CONSTRUCTED = 0x20;

const derReader = (code: Code, what: string): DerReader => {
  const refuse = (message: string): never => {
    throw new Refusal(failure(code, `${what}: ${message}`));
  };
  const take = <T>(result: Result<T>): T =>
    result.ok ? result.value : refuse(result.error.message);
  const fields = (node: DerNode): DerFields => {
    if ((node.tag & CONSTRUCTED) === 0) return refuse("a primitive where a structure belongs");
    return fieldsOf(take(children(node)), refuse);
  };
  return {
    refuse,
    fields,
    sequence: (node) =>
      node.tag === TAG.SEQUENCE ? fields(node) : refuse("no SEQUENCE where one belongs"),
    element: (bytes, tag, name) => {
      const node = take(readDer(bytes));
      return node.tag === tag ? node : refuse(`no ${name} where one belongs`);
    },
    oid: (node) =>
      (node.tag === TAG.OID ? readOid(node.content) : undefined) ?? refuse("a malformed OID"),
    integer: (node) => readInteger(node) ?? refuse("a malformed INTEGER"),
    boolean: (node) => readBoolean(node) ?? refuse("a malformed BOOLEAN"),
    bits: (node) => readBitString(node) ?? refuse("a malformed BIT STRING"),
    time: (node) => readTime(node) ?? refuse("a malformed time"),
    text: (bytes) => {
      const text = take(fromUtf8(bytes));
      return isPlain(text) ? text : refuse("a control character in a text");
    },
  };
};

const isPlain = (text: string): boolean => {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return false;
  }
  return true;
};

const fieldsOf = (nodes: readonly DerNode[], refuse: (message: string) => never): DerFields => {
  let at = 0;
  const optional = (tag: number): DerNode | undefined => {
    const node = nodes[at];
    if (node?.tag !== tag) return undefined;
    at += 1;
    return node;
  };
  return {
    optional,
    next: (tag, name) => optional(tag) ?? refuse(`no ${name} where one belongs`),
    rest: () => {
      const left = nodes.slice(at);
      at = nodes.length;
      return left;
    },
    end: () => {
      if (at < nodes.length) refuse("an element too many");
    },
  };
};
