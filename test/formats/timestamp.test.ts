import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digest } from "../../src/crypto/hash.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { concat, equal } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { children, der, integer, readDer, sequence, TAG } from "../../src/formats/der.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import {
  fromBase64Text,
  goodCases,
  type RawBundle,
  readBundle,
  skipConformance as skip,
} from "./conformance.ts";

const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

const timestampsOf = (bundle: RawBundle): Uint8Array[] =>
  (bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []).map((stamp) =>
    fromBase64Text(stamp.signedTimestamp),
  );

const signatureOf = (bundle: RawBundle): Uint8Array =>
  fromBase64Text(bundle.messageSignature?.signature ?? bundle.dsseEnvelope!.signatures[0]!.sig);

test("recorded tokens are over their bundle's signature, and hang together", { skip }, async () => {
  let verified = 0;
  for (const name of goodCases()) {
    const bundle = readBundle(name);
    for (const bytes of timestampsOf(bundle)) {
      const token = unwrap(parseTimestamp(bytes));
      const { imprint } = token;
      assert.ok(equal(imprint.digest, digest(imprint.hash, signatureOf(bundle))), name);
      assert.ok(equal(token.messageDigest, digest(token.digestAlgorithm, token.content)), name);
      for (const der of token.certificates) {
        const { publicKey } = unwrap(parseCertificate(der));
        const { scheme, signature, signedAttributes } = token;
        assert.ok(await verifySignature(publicKey, scheme.hash, signature, signedAttributes));
        const { hash, digest: named } = token.signingCertificate!;
        assert.ok(hash !== "sha1" && equal(named, digest(hash, der)), name);
        verified += 1;
      }
    }
  }
  assert.ok(verified >= 5);
});

const recorded = (): Uint8Array => timestampsOf(readBundle("rekor2-happy-path"))[0]!;
const nodes = (bytes: Uint8Array) => unwrap(children(unwrap(readDer(bytes))));

test("one recorded token, field by field", { skip }, () => {
  const token = unwrap(parseTimestamp(recorded()));
  assert.equal(token.time, Date.UTC(2025, 5, 12, 12, 2, 20));
  assert.equal(token.policy, "1.3.6.1.4.1.57264.2");
  assert.equal(token.imprint.hash, "sha256");
  assert.equal(token.nonce, 0x8f59f2afe69cc8a8n);
  assert.equal(token.serial, 0x559742c71edae5b645233a7ac43a8d033142a5acn);
  assert.equal(token.signer.kind, "issuer-serial");
  assert.deepEqual(token.scheme, { kind: "ecdsa", hash: "sha256" });
  assert.equal(token.signingCertificate?.hash, "sha256");
  assert.equal(token.certificates.length, 1);
});

test("a bare token is read as the one in a response", { skip }, () => {
  const [, token] = nodes(recorded());
  assert.deepEqual(parseTimestamp(token!.bytes), parseTimestamp(recorded()));
});

test("a refused request is not a token", { skip }, () => {
  const [, token] = nodes(recorded());
  for (const status of [2, 3, 4, 5]) {
    const refused = sequence(sequence(integer(status)), token!.bytes);
    assert.equal(codeOf(parseTimestamp(refused)), "TIME_STATUS");
    assert.equal(codeOf(parseTimestamp(sequence(sequence(integer(status))))), "TIME_STATUS");
  }
  const modified = sequence(sequence(integer(1)), token!.bytes);
  assert.ok(parseTimestamp(modified).ok);
});

/** Puts `replacement` in the place of the first `original` inside, lengths kept. */
const replaced = (original: number[], replacement: number[]): Uint8Array => {
  const bytes = recorded();
  const at = Buffer.from(bytes).indexOf(Buffer.from(original));
  assert.ok(at >= 0 && original.length === replacement.length);
  bytes.set(replacement, at);
  return bytes;
};
const ID_CT_TST_INFO = [0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 16, 1, 4];
const MESSAGE_DIGEST = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 4];
const SIGNED_DATA = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 7, 2];
const TAMPERED: Record<string, () => Uint8Array> = {
  nothing: () => new Uint8Array(0),
  "a byte behind": () => concat(recorded(), Uint8Array.of(0)),
  "a granted response without a token": () => sequence(sequence(integer(0))),
  "an element behind the token": () => {
    const [status, token] = nodes(recorded());
    return sequence(status!.bytes, token!.bytes, integer(1));
  },
  "more than 64 KiB": () => new Uint8Array(70_000),
  "another content type": () => replaced(ID_CT_TST_INFO, ID_CT_TST_INFO.with(12, 5)),
  "another container": () => replaced(SIGNED_DATA, SIGNED_DATA.with(10, 3)),
  "no message digest": () => replaced(MESSAGE_DIGEST, MESSAGE_DIGEST.with(10, 7)),
  "an attribute twice": () => replaced(MESSAGE_DIGEST, MESSAGE_DIGEST.with(10, 5)),
  "SignedData of version 4": () => replaced([2, 1, 3, 0x31], [2, 1, 4, 0x31]),
  "TSTInfo of version 2": () => replaced([2, 1, 1, 6, 9], [2, 1, 2, 6, 9]),
  "a digest of another length": () => {
    const bytes = recorded();
    const at = Buffer.from(bytes).indexOf(Buffer.from([0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]));
    // SHA-512 by name, 32 bytes long.
    return bytes.with(at + 2, 3);
  },
  "an unknown digest": () =>
    replaced([0x04, 0x02, 0x01, 0x05, 0x00], [0x04, 0x02, 0x09, 0x05, 0x00]),
};
for (const [name, make] of Object.entries(TAMPERED)) {
  test(`refused: ${name}`, { skip }, () => {
    assert.equal(codeOf(parseTimestamp(make())), "TIME_TOKEN");
  });
}

test("an indefinite length is refused", { skip }, () => {
  const inner = recorded().subarray(4);
  const bytes = concat(Uint8Array.of(TAG.SEQUENCE, 0x80), inner, Uint8Array.of(0, 0));
  assert.equal(codeOf(parseTimestamp(bytes)), "TIME_TOKEN");
  assert.ok(parseTimestamp(der(TAG.SEQUENCE, inner)).ok);
});

test("no flipped bit throws", { skip }, () => {
  const bytes = recorded();
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const code = codeOf(parseTimestamp(flipped));
      assert.ok(["accepted", "TIME_TOKEN", "TIME_STATUS"].includes(code), code);
    }),
    { numRuns: 1000 },
  );
});
