import assert from "node:assert/strict";
import { it } from "node:test";
import type { Code } from "../../src/formats/errors.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";

/** Evidence that must be refused, and the code that says why. */
export type Case = readonly [name: string, input: () => VerificationInput, code: Code];

/** One test for each case: refused, for this reason, and the failed check is the last reported. */
export const refuses = (cases: readonly Case[]): void => {
  for (const [name, input, code] of cases) {
    it(name, async () => {
      const verdict = await verify(input());
      assert.ok(!verdict.verified, "accepted");
      assert.equal(verdict.failure.code, code, verdict.failure.message);
      assert.equal(verdict.checks.at(-1)?.status, "failed");
      assert.equal(verdict.checks.filter(({ status }) => status === "failed").length, 1);
    });
  }
};

/** One test that this evidence is accepted. */
export const accepts = (name: string, input: () => VerificationInput): void => {
  it(name, async () => {
    const verdict = await verify(input());
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });
};
