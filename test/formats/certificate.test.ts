import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { equal, hex, utf8 } from "../../src/formats/bytes.ts";
import {
  type Certificate,
  type Extension,
  parseCertificate,
  parseCertificateChainPem,
  parseCertificatePem,
  sameName,
  schemeFits,
  signatureScheme,
} from "../../src/formats/certificate.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  fulcioClaims,
  issuerOf,
  keyUsage,
  subjectAlternativeNames,
  subjectKeyIdentifier,
} from "../../src/formats/certificate-extensions.ts";
import {
  boolean,
  children,
  contextTag,
  der,
  integer,
  octetString,
  oid,
  readDer,
  sequence,
  TAG,
  utf8String,
} from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { goodCases, leafOf, readBundle, skipConformance as skip } from "./conformance.ts";

const LEAVES = goodCases().flatMap((name) => {
  const leaf = leafOf(readBundle(name));
  return leaf === undefined ? [] : [{ name, leaf }];
});
const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

test("recorded certificates are read as the platform reads them", { skip }, () => {
  assert.ok(LEAVES.length > 15);
  for (const { name, leaf } of LEAVES) {
    const certificate = unwrap(parseCertificate(leaf));
    const reference = new X509Certificate(leaf);
    assert.equal(certificate.notBefore, Date.parse(reference.validFrom), name);
    assert.equal(certificate.notAfter, Date.parse(reference.validTo), name);
    assert.equal(BigInt(`0x${hex(certificate.serial)}`), BigInt(`0x${reference.serialNumber}`));
    const spki = reference.publicKey.export({ format: "der", type: "spki" });
    assert.ok(equal(certificate.publicKey.spki, spki), name);
    const [san, ...more] = unwrap(subjectAlternativeNames(certificate));
    assert.equal(more.length, 0);
    assert.equal(`URI:${san?.value}`, reference.subjectAltName);
  }
});

const first = (): Certificate => unwrap(parseCertificate(LEAVES[0]!.leaf));

test("a Fulcio certificate: usages, claims, issuer", { skip }, () => {
  const { leaf } = LEAVES.find(({ name }) => name === "happy-path-v0.3")!;
  const certificate = unwrap(parseCertificate(leaf));
  assert.deepEqual([...unwrap(keyUsage(certificate))!], ["digitalSignature"]);
  assert.deepEqual(unwrap(extendedKeyUsage(certificate)), {
    critical: false,
    purposes: [OID.codeSigning],
  });
  assert.equal(unwrap(basicConstraints(certificate)), undefined);
  assert.equal(unwrap(subjectKeyIdentifier(certificate))?.length, 20);
  assert.equal(unwrap(authorityKeyIdentifier(certificate))?.length, 20);
  const claims = unwrap(fulcioClaims(certificate));
  assert.equal(claims["1"], "https://token.actions.githubusercontent.com");
  assert.equal(claims["2"], "workflow_dispatch");
  assert.equal(claims["8"], claims["1"]);
  assert.equal(claims["11"], "github-hosted");
  assert.equal(unwrap(issuerOf(certificate)), claims["8"]);
  assert.deepEqual(signatureScheme(certificate.signatureAlgorithm), {
    kind: "ecdsa",
    hash: "sha384",
  });
  assert.ok(schemeFits({ kind: "ecdsa", hash: "sha256" }, certificate.publicKey));
  assert.ok(!schemeFits({ kind: "rsa", hash: "sha256" }, certificate.publicKey));
  assert.equal(signatureScheme("1.2.840.113549.1.1.5"), undefined);
  assert.equal(signatureScheme("toString"), undefined);
});

test("PEM: one, a chain, and one too many", { skip }, () => {
  const pem = formatPem("CERTIFICATE", LEAVES[0]!.leaf);
  assert.ok(sameName(unwrap(parseCertificatePem(pem)).issuer, first().issuer));
  assert.equal(unwrap(parseCertificateChainPem(pem + pem)).length, 2);
  assert.equal(codeOf(parseCertificatePem(pem + pem)), "FORMAT_PEM");
  assert.equal(codeOf(parseCertificatePem(formatPem("CERTIFICATE", utf8("x")))), "CERT_FORMAT");
});

/** The parts of a TBSCertificate, to be put together in other ways. */
const parts = () => unwrap(children(unwrap(readDer(first().tbs)))).map(({ bytes }) => bytes);
const OUTER = () => unwrap(children(unwrap(readDer(first().der)))).map(({ bytes }) => bytes);

const rebuilt = (
  change: (tbs: Uint8Array[]) => Uint8Array[],
  algorithm = OUTER()[1]!,
): Result<Certificate> =>
  parseCertificate(sequence(sequence(...change(parts())), algorithm, OUTER()[2]!));

