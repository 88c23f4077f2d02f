import { digest } from "../crypto/hash.ts";
import type { KeyAlgorithm, PrivateKey, PublicKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { concat, utf8 } from "./bytes.ts";
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

const OID = {
  organization: "2.5.4.10",
  commonName: "2.5.4.3",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  poison: "1.3.6.1.4.1.11129.2.4.3",
  sctList: "1.3.6.1.4.1.11129.2.4.2",
} as const;

/** Name with organization and common name, in that order, as Fulcio writes its own. */
export const distinguishedName = (organization: string, commonName: string): Uint8Array =>
  sequence(attribute(OID.organization, organization), attribute(OID.commonName, commonName));

const attribute = (type: string, value: string): Uint8Array =>
  setOf(sequence(oid(type), utf8String(value)));

/** The empty Name: Fulcio's leaves are named by their SAN alone. */
export const EMPTY_NAME: Uint8Array = sequence();

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
  "ecdsa-p256": { identifier: sequence(oid("1.2.840.10045.4.3.2")), hash: "sha256" },
  "ecdsa-p384": { identifier: sequence(oid("1.2.840.10045.4.3.3")), hash: "sha384" },
  "ecdsa-p521": { identifier: sequence(oid("1.2.840.10045.4.3.4")), hash: "sha512" },
  ed25519: { identifier: sequence(oid("1.3.101.112")), hash: "sha512" },
  "rsa-pkcs1v15": {
    identifier: sequence(oid("1.2.840.113549.1.1.11"), der(TAG.NULL)),
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

const subjectKeyIdentifier = (spki: Uint8Array): ExtensionToWrite => ({
  oid: OID.subjectKeyIdentifier,
  critical: false,
  value: octetString(keyIdentifier(spki)),
});

const authorityKeyIdentifier = (issuerSpki: Uint8Array): ExtensionToWrite => ({
  oid: OID.authorityKeyIdentifier,
  critical: false,
  value: sequence(der(contextTag(0, false), keyIdentifier(issuerSpki))),
});

const KEY_USAGE = {
  digitalSignature: der(TAG.BIT_STRING, Uint8Array.of(7, 0x80)),
  certSignAndCrlSign: der(TAG.BIT_STRING, Uint8Array.of(1, 0x06)),
} as const;

const keyUsage = (value: Uint8Array): ExtensionToWrite => ({
  oid: OID.keyUsage,
  critical: true,
  value,
});

const extendedKeyUsage = (purpose: string, critical: boolean): ExtensionToWrite => ({
  oid: OID.extendedKeyUsage,
  critical,
  value: sequence(oid(purpose)),
});

const authority = (pathLength: number | undefined): ExtensionToWrite => ({
  oid: OID.basicConstraints,
  critical: true,
  value: sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])),
});

/** DER of a self-signed root: keyCertSign and cRLSign, no extended key usage. */
export const rootCertificate = (
  issuer: CertificateIssuer,
  serial: Uint8Array,
  validity: ValidityToWrite,
): Uint8Array =>
  signCertificate(
    {
      serial,
      issuer: issuer.name,
      subject: issuer.name,
      validity,
      spki: issuer.key.publicKey.spki,
      extensions: [
        keyUsage(KEY_USAGE.certSignAndCrlSign),
        authority(undefined),
        subjectKeyIdentifier(issuer.key.publicKey.spki),
      ],
    },
    issuer.key,
  );

/** DER of Fulcio's intermediate: path length 0, extended key usage codeSigning only. */
export const intermediateCertificate = (
  issuer: CertificateIssuer,
  subject: { readonly name: Uint8Array; readonly spki: Uint8Array },
  serial: Uint8Array,
  validity: ValidityToWrite,
): Uint8Array =>
  signCertificate(
    {
      serial,
      issuer: issuer.name,
      subject: subject.name,
      validity,
      spki: subject.spki,
      extensions: [
        keyUsage(KEY_USAGE.certSignAndCrlSign),
        extendedKeyUsage(OID.codeSigning, false),
        authority(0),
        subjectKeyIdentifier(subject.spki),
        authorityKeyIdentifier(issuer.key.publicKey.spki),
      ],
    },
    issuer.key,
  );

/** DER of a timestamp authority's leaf: exactly one critical EKU, timeStamping (RFC 3161 §2.3). */
export const timestampingCertificate = (
  issuer: CertificateIssuer,
  subject: { readonly name: Uint8Array; readonly spki: Uint8Array },
  serial: Uint8Array,
  validity: ValidityToWrite,
): Uint8Array =>
  signCertificate(
    {
      serial,
      issuer: issuer.name,
      subject: subject.name,
      validity,
      spki: subject.spki,
      extensions: [
        keyUsage(KEY_USAGE.digitalSignature),
        extendedKeyUsage(OID.timeStamping, true),
        subjectKeyIdentifier(subject.spki),
        authorityKeyIdentifier(issuer.key.publicKey.spki),
      ],
    },
    issuer.key,
  );

/** What Fulcio certifies: a URI identity, and what the token said about it. */
export type SigningSubject = {
  /** Absolute URI, ASCII. */
  readonly subjectAlternativeName: string;
  /** 1.3.6.1.4.1.57264.1.*, in ascending order. */
  readonly extensions: readonly ExtensionToWrite[];
};

/**
 * The TBS parts of a Fulcio leaf by its certificate profile: empty subject, one critical SAN,
 * digitalSignature, codeSigning, key identifiers, then the identity's extensions.
 */
export const signingLeaf = (
  issuer: CertificateIssuer,
  spki: Uint8Array,
  identity: SigningSubject,
  serial: Uint8Array,
  validity: ValidityToWrite,
): TbsToWrite => ({
  serial,
  issuer: issuer.name,
  subject: EMPTY_NAME,
  validity,
  spki,
  extensions: [
    keyUsage(KEY_USAGE.digitalSignature),
    extendedKeyUsage(OID.codeSigning, false),
    subjectKeyIdentifier(spki),
    authorityKeyIdentifier(issuer.key.publicKey.spki),
    {
      oid: OID.subjectAltName,
      // RFC 5280 §4.2.1.6: critical because the subject is empty.
      critical: true,
      value: sequence(der(contextTag(6, false), utf8(identity.subjectAlternativeName))),
    },
    ...identity.extensions,
  ],
});

/** The precertificate: the same TBS with the critical poison last (RFC 6962 §3.1). */
export const withPoison = (tbs: TbsToWrite): TbsToWrite => ({
  ...tbs,
  extensions: [...tbs.extensions, { oid: OID.poison, critical: true, value: der(TAG.NULL) }],
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
