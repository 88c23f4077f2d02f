import { utf8 } from "./bytes.ts";
import {
  type CertificateIssuer,
  type ExtensionToWrite,
  keyIdentifier,
  signCertificate,
  type TbsToWrite,
  type ValidityToWrite,
} from "./certificate-writer.ts";
import { boolean, contextTag, der, integer, octetString, oid, sequence, TAG } from "./der.ts";
import { OID } from "./oids.ts";

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
  subject: sequence(),
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