const extension = (name: string, value: Uint8Array, flag?: Uint8Array): Uint8Array =>
  sequence(oid(name), ...(flag === undefined ? [] : [flag]), octetString(value));
const withExtensions = (...extensions: Uint8Array[]): Result<Certificate> =>
  rebuilt((tbs) => tbs.with(7, der(contextTag(3), sequence(...extensions))));

test("the rebuilding itself changes nothing", { skip }, () => {
  const certificate = unwrap(rebuilt((tbs) => tbs));
  assert.ok(equal(certificate.der, first().der));
});

const utc = (text: string): Uint8Array => der(TAG.UTC_TIME, utf8(text));
const TAMPERED: Record<string, () => Result<Certificate>> = {
  "a byte behind": () => parseCertificate(Uint8Array.of(...first().der, 0)),
  "cut off": () => parseCertificate(first().der.subarray(0, 500)),
  "more than 64 KiB": () => parseCertificate(new Uint8Array(70_000)),
  "another algorithm outside": () => rebuilt((tbs) => tbs, sequence(oid(OID.ecdsaWithSha256))),
  "algorithms with strange parameters": () => {
    const strange = sequence(oid(OID.ecdsaWithSha384), integer(1));
    return rebuilt((tbs) => tbs.with(2, strange), strange);
  },
  "version 1 with extensions": () => rebuilt((tbs) => tbs.slice(1)),
  "version 2": () => rebuilt((tbs) => tbs.with(0, der(contextTag(0), integer(1)))),
  "a serial number of 22 bytes": () => rebuilt((tbs) => tbs.with(1, integer(2n ** 170n))),
  "a padded serial number": () =>
    rebuilt((tbs) => tbs.with(1, der(TAG.INTEGER, Uint8Array.of(0, 1)))),
  "31 February": () =>
    rebuilt((tbs) => tbs.with(4, sequence(utc("240231000000Z"), utc("250101000000Z")))),
  "an end before the beginning": () =>
    rebuilt((tbs) => tbs.with(4, sequence(utc("250101000000Z"), utc("240101000000Z")))),
  "a time with a fraction": () => {
    const time = der(TAG.GENERALIZED_TIME, utf8("20240101000000.5Z"));
    return rebuilt((tbs) => tbs.with(4, sequence(time, time)));
  },
  "a key that is none": () => rebuilt((tbs) => tbs.with(6, sequence(integer(1)))),
  "an element too many": () => rebuilt((tbs) => [...tbs, integer(1)]),
  "no extensions in their list": () => withExtensions(),
  "an extension twice": () =>
    withExtensions(extension("1.2.3", utf8("a")), extension("1.2.3", utf8("b"))),
  "65 extensions": () =>
    withExtensions(...Array.from({ length: 65 }, (_, i) => extension(`1.2.${i}`, utf8("")))),
  "an explicit default": () => withExtensions(extension("1.2.3", utf8(""), boolean(false))),
  "a truth that is not 0xff": () =>
    withExtensions(extension("1.2.3", utf8(""), der(TAG.BOOLEAN, Uint8Array.of(1)))),
};
for (const [name, make] of Object.entries(TAMPERED)) {
  test(`refused: ${name}`, { skip }, () => assert.equal(codeOf(make()), "CERT_FORMAT"));
}

test("version 1 without extensions is read", { skip }, () => {
  assert.equal(unwrap(rebuilt((tbs) => tbs.slice(1, 7))).extensions.size, 0);
});

/** A certificate that has only these extensions. */
const bearing = (...entries: [string, Uint8Array][]): Certificate => ({
  ...first(),
  extensions: new Map<string, Extension>(
    entries.map(([name, value]) => [name, { critical: false, value }]),
  ),
});
const name = (tag: number, text: string): Uint8Array => der(contextTag(tag, false), utf8(text));
const san = (...names: Uint8Array[]) =>
  subjectAlternativeNames(bearing([OID.subjectAltName, sequence(...names)]));
const otherName = (type: string, value: Uint8Array): Uint8Array =>
  der(contextTag(0), oid(type), der(contextTag(0), value));

test("names of every kind that is an identity", { skip }, () => {
  assert.deepEqual(
    unwrap(
      san(
        name(6, "https://a.example/x"),
        name(1, "a@b.example"),
        name(2, "b.example"),
        otherName(OID.fulcioUsername, utf8String("a!b.example")),
      ),
    ),
    [
      { kind: "uri", value: "https://a.example/x" },
      { kind: "email", value: "a@b.example" },
      { kind: "dns", value: "b.example" },
      { kind: "other-name", value: "a!b.example" },
    ],
  );
  assert.deepEqual(unwrap(subjectAlternativeNames(bearing())), []);
});

