import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { schemeFits, signatureScheme } from "../../src/formats/certificate.ts";
import { OID } from "../../src/formats/oids.ts";

test("each key makes signatures of its own kind only", () => {
  const schemes = [OID.ecdsaWithSha256, OID.ed25519, OID.sha256WithRsa].map((oid) => {
    const scheme = signatureScheme(oid);
    assert.ok(scheme);
    return scheme;
  });
  const kinds = { "ecdsa-p256": "ecdsa", "ecdsa-p384": "ecdsa", ed25519: "ed25519" } as const;
  for (const [algorithm, kind] of Object.entries(kinds)) {
    const key = generateKey(algorithm as keyof typeof kinds).publicKey;
    assert.deepEqual(
      schemes.filter((scheme) => schemeFits(scheme, key)).map((scheme) => scheme.kind),
      [kind],
    );
  }
});

test("no scheme for SHA-1, PSS and names that objects inherit", () => {
  for (const oid of ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.10", "toString", ""]) {
    assert.equal(signatureScheme(oid), undefined);
  }
});
