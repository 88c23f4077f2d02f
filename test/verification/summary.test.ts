import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PREDICATE } from "../../src/formats/evidence.ts";
import { unwrap } from "../../src/formats/result.ts";
import { readSummary } from "../../src/verification/summary.ts";
import type { Signer, Verdict } from "../../src/verification/verdict.ts";

const SAN = "https://gitlab.example/acme/gate//.gitlab-ci.yml@refs/heads/main";
const SIGNER: Signer = {
  kind: "certificate",
  san: SAN,
  sanKind: "uri",
  issuer: "https://gitlab.example",
  claims: {},
};
const PASSED = {
  verifier: { id: SAN },
  timeVerified: "2026-11-24T12:00:00Z",
  resourceUri: "pkg:pypi/greeter@1.0.0",
  policy: { uri: "policy.toml" },
  verificationResult: "PASSED",
  verifiedLevels: ["SLSA_BUILD_LEVEL_1"],
};

const verdict = (predicate: unknown, signer: Signer = SIGNER): Verdict & { verified: true } => ({
  verified: true,
  binding: "release",
  signer,
  times: [],
  logged: [],
  predicateType: PREDICATE.summary,
  predicate,
  checks: [],
});

describe("a verification summary", () => {
  it("says who verified what, when, by which policy and to which level", () => {
    assert.deepEqual(unwrap(readSummary(verdict({ ...PASSED, dependencyLevels: {} }))), {
      verifier: SAN,
      verifiedAt: Date.parse("2026-11-24T12:00:00Z"),
      resourceUri: "pkg:pypi/greeter@1.0.0",
      policyUri: "policy.toml",
      levels: ["SLSA_BUILD_LEVEL_1"],
    });
  });

  it("may be of a managed key, which has no name to compare", () => {
    const key: Signer = { kind: "key", keyId: "00" };
    assert.ok(readSummary(verdict({ ...PASSED, verifier: { id: "any" } }, key)).ok);
  });

  const REFUSED: readonly [string, unknown, string][] = [
    ["a failed verification", { ...PASSED, verificationResult: "FAILED" }, "SUMMARY_FAILED"],
    ["an unknown result", { ...PASSED, verificationResult: "passed" }, "SUMMARY_FAILED"],
    ["another's name", { ...PASSED, verifier: { id: `${SAN}x` } }, "ATTESTATION_CLAIMS"],
    ["no verifier", { ...PASSED, verifier: undefined }, "STATEMENT_FORMAT"],
    ["a time that is none", { ...PASSED, timeVerified: "yesterday" }, "STATEMENT_FORMAT"],
    ["no levels", { ...PASSED, verifiedLevels: [] }, "STATEMENT_FORMAT"],
    ["no policy", { ...PASSED, policy: undefined }, "STATEMENT_FORMAT"],
    ["no predicate", null, "STATEMENT_FORMAT"],
  ];
  for (const [what, predicate, code] of REFUSED) {
    it(`is refused for ${what}`, () => {
      const result = readSummary(verdict(predicate));
      assert.equal(result.ok ? "ok" : result.error.code, code);
    });
  }

  it("is not read from another statement", () => {
    const result = readSummary({ ...verdict(PASSED), predicateType: PREDICATE.provenance });
    assert.equal(result.ok ? "ok" : result.error.code, "STATEMENT_PREDICATE");
  });
});
