import { digest, sha256 } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import type { Certificate } from "./certificate.ts";
import { signatureAlgorithm } from "./certificate-writer.ts";
import {
  certificateTime,
  contextTag,
  der,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  TAG,
  utf8String,
} from "./der.ts";
import { OID } from "./oids.ts";
import {
  HASH_OIDS,
  messageImprint,
  type TimestampRefusal,
  type TimestampRequest,
} from "./timestamp-request.ts";

/** Who signs timestamps: a key and the leaf certificate for it. */
export type TimestampSigner = {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
};

/** What one timestamp says, besides what was asked (RFC 3161 §2.4.2). */
export type TimestampGrant = {
  /** Dotted. */
  readonly policy: string;
  /** Unique for this authority; not negative. */
  readonly serialNumber: bigint;
  /** Milliseconds since 1970; written in whole seconds, with an accuracy of one second. */
  readonly genTime: number;
};

/** DER of a granted TimeStampResp whose token is a CMS SignedData v3 (RFC 3161 §2.4.2, RFC 5652). */
export const grantTimestamp = (
  signer: TimestampSigner,
  request: TimestampRequest,
  grant: TimestampGrant,
): Uint8Array => sequence(sequence(integer(0)), timestampToken(signer, request, grant));

const FAILURE_BITS: Record<TimestampRefusal, number> = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
};

/** DER of a TimeStampResp of status rejection (2), with its reason and no token. */
export const rejectTimestamp = (refusal: TimestampRefusal, reason: string): Uint8Array =>
  sequence(sequence(integer(2), sequence(utf8String(reason)), namedBit(FAILURE_BITS[refusal])));

/** A BIT STRING with one named bit set, trailing zero bits left out (X.690 §11.2.2). */
const namedBit = (bit: number): Uint8Array => {
  const content = new Uint8Array(2 + Math.floor(bit / 8));
  content[0] = 7 - (bit % 8);
  content[content.length - 1] = 0x80 >> (bit % 8);
  return der(TAG.BIT_STRING, content);
};

const timestampToken = (
  signer: TimestampSigner,
  request: TimestampRequest,
  grant: TimestampGrant,
): Uint8Array => {
  const info = tstInfo(request, grant);
  const signedData = sequence(
    integer(3),
    setOf(SHA256),
    sequence(oid(OID.timestampInfo), der(contextTag(0), octetString(info))),
    // The leaf alone: some verifiers take the first certificate for the signer's, and DER would
    // sort an issuer before it.
    ...(request.certificates ? [implicit(setOf(signer.certificate.der))] : []),
    setOf(signerInfo(signer, info, grant.genTime)),
  );
  return sequence(oid(OID.signedData), der(contextTag(0), signedData));
};

const tstInfo = (request: TimestampRequest, grant: TimestampGrant): Uint8Array =>
  sequence(
    integer(1),
    oid(grant.policy),
    messageImprint(request.hash, request.digest),
    integer(grant.serialNumber),
    generalizedTime(grant.genTime),
    sequence(integer(1)),
    // `ordering` is FALSE, the default, and so left out.
    ...(request.nonce === undefined ? [] : [integer(request.nonce)]),
  );

const SHA256 = sequence(oid(HASH_OIDS.sha256));

const signerInfo = (signer: TimestampSigner, info: Uint8Array, time: number): Uint8Array => {
  const { issuer, serial } = signer.certificate;
  const attributes = [
    attribute(OID.contentType, oid(OID.timestampInfo)),
    attribute(OID.signingTime, certificateTime(time)),
    attribute(OID.messageDigest, octetString(digest("sha256", info))),
    attribute(OID.signingCertificateV2, signingCertificateV2(signer.certificate.der)),
  ];
  // RFC 5652 §5.4: what is signed is the SET OF, not its [0] IMPLICIT form.
  const signed = setOf(...attributes);
  return sequence(
    integer(1),
    sequence(issuer, der(TAG.INTEGER, serial)),
    SHA256,
    implicit(signed),
    signatureAlgorithm(signer.key.publicKey),
    octetString(sign(signer.key, "sha256", signed)),
  );
};

/** A SET OF as the [0] IMPLICIT field that CMS makes of it: DER keeps its order. */
const implicit = (set: Uint8Array): Uint8Array => {
  const field = set.slice();
  field[0] = contextTag(0);
  return field;
};

const attribute = (type: string, value: Uint8Array): Uint8Array =>
  sequence(oid(type), setOf(value));

/** SigningCertificateV2 (RFC 5816 §2.2.1) with one ESSCertIDv2 by SHA-256, its default. */
const signingCertificateV2 = (leaf: Uint8Array): Uint8Array =>
  sequence(sequence(sequence(octetString(sha256(leaf)))));
