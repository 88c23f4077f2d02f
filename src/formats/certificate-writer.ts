import { digest } from "../crypto/hash.ts";
import type { KeyAlgorithm, PrivateKey, PublicKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { concat } from "./bytes.ts";
import {
  bitString,
  boolean,
  certificateTime,
  children,
  contextTag,
  der,
  integer,
  octetString,
  oid,
  readDer,
  sequence,
  setOf,
  TAG,
  utf8String,
} from "./der.ts";
import { OID } from "./oids.ts";
import { unwrap } from "./result.ts";

/** One extension to be written: `value` is the DER of the extension's own syntax. */
export type ExtensionToWrite = {
  /** Dotted. */
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
};

/** Milliseconds since 1970, both inclusive; written in whole seconds. */
export type ValidityToWrite = { readonly notBefore: number; readonly notAfter: number };

/** Who signs certificates: a name, its key, and the key identifier that AKI repeats. */
export type CertificateIssuer = {
  /** DER of the Name. */
  readonly name: Uint8Array;
  readonly key: PrivateKey;
};

/** The parts of a TBSCertificate (RFC 5280 §4.1); `extensions` keep their order. */
export type TbsToWrite = {
  /** Unsigned big-endian, 20 bytes, top bit clear: 160 bits in the encoding. */
  readonly serial: Uint8Array;
  /** DER of the Names; an empty sequence for a leaf that only has a SAN. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly validity: ValidityToWrite;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: readonly ExtensionToWrite[];
};

/** Name with organization and common name, in that order, as Fulcio writes its own. */
export const distinguishedName = (organization: string, commonName: string): Uint8Array =>
  sequence(attribute(OID.organizationName, organization), attribute(OID.commonName, commonName));

const attribute = (type: string, value: string): Uint8Array =>
  setOf(sequence(oid(type), utf8String(value)));

/**
 * A serial number from 20 random bytes: positive, not zero, and exactly 20 content bytes
 * (RFC 5280 §4.1.2.2 allows no more).
 */
export const serialFrom = (random: Uint8Array): Uint8Array => {
  const serial = random.slice(0, 20);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
};

/**
 * Key identifier: the leftmost 160 bits of SHA-256 of the subjectPublicKey bits
 * (RFC 7093 §2, method 1), because SHA-1 serves nothing else here.
 */
export const keyIdentifier = (spki: Uint8Array): Uint8Array => {
  const [, bits] = unwrap(children(unwrap(readDer(spki))));
  return digest("sha256", bits?.content.subarray(1) ?? new Uint8Array()).slice(0, 20);
};

/** AlgorithmIdentifier and hash that each kind of key signs certificates with. */
const SIGNATURES: Record<
  KeyAlgorithm,
  { identifier: Uint8Array; hash: "sha256" | "sha384" | "sha512" }
> = {
  "ecdsa-p256": { identifier: sequence(oid(OID.ecdsaWithSha256)), hash: "sha256" },
  "ecdsa-p384": { identifier: sequence(oid(OID.ecdsaWithSha384)), hash: "sha384" },
  "ecdsa-p521": { identifier: sequence(oid(OID.ecdsaWithSha512)), hash: "sha512" },
  ed25519: { identifier: sequence(oid(OID.ed25519)), hash: "sha512" },
  "rsa-pkcs1v15": {
    identifier: sequence(oid(OID.sha256WithRsa), der(TAG.NULL)),
    hash: "sha256",
  },
};

/** DER of the AlgorithmIdentifier that a signature by `key` carries. */
export const signatureAlgorithm = (key: PublicKey): Uint8Array =>
  SIGNATURES[key.algorithm].identifier;

const extension = ({ oid: id, critical, value }: ExtensionToWrite): Uint8Array =>
  critical
    ? sequence(oid(id), boolean(true), octetString(value))
    : sequence(oid(id), octetString(value));

/** DER of the TBSCertificate that `key` will sign. */
export const encodeTbs = (tbs: TbsToWrite, key: PublicKey): Uint8Array =>
  sequence(
    der(contextTag(0), integer(2)),
    der(TAG.INTEGER, tbs.serial),
    signatureAlgorithm(key),
    tbs.issuer,
    sequence(certificateTime(tbs.validity.notBefore), certificateTime(tbs.validity.notAfter)),
    tbs.subject,
    tbs.spki,
    der(contextTag(3), sequence(...tbs.extensions.map(extension))),
  );

/** DER of the whole certificate. */
export const signCertificate = (tbs: TbsToWrite, key: PrivateKey): Uint8Array => {
  const encoded = encodeTbs(tbs, key.publicKey);
  const signature = sign(key, SIGNATURES[key.algorithm].hash, encoded);
  return sequence(encoded, signatureAlgorithm(key.publicKey), bitString(signature));
};

/** The precertificate: the same TBS with the critical poison last (RFC 6962 §3.1). */
export const withPoison = (tbs: TbsToWrite): TbsToWrite => ({
  ...tbs,
  extensions: [
    ...tbs.extensions,
    { oid: OID.precertificatePoison, critical: true, value: der(TAG.NULL) },
  ],
});

/**
 * The final certificate: the same TBS with the list of SCTs in the poison's place.
 * @param scts - serialised SCTs (RFC 6962 §3.2), each below 64 KiB
 */
export const withScts = (tbs: TbsToWrite, scts: readonly Uint8Array[]): TbsToWrite => {
  const items = concat(...scts.map((sct) => concat(twoBytes(sct.length), sct)));
  const list = octetString(concat(twoBytes(items.length), items));
  return {
    ...tbs,
    extensions: [...tbs.extensions, { oid: OID.sctList, critical: false, value: list }],
  };
};

const twoBytes = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
