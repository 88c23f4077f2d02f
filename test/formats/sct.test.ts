import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { generateKey, importPublicKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { concat, equal, hex, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { octetString } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import {
  embeddedScts,
  formatDetachedSct,
  parseDetachedSct,
  parseSct,
  parseSctList,
  precertificateTbs,
  type Sct,
  sctSignedBytes,
  serializeSct,
  serializeSctList,
} from "../../src/formats/sct.ts";
import {
  CONFORMANCE,
  fromBase64Text,
  leafOf,
  readBundle,
  skipConformance as skip,
} from "./conformance.ts";

type RawRoot = {
  ctlogs: { publicKey: { rawBytes: string } }[];
  certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
};

/** Cases that carry their own trust root, whose CT log and authority are recorded too. */
const RECORDED = ["rekor2-happy-path", "bundle-with-sct-with-extensions", "rekor2-dsse-happy-path"];

const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

for (const name of RECORDED) {
  test(`the SCT in ${name} is good under a recorded log key`, { skip }, async () => {
    const certificate = unwrap(parseCertificate(leafOf(readBundle(name))!));
    const root = JSON.parse(
      readFileSync(`${CONFORMANCE}/${name}/trusted_root.json`, "utf8"),
    ) as RawRoot;
    const keys = root.ctlogs.map((log) => importPublicKey(fromBase64Text(log.publicKey.rawBytes)));
    const issuers = root.certificateAuthorities
      .flatMap((authority) => authority.certChain.certificates)
      .map((raw) => unwrap(parseCertificate(fromBase64Text(raw.rawBytes))))
      .filter((candidate) => equal(candidate.subject, certificate.issuer));
    const [sct] = unwrap(embeddedScts(certificate));
    const key = keys.find((candidate) => candidate && equal(candidate.keyId, sct!.logId));
    const tbs = unwrap(precertificateTbs(certificate));
    const results = await Promise.all(
      issuers.map((issuer) => {
        const issuerKeyHash = issuer.publicKey.keyId;
        const signed = sctSignedBytes(sct!, { kind: "precert", issuerKeyHash, tbs });
        return verifySignature(key!, sct!.hash, sct!.signature, signed);
      }),
    );
    assert.ok(results.includes(true));
    const bare = sctSignedBytes(sct!, { kind: "x509", certificate: certificate.der });
    assert.ok(!(await verifySignature(key!, sct!.hash, sct!.signature, bare)));
  });
}

test("an SCT with extensions keeps them", { skip }, () => {
  const leaf = leafOf(readBundle("bundle-with-sct-with-extensions"))!;
  const [sct] = unwrap(embeddedScts(unwrap(parseCertificate(leaf))));
  assert.ok(sct!.extensions.length > 0);
});

const anySct: fc.Arbitrary<Sct> = fc.record(
  {
    logId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    timestamp: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
    extensions: fc.uint8Array({ maxLength: 20 }),
    hash: fc.constantFrom("sha256", "sha384", "sha512"),
    algorithm: fc.constantFrom("ecdsa", "rsa"),
    signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
  },
  { noNullPrototype: true },
);

test("an SCT is written and read back: alone, in a list, and as JSON", () => {
  fc.assert(
    fc.property(fc.array(anySct, { minLength: 1, maxLength: 4 }), (scts) => {
      for (const sct of scts) {
        assert.deepEqual(unwrap(parseSct(serializeSct(sct))), sct);
        assert.deepEqual(unwrap(parseDetachedSct(formatDetachedSct(sct))), sct);
      }
      assert.deepEqual(unwrap(parseSctList(serializeSctList(scts.map(serializeSct)))), scts);
    }),
  );
});

test("no cut and no added byte is accepted", () => {
  const property = fc.property(anySct, fc.nat(200), (sct, at) => {
    const bytes = serializeSct(sct);
    assert.equal(codeOf(parseSct(bytes.subarray(0, at % bytes.length))), "SCT_INVALID");
    assert.equal(codeOf(parseSct(concat(bytes, Uint8Array.of(0)))), "SCT_INVALID");
    const list = serializeSctList([bytes]);
    assert.equal(codeOf(parseSctList(list.subarray(0, at % list.length))), "SCT_INVALID");
    assert.equal(codeOf(parseSctList(concat(list, Uint8Array.of(0)))), "SCT_INVALID");
  });
  fc.assert(property);
});

const SCT: Sct = {
  logId: new Uint8Array(32).fill(1),
  timestamp: 0x0102030405060708n,
  extensions: new Uint8Array(0),
  hash: "sha256",
  algorithm: "ecdsa",
  signature: Uint8Array.of(9),
};

test("the signed bytes are laid out as RFC 6962 §3.2 says", () => {
  const x509 = sctSignedBytes(SCT, { kind: "x509", certificate: Uint8Array.of(0xaa, 0xbb) });
  assert.equal(hex(x509), "0000" + "0102030405060708" + "0000" + "000002aabb" + "0000");
  const issuerKeyHash = new Uint8Array(32).fill(2);
  const extended = { ...SCT, extensions: Uint8Array.of(7) };
  const tbs = Uint8Array.of(0xcc);
  assert.equal(
    hex(sctSignedBytes(extended, { kind: "precert", issuerKeyHash, tbs })),
    "0000" + "0102030405060708" + "0001" + "02".repeat(32) + "000001cc" + "000107",
  );
});

const MALFORMED: Record<string, () => Result<unknown>> = {
  "version 2": () => parseSct(serializeSct(SCT).with(0, 1)),
  "an unknown hash": () => parseSct(serializeSct(SCT).with(43, 2)),
  "an unknown algorithm": () => parseSct(serializeSct(SCT).with(44, 2)),
  "an empty list": () => parseSctList(serializeSctList([])),
  "17 SCTs": () => parseSctList(serializeSctList(Array(17).fill(serializeSct(SCT)))),
  "JSON that is none": () => parseDetachedSct(utf8("SCT")),
  "JSON of version 2": () => parseDetachedSct(utf8('{"sct_version":1}')),
};
for (const [name, make] of Object.entries(MALFORMED)) {
  test(`refused: ${name}`, () => assert.equal(codeOf(make()), "SCT_INVALID"));
}

test("a certificate without SCTs, and one with a malformed list", { skip }, () => {
  const certificate = unwrap(parseCertificate(leafOf(readBundle("happy-path-v0.3"))!));
  const extensions = new Map(certificate.extensions);
  extensions.delete(OID.sctList);
  assert.equal(codeOf(embeddedScts({ ...certificate, extensions })), "SCT_MISSING");
  const value = octetString(serializeSct(SCT));
  extensions.set(OID.sctList, { critical: false, value });
  assert.equal(codeOf(embeddedScts({ ...certificate, extensions })), "SCT_INVALID");
});

test("an own signature over the signed bytes verifies", async () => {
  const key = generateKey("ecdsa-p256");
  const signed = sctSignedBytes(SCT, { kind: "x509", certificate: Uint8Array.of(1) });
  const signature = sign(key, "sha256", signed);
  assert.ok(await verifySignature(key.publicKey, "sha256", signature, signed));
});
