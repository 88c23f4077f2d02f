import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateKey } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { type Certificate, parseCertificate } from "../../src/formats/certificate.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeNames,
  subjectKeyIdentifier,
} from "../../src/formats/certificate-extensions.ts";
import {
  intermediateCertificate,
  rootCertificate,
  signingLeaf,
  timestampingCertificate,
} from "../../src/formats/certificate-profiles.ts";
import {
  distinguishedName,
  encodeTbs,
  keyIdentifier,
  serialFrom,
  signCertificate,
  withPoison,
  withScts,
} from "../../src/formats/certificate-writer.ts";
import { OID } from "../../src/formats/oids.ts";
import { unwrap } from "../../src/formats/result.ts";
import { precertificateTbs } from "../../src/formats/sct.ts";

const root = { name: distinguishedName("org", "root"), key: generateKey("ecdsa-p384") };
const intermediate = { name: distinguishedName("org", "ca"), key: generateKey("ecdsa-p256") };
const leafKey = generateKey("ecdsa-p256");
const serial = serialFrom(new Uint8Array(20).fill(0xff));
const validity = {
  notBefore: Date.parse("2026-11-24T12:00:00Z"),
  notAfter: Date.parse("2026-11-24T12:10:00Z"),
};
const subject = { name: intermediate.name, spki: intermediate.key.publicKey.spki };
const SAN = "https://gitlab.example/acme/widgets//.gitlab-ci.yml@refs/heads/main";
const leaf = signingLeaf(
  intermediate,
  leafKey.publicKey.spki,
  { subjectAlternativeName: SAN, extensions: [] },
  serial,
  validity,
);

const parse = (der: Uint8Array): Certificate => unwrap(parseCertificate(der));

const shapeOf = (certificate: Certificate) => ({
  criticals: [...certificate.extensions].filter(([, e]) => e.critical).map(([oid]) => oid),
  keyUsage: [...(unwrap(keyUsage(certificate)) ?? [])],
  purposes: unwrap(extendedKeyUsage(certificate))?.purposes,
  constraints: unwrap(basicConstraints(certificate)),
});

test("the root signs certificates and has no extended usage", () => {
  const certificate = parse(rootCertificate(root, serial, validity));
  assert.deepEqual(shapeOf(certificate), {
    criticals: [OID.keyUsage, OID.basicConstraints],
    keyUsage: ["keyCertSign", "cRLSign"],
    purposes: undefined,
    constraints: { ca: true, pathLength: undefined },
  });
  assert.deepEqual(certificate.issuer, certificate.subject);
  assert.equal(certificate.signatureAlgorithm, OID.ecdsaWithSha384);
});

test("the intermediate may issue code signing leaves only", () => {
  const certificate = parse(intermediateCertificate(root, subject, serial, validity));
  assert.deepEqual(shapeOf(certificate), {
    criticals: [OID.keyUsage, OID.basicConstraints],
    keyUsage: ["keyCertSign", "cRLSign"],
    purposes: [OID.codeSigning],
    constraints: { ca: true, pathLength: 0 },
  });
});

test("the timestamping leaf has one critical usage", () => {
  const certificate = parse(timestampingCertificate(root, subject, serial, validity));
  assert.deepEqual(shapeOf(certificate), {
    criticals: [OID.keyUsage, OID.extendedKeyUsage],
    keyUsage: ["digitalSignature"],
    purposes: [OID.timeStamping],
    constraints: undefined,
  });
});

test("the signing leaf follows Fulcio's certificate profile", async () => {
  const certificate = parse(signCertificate(leaf, intermediate.key));
  assert.deepEqual(shapeOf(certificate), {
    criticals: [OID.keyUsage, OID.subjectAltName],
    keyUsage: ["digitalSignature"],
    purposes: [OID.codeSigning],
    constraints: undefined,
  });
  assert.equal(certificate.subject.length, 2, "the subject is not empty");
  assert.equal(certificate.serial.length, 20);
  assert.deepEqual([certificate.notBefore, certificate.notAfter], Object.values(validity));
  assert.deepEqual(
    unwrap(subjectAlternativeNames(certificate)).map(({ kind, value }) => [kind, value]),
    [["uri", SAN]],
  );
  const ids = [
    unwrap(subjectKeyIdentifier(certificate)),
    unwrap(authorityKeyIdentifier(certificate)),
  ];
  assert.deepEqual(ids, [
    keyIdentifier(leafKey.publicKey.spki),
    keyIdentifier(intermediate.key.publicKey.spki),
  ]);
  const { publicKey } = intermediate.key;
  assert.ok(await verifySignature(publicKey, "sha256", certificate.signature, certificate.tbs));
});

test("precertificate, certificate and what the log signs are one TBS", () => {
  const logged = encodeTbs(leaf, intermediate.key.publicKey);
  const precertificate = parse(signCertificate(withPoison(leaf), intermediate.key));
  const sct = new Uint8Array(118).fill(7);
  const certificate = parse(signCertificate(withScts(leaf, [sct, sct]), intermediate.key));
  assert.equal(precertificate.extensions.get(OID.precertificatePoison)?.critical, true);
  assert.equal(certificate.extensions.get(OID.sctList)?.critical, false);
  assert.deepEqual(unwrap(precertificateTbs(precertificate)), logged);
  assert.deepEqual(unwrap(precertificateTbs(certificate)), logged);
});

test("a serial is positive and has 20 bytes whatever the randomness", () => {
  const twenty = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(twenty, (random) => {
      const made = serialFrom(random);
      const first = made[0]!;
      return made.length === 20 && first >= 0x40 && first < 0x80;
    }),
  );
});

test("every kind of key can sign certificates that parse", async () => {
  const hashes = {
    "ecdsa-p256": "sha256",
    "ecdsa-p384": "sha384",
    "ecdsa-p521": "sha512",
    ed25519: "sha512",
    "rsa-pkcs1v15": "sha256",
  } as const;
  for (const [algorithm, hash] of Object.entries(hashes)) {
    const key = generateKey(algorithm as keyof typeof hashes);
    const certificate = parse(rootCertificate({ name: root.name, key }, serial, validity));
    assert.ok(await verifySignature(key.publicKey, hash, certificate.signature, certificate.tbs));
  }
});
