import assert from "node:assert/strict";
import type { Code } from "../../src/formats/errors.ts";
import type { Result } from "../../src/formats/result.ts";

/** Fails unless `outcome` is a failure with this code, and a message that matches. */
export function refused(outcome: Result<unknown>, code: Code, message = /./): void {
  assert.ok(!outcome.ok, "was accepted");
  assert.match(outcome.error.message, message);
  assert.equal(outcome.error.code, code);
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is not UTF-8. */
export const NOT_TEXT = Uint8Array.of(0x61, 0xff);
