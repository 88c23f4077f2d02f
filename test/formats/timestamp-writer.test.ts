import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { timestampingCertificate } from "../../src/formats/certificate-profiles.ts";
import { distinguishedName, serialFrom } from "../../src/formats/certificate-writer.ts";
import { children, readDer } from "../../src/formats/der.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import type { TimestampRequest } from "../../src/formats/timestamp-request.ts";
import { grantTimestamp, rejectTimestamp } from "../../src/formats/timestamp-writer.ts";

const root = { name: distinguishedName("org", "tsa-root"), key: generateKey("ecdsa-p256") };
const key = generateKey("ecdsa-p256");
const validity = { notBefore: 1_700_000_000_000, notAfter: 1_800_000_000_000 };
const serial = serialFrom(new Uint8Array(20).fill(9));
const subject = { name: distinguishedName("org", "tsa"), spki: key.publicKey.spki };
const leaf = timestampingCertificate(root, subject, serial, validity);
const certificate = unwrap(parseCertificate(leaf));
const signer = { key, certificate };
const request: TimestampRequest = {
  hash: "sha384",
  digest: new Uint8Array(48).fill(3),
  policy: undefined,
  nonce: 2n ** 64n - 1n,
  certificates: true,
};
const grant = { policy: "1.3.6.1.4.1.57264.2", serialNumber: 77n, genTime: 1_750_000_000_987 };

test("a granted timestamp says what was asked, and when", async () => {
  const token = unwrap(parseTimestamp(grantTimestamp(signer, request, grant)));
  assert.equal(token.time, 1_750_000_000_000, "whole seconds, rounded down");
  assert.equal(token.imprint.hash, "sha384");
  assert.deepEqual([...token.imprint.digest], [...request.digest]);
  assert.equal(token.nonce, request.nonce);
  assert.deepEqual(token.certificates.map(base64), [base64(leaf)]);
  assert.equal(token.policy, grant.policy);
  assert.equal(token.serial, grant.serialNumber);
  assert.deepEqual([...token.messageDigest], [...sha256(token.content)]);
  assert.deepEqual([...(token.signingCertificate?.digest ?? [])], [...sha256(leaf)]);
  const { issuer, serial } = certificate;
  assert.deepEqual(token.signer, { kind: "issuer-serial", issuer, serial });
  assert.ok(
    await verifySignature(key.publicKey, "sha256", token.signature, token.signedAttributes),
  );
});

test("the certificate is left out unless asked for", () => {
  const bare = grantTimestamp(signer, { ...request, certificates: false }, grant);
  assert.equal(unwrap(parseTimestamp(bare)).certificates.length, 0);
});

test("another time, nonce or digest gives another token", () => {
  const base = sha256(grantTimestamp(signer, request, grant));
  const others = [
    grantTimestamp(signer, { ...request, nonce: undefined }, grant),
    grantTimestamp(signer, request, { ...grant, genTime: grant.genTime + 1000 }),
  ];
  for (const other of others) assert.notDeepEqual(sha256(other), base);
});

test("a rejection has status 2, a reason, one failure bit and no token", () => {
  const BITS = {
    badAlg: "0780",
    badRequest: "0520",
    badDataFormat: "0204",
    unacceptedPolicy: "000001",
    unacceptedExtension: "07000080",
  } as const;
  for (const [refusal, bits] of Object.entries(BITS)) {
    const bytes = rejectTimestamp(refusal as keyof typeof BITS, "because");
    const [status, ...rest] = unwrap(children(unwrap(readDer(bytes))));
    const [code, text, failInfo] = unwrap(children(status!));
    assert.equal(rest.length, 0);
    assert.deepEqual([...code!.content], [2]);
    assert.ok(Buffer.from(text!.content).includes("because"));
    assert.equal(Buffer.from(failInfo!.content).toString("hex"), bits);
    const parsed = parseTimestamp(bytes);
    assert.equal(parsed.ok ? "granted" : parsed.error.code, "TIME_STATUS");
  }
});
