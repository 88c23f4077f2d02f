import assert from "node:assert/strict";
import type { Result } from "../../src/formats/result.ts";

/** A parser under attack. */
export type Target = {
  readonly name: string;
  /** Good inputs to start from. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Parses, and checks what must hold. Throws where something does not; else gives the outcome,
   * by which inputs that led to new ones are kept.
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
};

/** The failure's code and words without its values: what tells the parser's branches apart. */
const outcomeOf = (result: Result<unknown>): string =>
  result.ok ? "ok" : `${result.error.code} ${result.error.message.replace(/[\d"][\s\S]*/, "")}`;

/** What must hold of one parser's values, beside that it gives a result and no exception. */
export type Law<T> = (value: T, input: Uint8Array) => void;

export const target = <T>(
  name: string,
  seeds: readonly Uint8Array[],
  parse: (input: Uint8Array) => Result<T> | Promise<Result<T>>,
  ...laws: readonly Law<T>[]
): Target => ({
  name,
  seeds,
  run: async (input) => {
    const before = input.slice();
    const result = await parse(input);
    assert.deepEqual(input, before, "the parser changed its input");
    if (result.ok) for (const law of laws) law(result.value, input);
    else assert.ok(result.error.code !== "INTERNAL" && result.error.hint.length > 0);
    return outcomeOf(result);
  },
});

/** For parsers of text: bytes that are not UTF-8 are read with replacement characters. */
export const ofText =
  <T>(parse: (text: string) => Result<T>) =>
  (input: Uint8Array): Result<T> =>
    parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(input));

/** What is written of a value is read again, and written the same. */
export const stable =
  <T>(format: (value: T) => Uint8Array | string, parse: (text: Uint8Array) => Result<T>): Law<T> =>
  (value) => {
    const bytes = (written: Uint8Array | string): Uint8Array =>
      typeof written === "string" ? new TextEncoder().encode(written) : written;
    const first = bytes(format(value));
    const again = parse(first);
    assert.ok(again.ok, again.ok ? "" : `not read again: ${again.error.message}`);
    assert.deepEqual(bytes(format(again.value)), first, "written otherwise the second time");
  };

/** What is written of a value is what was read. */
export const exact =
  <T>(format: (value: T) => Uint8Array | string): Law<T> =>
  (value, input) => {
    const written = format(value);
    const bytes = typeof written === "string" ? new TextEncoder().encode(written) : written;
    assert.deepEqual(bytes, input, "written otherwise than it was read");
  };

/** What is accepted here, another reader accepts too: it throws where it does not. */
export const oracle =
  <T>(read: (input: Uint8Array) => unknown): Law<T> =>
  (_value, input) => {
    assert.doesNotThrow(() => read(input), "accepted, and another reader refuses it");
  };
