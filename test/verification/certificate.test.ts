import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import {
  boolean,
  contextTag,
  der,
  integer,
  octetString,
  oid,
  sequence,
  TAG,
} from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseSct } from "../../src/formats/sct.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import {
  forgeLeaf,
  forgeSct,
  LEAF_LIFE,
  type LeafOptions,
  SIGNED_AT,
  TRUST,
  WORLD,
  withExtension,
} from "./forge.ts";
import { inputOf, messageBundle } from "./forge-bundle.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const DAY = 24 * 3600 * 1000;
const signedWith = (options: LeafOptions, changes: Partial<VerificationInput> = {}) =>
  inputOf(messageBundle(forgeLeaf(options)), changes);

const uri = (text: string): Uint8Array => der(contextTag(6, false), utf8(text));

const CASES: readonly Case[] = [
  ["33 no SCT", () => signedWith({ sct: "none" }), "SCT_MISSING"],
  [
    "33 an SCT by an unknown log",
    () => signedWith({ sct: { log: generateKey("ecdsa-p256") } }),
    "SCT_UNKNOWN_LOG",
  ],
  [
    "33 an SCT for another issuer's key",
    () => signedWith({ sct: { issuer: WORLD.ct } }),
    "SCT_INVALID",
  ],
  [
    "33 an SCT from before the log's key was trusted",
    () => signedWith({ sct: { at: SIGNED_AT - 400 * DAY } }),
    "SCT_INVALID",
  ],
  ["33 an SCT of an impossible time", () => signedWith({ sct: { at: 2 ** 60 } }), "SCT_INVALID"],
  [
    "33 the SCT list is malformed",
    () =>
      signedWith({
        sct: "none",
        edit: withExtension(OID.sctList, octetString(Uint8Array.of(0, 9))),
      }),
    "SCT_INVALID",
  ],
  [
    "33 a detached SCT of another certificate",
    () => {
      const { certificate } = forgeLeaf({ sct: "none" });
      const sct = unwrap(
        parseSct(forgeSct(WORLD.ct, { kind: "x509", certificate: certificate.der })),
      );
      return signedWith({ sct: "none" }, { detachedSct: sct });
    },
    "SCT_INVALID",
  ],
  [
    "33 a log whose key is of a kind that signs no SCTs",
    () => {
      const log = { ...TRUST.ctlogs[0]!, publicKey: generateKey("ed25519").publicKey };
      return signedWith({}, { trust: { ...TRUST, ctlogs: [log] } });
    },
    "SCT_INVALID",
  ],
  [
    "34 the leaf is for another usage",
    () =>
      signedWith({ edit: withExtension(OID.extendedKeyUsage, sequence(oid(OID.timeStamping))) }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf names no usage",
    () => signedWith({ edit: withExtension(OID.extendedKeyUsage, undefined) }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf is for any usage",
    () =>
      signedWith({
        edit: withExtension(OID.extendedKeyUsage, sequence(oid(OID.anyExtendedKeyUsage))),
      }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf's usage is malformed",
    () => signedWith({ edit: withExtension(OID.extendedKeyUsage, sequence()) }),
    "CERT_FORMAT",
  ],
  [
    "34 the leaf is an authority",
    () => signedWith({ edit: withExtension(OID.basicConstraints, sequence(boolean(true)), true) }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf's constraints are malformed",
    () => signedWith({ edit: withExtension(OID.basicConstraints, sequence(integer(1)), true) }),
    "CERT_FORMAT",
  ],
  [
    "34 the leaf's key usage is missing",
    () => signedWith({ edit: withExtension(OID.keyUsage, undefined) }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf's key is not for signatures",
    () =>
      signedWith({
        edit: withExtension(OID.keyUsage, der(TAG.BIT_STRING, Uint8Array.of(3, 8)), true),
      }),
    "CERT_USAGE",
  ],
  [
    "34 the leaf's key usage is malformed",
    () =>
      signedWith({
        edit: withExtension(OID.keyUsage, der(TAG.BIT_STRING, Uint8Array.of(9, 8)), true),
      }),
    "CERT_FORMAT",
  ],
  [
    "35 two names in the certificate",
    () =>
      signedWith({
        edit: withExtension(OID.subjectAltName, sequence(uri("https://a"), uri("https://b")), true),
      }),
    "CERT_SAN",
  ],
  [
    "35 no name in the certificate",
    () => signedWith({ edit: withExtension(OID.subjectAltName, undefined) }),
    "CERT_SAN",
  ],
  [
    "35 a malformed name",
    () => signedWith({ edit: withExtension(OID.subjectAltName, sequence(), true) }),
    "CERT_SAN",
  ],
  [
    "36 the two issuer extensions disagree",
    () => signedWith({ claims: { 1: "https://other.example" } }),
    "CERT_FORMAT",
  ],
  ["36 no issuer", () => signedWith({ claims: { 1: undefined, 8: undefined } }), "IDENTITY_ISSUER"],
  [
    "a claim that is no text",
    () => signedWith({ edit: withExtension("1.3.6.1.4.1.57264.1.9", Uint8Array.of(4, 0)) }),
    "CERT_FORMAT",
  ],
];

describe("signing certificate", () => {
  refuses(CASES);
  accepts("accepts an SCT by a log with an RSA key", () => {
    const log = generateKey("rsa-pkcs1v15");
    const { publicKey } = log;
    const key = { ...TRUST.ctlogs[0]!, logId: publicKey.keyId, publicKey };
    return signedWith({ sct: { log } }, { trust: { ...TRUST, ctlogs: [key] } });
  });
  accepts("accepts a detached SCT", () => {
    const leaf = forgeLeaf({ sct: "none" });
    const entry = { kind: "x509", certificate: leaf.certificate.der } as const;
    const detachedSct = unwrap(parseSct(forgeSct(WORLD.ct, entry)));
    return inputOf(messageBundle(leaf), { detachedSct });
  });
  accepts("accepts the leaf's first and last second", () =>
    signedWith({ life: { notBefore: SIGNED_AT, notAfter: SIGNED_AT } }),
  );
  accepts("accepts the one issuer extension that old certificates have", () =>
    signedWith({ claims: { 8: undefined }, life: LEAF_LIFE }),
  );
});
