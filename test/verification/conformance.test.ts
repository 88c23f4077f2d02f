import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { artifactOfBytes } from "../../src/formats/artifact.ts";
import { parseBundle } from "../../src/formats/bundle.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { CHECKS } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";
import { artifactOf, CASES, caseNames, EXPECTED, NOW, runCase } from "./conformance.ts";

/** Why each case that must be refused is refused: the first rule of ours that it breaks. */
const REFUSALS: Readonly<Record<string, Code>> = {
  "bundle-empty-certificate-chain_fail": "BUNDLE_MATERIAL",
  "bundle-from-wrong-instance_fail": "TLOG_UNKNOWN_LOG",
  "bundle-invalid-base64-signature_fail": "BUNDLE_FORMAT",
  "bundle-malformed-json_fail": "FORMAT_JSON",
  "bundle-negative-log-index_fail": "BUNDLE_FORMAT",
  "bundle-unknown-version_fail": "BUNDLE_VERSION",
  "bundle-with-root-cert_fail": "BUNDLE_MATERIAL",
  "checkpoint-bad-keyhint_fail": "TLOG_CHECKPOINT",
  "checkpoint-wrong-roothash_fail": "TLOG_CHECKPOINT_ROOT",
  "dsse-invalid-sig_fail": "TLOG_BODY",
  "dsse-mismatch-envelope_fail": "TLOG_BODY",
  "dsse-mismatch-sig_fail": "TLOG_BODY",
  "inclusion-proof-corrupted-hash_fail": "TLOG_INCLUSION",
  "incorrect-public-key_fail": "TLOG_BODY",
  "integrated-time-in-future_fail": "TLOG_TIME",
  "intoto-expired-certificate_fail": "TLOG_TIME",
  "intoto-log-entry-mismatch_fail": "TLOG_BODY",
  "intoto-missing-inclusion-proof_fail": "TLOG_INCLUSION_MISSING",
  "intoto-set-outside-signing-cert-validity_fail": "TLOG_TIME",
  "intoto-tsa-timestamp-outside-cert-validity_fail": "TIME_WINDOW",
  "invalid-checkpoint-signature_fail": "TLOG_CHECKPOINT",
  "invalid-ct-key_fail": "SCT_UNKNOWN_LOG",
  // Version 0.2, and its proof has no checkpoint.
  "invalid-inclusion-proof_fail": "TLOG_INCLUSION_MISSING",
  "managed-key-no-key_fail": "KEY_MISSING",
  // The key's base64 has stray bits, so it is refused before it is tried.
  "managed-key-wrong-key_fail": "FORMAT_PEM",
  "message-digest-mismatch_fail": "SIGNATURE_DIGEST",
  "rekor2-checkpoint-missing-log-signature_fail": "TLOG_CHECKPOINT",
  "rekor2-checkpoint-missing-origin_fail": "TLOG_CHECKPOINT",
  "rekor2-checkpoint-missing-root-hash_fail": "TLOG_CHECKPOINT",
  "rekor2-checkpoint-missing-size_fail": "TLOG_CHECKPOINT",
  "rekor2-checkpoint-no-matching-signature_fail": "TLOG_CHECKPOINT",
  "rekor2-dsse-invalid-sig_fail": "TLOG_BODY",
  "rekor2-dsse-mismatch-envelope_fail": "TLOG_BODY",
  "rekor2-dsse-mismatch-sig_fail": "TLOG_BODY",
  "rekor2-no-inclusion-proof_fail": "TLOG_INCLUSION_MISSING",
  "rekor2-no-timestamp_fail": "TIME_MISSING",
  "rekor2-timestamp-outside-trust-root-tsa-validity_fail": "TIME_AUTHORITY",
  "rekor2-timestamp-outside-tsa-cert-validity_fail": "TIME_AUTHORITY",
  "rekor2-timestamp-payload-mismatch_fail": "TIME_IMPRINT",
  "rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail": "TIME_AUTHORITY",
  "rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail": "TIME_AUTHORITY",
  // Its base64 has line breaks; without them it is TIME_WINDOW, see below.
  "rekor2-timestamp-with-incorrect-time_fail": "BUNDLE_FORMAT",
  "set-invalid-signature_fail": "TLOG_SET",
  "signature-mismatch_fail": "TLOG_BODY",
  "trust-root-tlog-missing-validity-start_fail": "TRUST_FORMAT",
  "wrong-hashedrekord-artifact_fail": "TLOG_BODY",
  "wrong-hashedrekord-cert-and-sig_fail": "TLOG_BODY",
  "wrong-hashedrekord-entry_fail": "TLOG_BODY",
  "wrong-material_fail": "SIGNATURE_DIGEST",
};

const names = caseNames();
const skip = names.length === 0 ? `no vectors at ${CASES.pathname}` : false;

describe("sigstore-conformance", { skip }, () => {
  for (const name of names) {
    for (const how of ["PATH", "DIGEST"] as const) {
      it(`${name} ${how}`, async () => {
        const verdict = await runCase(name, how);
        if (!name.endsWith("_fail")) {
          assert.equal(verdict.verified, true, JSON.stringify(verdict));
          const order = verdict.checks.map((check) => CHECKS.indexOf(check.name));
          assert.deepEqual(new Set(order), new Set(CHECKS.keys()), "every check is reported");
          assert.ok(verdict.checks.every(({ status }) => status !== "failed"));
          return;
        }
        assert.ok(!verdict.verified);
        assert.equal(verdict.failure.code, REFUSALS[name], verdict.failure.message);
      });
    }
  }

  it("has a reason for every case that must be refused, and for no other", () => {
    const failing = names.filter((name) => name.endsWith("_fail"));
    assert.deepEqual(Object.keys(REFUSALS).sort(), failing);
    assert.equal(names.length, 70);
  });

  it("refuses the wrongly timed timestamp for its time, once its base64 is canonical", async () => {
    const folder = new URL("rekor2-timestamp-with-incorrect-time_fail/", CASES);
    const text = readFileSync(new URL("bundle.sigstore.json", folder), "utf8");
    const trust = readFileSync(new URL("trusted_root.json", folder), "utf8");
    const verdict = await verify({
      artifact: artifactOfBytes(artifactOf("rekor2-timestamp-with-incorrect-time_fail")),
      bundle: unwrap(
        parseBundle(
          text.replaceAll("\\n", (match, at: number) =>
            at < text.indexOf("rfc3161Timestamps") ? match : "",
          ),
        ),
      ),
      trust: unwrap(parseTrustedRoot(trust)),
      expect: EXPECTED,
      now: NOW,
    });
    assert.ok(!verdict.verified);
    assert.equal(verdict.failure.code, "TIME_WINDOW");
  });
});