const BAD_NAMES: Record<string, () => Uint8Array[]> = {
  "no names": () => [],
  "17 names": () => Array.from({ length: 17 }, () => name(2, "a")),
  "an empty name": () => [name(6, "")],
  "a NUL in a name": () => [name(6, "https://a.example/\0x")],
  "a name that is not ASCII": () => [name(1, "\u00e4@b.example")],
  "an address": () => [name(7, "abcd")],
  "another otherName": () => [otherName("1.2.3", utf8String("x"))],
  "an otherName of another type": () => [otherName(OID.fulcioUsername, integer(1))],
};
for (const [title, names] of Object.entries(BAD_NAMES)) {
  test(`SAN refused: ${title}`, { skip }, () => assert.equal(codeOf(san(...names())), "CERT_SAN"));
}

test("basic constraints", { skip }, () => {
  const read = (...fields: Uint8Array[]) =>
    basicConstraints(bearing([OID.basicConstraints, sequence(...fields)]));
  assert.deepEqual(unwrap(read()), { ca: false, pathLength: undefined });
  assert.deepEqual(unwrap(read(boolean(true))), { ca: true, pathLength: undefined });
  assert.deepEqual(unwrap(read(boolean(true), integer(0))), { ca: true, pathLength: 0 });
  assert.equal(codeOf(read(integer(0))), "CERT_FORMAT");
  assert.equal(codeOf(read(boolean(true), integer(300))), "CERT_FORMAT");
  assert.equal(codeOf(read(boolean(true), integer(0), integer(0))), "CERT_FORMAT");
});

test("key usages by their bits", { skip }, () => {
  const read = (...bytes: number[]) =>
    keyUsage(bearing([OID.keyUsage, der(TAG.BIT_STRING, Uint8Array.from(bytes))]));
  assert.deepEqual([...unwrap(read(1, 0x06))!], ["keyCertSign", "cRLSign"]);
  assert.deepEqual([...unwrap(read(7, 0x00, 0x80))!], ["decipherOnly"]);
  assert.equal(codeOf(read()), "CERT_FORMAT");
  assert.equal(codeOf(read(8, 0)), "CERT_FORMAT");
  assert.equal(
    codeOf(extendedKeyUsage(bearing([OID.extendedKeyUsage, sequence()]))),
    "CERT_FORMAT",
  );
});

test("Fulcio claims: bare text up to 6, UTF8String from 8", { skip }, () => {
  const prefix = "1.3.6.1.4.1.57264.1";
  const issuer = (legacy: string | undefined, current: string | undefined) =>
    issuerOf(
      bearing(
        ...(legacy === undefined ? [] : [[`${prefix}.1`, utf8(legacy)] as [string, Uint8Array]]),
        ...(current === undefined
          ? []
          : [[`${prefix}.8`, utf8String(current)] as [string, Uint8Array]]),
      ),
    );
  assert.equal(unwrap(issuer("https://a", undefined)), "https://a");
  assert.equal(unwrap(issuer(undefined, "https://a")), "https://a");
  assert.equal(unwrap(issuer("https://a", "https://a")), "https://a");
  assert.equal(codeOf(issuer("https://a", "https://a/")), "CERT_FORMAT");
  assert.equal(codeOf(issuer(undefined, undefined)), "IDENTITY_ISSUER");
  assert.equal(codeOf(issuer(undefined, "")), "IDENTITY_ISSUER");
  assert.equal(codeOf(fulcioClaims(bearing([`${prefix}.9`, utf8("bare")]))), "CERT_FORMAT");
  const claims = unwrap(
    fulcioClaims(bearing([`${prefix}.24`, utf8String("x")], ["1.2.3", utf8("y")])),
  );
  assert.deepEqual(claims, { "24": "x" });
});

test("no flipped bit makes a parser throw, or changes a certificate unseen", { skip }, () => {
  const { leaf } = LEAVES[0]!;
  const original = first();
  fc.assert(
    fc.property(fc.nat(leaf.length * 8 - 1), (bit) => {
      const flipped = leaf.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = parseCertificate(flipped);
      if (!result.ok) return assert.equal(result.error.code, "CERT_FORMAT");
      // What a signature covers, or the signature: a bit is in one of the two.
      const { tbs, signature } = result.value;
      assert.ok(!equal(tbs, original.tbs) || !equal(signature, original.signature));
      for (const read of [subjectAlternativeNames, keyUsage, extendedKeyUsage, fulcioClaims]) {
        read(result.value);
      }
    }),
    { numRuns: 500 },
  );
});
