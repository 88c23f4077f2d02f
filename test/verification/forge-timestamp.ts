import { createHash } from "node:crypto";
import { digest, sha256 } from "../../src/crypto/hash.ts";
import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import { signatureAlgorithm } from "../../src/formats/certificate-writer.ts";
import {
  contextTag,
  der,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  TAG,
} from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { SIGNED_AT, WORLD } from "./forge.ts";

export type TokenOptions = {
  readonly at?: number;
  readonly key?: PrivateKey;
  /** Whom the token names as its signer. */
  readonly signer?: Certificate;
  /** What the ESS attribute holds. */
  readonly ess?: "v2" | "none" | "sha1";
  /** Whose digest the ESS attribute holds, the signer's unless given. */
  readonly essCertificate?: Certificate;
  readonly embed?: readonly Certificate[];
  readonly byKeyId?: Uint8Array;
  readonly status?: number;
  /** The digest in the signed attributes, of the content unless given. */
  readonly messageDigest?: Uint8Array;
};

const sha1 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha1").update(bytes).digest());

const attribute = (type: string, value: Uint8Array): Uint8Array =>
  sequence(oid(type), setOf(value));

const retag = (bytes: Uint8Array, tag: number): Uint8Array => {
  const copy = bytes.slice();
  copy[0] = tag;
  return copy;
};

const essAttribute = (options: TokenOptions, signer: Certificate): Uint8Array[] => {
  const named = options.essCertificate ?? signer;
  switch (options.ess ?? "v2") {
    case "v2":
      return [
        attribute(
          OID.signingCertificateV2,
          sequence(sequence(sequence(octetString(sha256(named.der))))),
        ),
      ];
    case "sha1":
      return [
        attribute(
          OID.signingCertificate,
          sequence(sequence(sequence(octetString(sha1(named.der))))),
        ),
      ];
    default:
      return [];
  }
};

/** An RFC 3161 answer over `message`, good unless the options say otherwise. */
export const forgeTimestamp = (message: Uint8Array, options: TokenOptions = {}): Uint8Array => {
  const { key = WORLD.tsa.key, signer = WORLD.tsa.leaf, at = SIGNED_AT } = options;
  const sha256Algorithm = sequence(oid(OID.sha256));
  const content = sequence(
    integer(1),
    oid("1.3.6.1.4.1.57264.2"),
    sequence(sha256Algorithm, octetString(digest("sha256", message))),
    integer(7),
    generalizedTime(at),
  );
  const attributes = setOf(
    attribute(OID.contentType, oid(OID.timestampInfo)),
    attribute(OID.messageDigest, octetString(options.messageDigest ?? sha256(content))),
    ...essAttribute(options, signer),
  );
  const id =
    options.byKeyId === undefined
      ? sequence(signer.issuer, der(TAG.INTEGER, signer.serial))
      : der(contextTag(0, false), options.byKeyId);
  const signerInfo = sequence(
    integer(options.byKeyId === undefined ? 1 : 3),
    id,
    sha256Algorithm,
    retag(attributes, contextTag(0)),
    signatureAlgorithm(key.publicKey),
    octetString(sign(key, "sha256", attributes)),
  );
  const embedded = options.embed ?? [];
  const signedData = sequence(
    integer(3),
    setOf(sha256Algorithm),
    sequence(oid(OID.timestampInfo), der(contextTag(0), octetString(content))),
    ...(embedded.length === 0
      ? []
      : [retag(setOf(...embedded.map((one) => one.der)), contextTag(0))]),
    setOf(signerInfo),
  );
  const token = sequence(oid(OID.signedData), der(contextTag(0), signedData));
  return sequence(sequence(integer(options.status ?? 0)), token);
};

export const otherKey = generateKey("ecdsa-p256");
