import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compareSources } from "../../src/verification/claims.ts";
import type { Verdict } from "../../src/verification/verdict.ts";
import { CLAIMS, ISSUER, SAN } from "./forge.ts";

const claims = CLAIMS as unknown as Record<string, string>;
const signer = { kind: "certificate", san: SAN, sanKind: "uri", issuer: ISSUER, claims } as const;

describe("sources of one file's evidence", () => {
  const verdict = (changes: Record<string, string | undefined> = {}): Verdict => {
    const changed = Object.entries({ ...claims, ...changes }).filter(
      ([, value]) => value !== undefined,
    );
    return {
      verified: true,
      binding: "release",
      signer: { ...signer, claims: Object.fromEntries(changed) as Record<string, string> },
      times: [],
      logged: [],
      checks: [],
    };
  };
  const refusedVerdict: Verdict = {
    verified: false,
    failure: { code: "TLOG_BODY", message: "another", hint: "x" },
    checks: [],
  };
  const keyed: Verdict = {
    ...verdict(),
    verified: true,
    signer: { kind: "key", keyId: "00" },
  } as Verdict;
  const codeOf = (...verdicts: Verdict[]) => {
    const compared = compareSources(verdicts);
    return compared.ok ? "ok" : compared.error.code;
  };

  it("may be one commit and ref, and those that name none say nothing", () => {
    assert.equal(codeOf(), "ok");
    assert.equal(codeOf(verdict(), verdict(), refusedVerdict, keyed), "ok");
  });
  for (const number of ["13", "14"]) {
    it(`may not differ in claim ${number}, nor may one of them lack it`, () => {
      assert.equal(codeOf(verdict(), verdict({ [number]: "other" })), "ATTESTATION_CLAIMS");
      assert.equal(codeOf(verdict(), verdict({ [number]: undefined })), "ATTESTATION_CLAIMS");
    });
  }
});
