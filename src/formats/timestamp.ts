import type { HashName } from "../crypto/hash.ts";
import { concat } from "./bytes.ts";
import { readAlgorithm, type SignatureScheme, signatureScheme } from "./certificate.ts";
import { contextTag, type DerNode, TAG } from "./der.ts";
import { type DerFields, type DerReader, readDerAs } from "./der-reader.ts";
import { OID } from "./oids.ts";
import { Refusal } from "./refusal.ts";
import { failure, type Result } from "./result.ts";

/** Who signed a token, as CMS names a signer (RFC 5652 §5.3). */
export type SignerId =
  | {
      readonly kind: "issuer-serial";
      /** DER of the Name, and the content of the serial INTEGER. */
      readonly issuer: Uint8Array;
      readonly serial: Uint8Array;
    }
  | { readonly kind: "key-id"; readonly keyId: Uint8Array };

/** A timestamp token, parsed and unverified. All byte fields are views into it. */
export type TimestampToken = {
  /** What was stamped. */
  readonly imprint: { readonly hash: HashName; readonly digest: Uint8Array };
  /** genTime: milliseconds since 1970, rounded down. */
  readonly time: number;
  readonly serial: bigint;
  readonly nonce: bigint | undefined;
  /** Dotted OID. */
  readonly policy: string;
  /** DER of the TSTInfo: what `messageDigest` is the digest of. */
  readonly content: Uint8Array;
  /** DER of the signed attributes as a SET OF: what `signature` is over (RFC 5652 §5.4). */
  readonly signedAttributes: Uint8Array;
  readonly messageDigest: Uint8Array;
  /** The hash that made `messageDigest`. */
  readonly digestAlgorithm: HashName;
  /** Digest of the signer's certificate in the ESS attribute (RFC 5816, RFC 2634). */
  readonly signingCertificate:
    | { readonly hash: HashName | "sha1"; readonly digest: Uint8Array }
    | undefined;
  readonly signer: SignerId;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** DER of each embedded certificate; they prove nothing by being there. */
  readonly certificates: readonly Uint8Array[];
};

const MAX_BYTES = 1 << 16;
const MAX_CERTIFICATES = 16;
const MAX_ATTRIBUTES = 32;

const HASHES: Readonly<Record<string, HashName>> = {
  [OID.sha256]: "sha256",
  [OID.sha384]: "sha384",
  [OID.sha512]: "sha512",
};
const LENGTHS: Readonly<Record<HashName | "sha1", number>> = {
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

const readHash = (reader: DerReader, node: DerNode): HashName => {
  const oid = readAlgorithm(reader, node);
  return HASHES[oid] ?? reader.refuse(`the digest algorithm ${oid} is not supported`);
};

const checkedDigest = <H extends HashName | "sha1">(
  reader: DerReader,
  hash: H,
  digest: Uint8Array,
) => {
  if (digest.length !== LENGTHS[hash]) reader.refuse(`a ${hash} digest of ${digest.length} bytes`);
  return { hash, digest };
};

type TimestampInfo = Pick<TimestampToken, "imprint" | "time" | "serial" | "nonce" | "policy">;

/** TSTInfo, RFC 3161 §2.4.2. */
const readTimestampInfo = (reader: DerReader, content: Uint8Array): TimestampInfo => {
  const fields = reader.fields(reader.element(content, TAG.SEQUENCE, "TSTInfo"));
  const version = reader.integer(fields.next(TAG.INTEGER, "version"));
  if (version !== 1n) reader.refuse(`TSTInfo of version ${version}`);
  const policy = reader.oid(fields.next(TAG.OID, "policy"));
  const imprint = reader.fields(fields.next(TAG.SEQUENCE, "messageImprint"));
  const hash = readHash(reader, imprint.next(TAG.SEQUENCE, "hashAlgorithm"));
  const digest = imprint.next(TAG.OCTET_STRING, "hashedMessage").content;
  imprint.end();
  const serial = reader.integer(fields.next(TAG.INTEGER, "serialNumber"));
  const time = reader.time(fields.next(TAG.GENERALIZED_TIME, "genTime"));
  const accuracy = fields.optional(TAG.SEQUENCE);
  if (accuracy !== undefined) reader.fields(accuracy);
  const ordering = fields.optional(TAG.BOOLEAN);
  if (ordering !== undefined) reader.boolean(ordering);
  const nonce = fields.optional(TAG.INTEGER);
  fields.optional(contextTag(0));
  fields.optional(contextTag(1));
  fields.end();
  return {
    imprint: checkedDigest(reader, hash, digest),
    time,
    serial,
    nonce: nonce === undefined ? undefined : reader.integer(nonce),
    policy,
  };
};

/** The attributes by OID, each with exactly one value; none may stand there twice. */
const readAttributes = (reader: DerReader, set: DerNode): ReadonlyMap<string, DerNode> => {
  const nodes = reader.fields(set).rest();
  if (nodes.length > MAX_ATTRIBUTES) reader.refuse(`${nodes.length} signed attributes`);
  const attributes = new Map<string, DerNode>();
  for (const node of nodes) {
    const fields = reader.sequence(node);
    const oid = reader.oid(fields.next(TAG.OID, "attribute"));
    const [value, ...more] = reader.fields(fields.next(TAG.SET, "attribute values")).rest();
    fields.end();
    if (value === undefined || more.length > 0 || attributes.has(oid)) {
      return reader.refuse(`the attribute ${oid} has not exactly one value`);
    }
    attributes.set(oid, value);
  }
  return attributes;
};

/** The first ESSCertID or ESSCertIDv2 of a SigningCertificate attribute (RFC 5035 §3, §4). */
const readSigningCertificate = (
  reader: DerReader,
  attributes: ReadonlyMap<string, DerNode>,
): TimestampToken["signingCertificate"] => {
  const second = attributes.get(OID.signingCertificateV2);
  const attribute = second ?? attributes.get(OID.signingCertificate);
  if (attribute === undefined) return undefined;
  const list = reader.sequence(attribute).next(TAG.SEQUENCE, "certificates");
  const fields = reader.fields(reader.fields(list).next(TAG.SEQUENCE, "ESSCertID"));
  const algorithm = second === undefined ? undefined : fields.optional(TAG.SEQUENCE);
  const digest = fields.next(TAG.OCTET_STRING, "certHash").content;
  if (second === undefined) return checkedDigest(reader, "sha1", digest);
  const hash = algorithm === undefined ? "sha256" : readHash(reader, algorithm);
  return checkedDigest(reader, hash, digest);
};

const readSignerId = (reader: DerReader, version: bigint, fields: DerFields): SignerId => {
  if (version === 3n) {
    return { kind: "key-id", keyId: fields.next(contextTag(0, false), "key id").content };
  }
  if (version !== 1n) reader.refuse(`SignerInfo of version ${version}`);
  const id = reader.fields(fields.next(TAG.SEQUENCE, "signer id"));
  const issuer = id.next(TAG.SEQUENCE, "issuer").bytes;
  const serial = id.next(TAG.INTEGER, "serial number").content;
  id.end();
  return { kind: "issuer-serial", issuer, serial };
};

type SignerInfo = Pick<
  TimestampToken,
  | "signer"
  | "digestAlgorithm"
  | "signedAttributes"
  | "messageDigest"
  | "signingCertificate"
  | "scheme"
  | "signature"
>;

/** CMS lets an RSA signer name only the key's algorithm; the hash is then that of the digest. */
const readScheme = (reader: DerReader, node: DerNode, digest: HashName): SignatureScheme => {
  const oid = readAlgorithm(reader, node);
  if (oid === OID.rsaEncryption) return { kind: "rsa", hash: digest };
  return signatureScheme(oid) ?? reader.refuse(`the signature algorithm ${oid} is not supported`);
};

/** SignerInfo, RFC 5652 §5.3. */
const readSignerInfo = (reader: DerReader, node: DerNode): SignerInfo => {
  const fields = reader.sequence(node);
  const version = reader.integer(fields.next(TAG.INTEGER, "version"));
  const signer = readSignerId(reader, version, fields);
  const digestAlgorithm = readHash(reader, fields.next(TAG.SEQUENCE, "digest algorithm"));
  const set = fields.next(contextTag(0), "signed attributes");
  const attributes = readAttributes(reader, set);
  const scheme = readScheme(reader, fields.next(TAG.SEQUENCE, "algorithm"), digestAlgorithm);
  const signature = fields.next(TAG.OCTET_STRING, "signature").content;
  fields.optional(contextTag(1));
  fields.end();
  const type = attributes.get(OID.contentType);
  if (type === undefined || reader.oid(type) !== OID.timestampInfo) {
    return reader.refuse("the signed content type is not that of a timestamp");
  }
  const digest = attributes.get(OID.messageDigest);
  if (digest?.tag !== TAG.OCTET_STRING) return reader.refuse("no signed message digest");
  return {
    signer,
    digestAlgorithm,
    // The signature is over the attributes as a SET, not over their implicit [0] (RFC 5652 §5.4).
    signedAttributes: concat(Uint8Array.of(TAG.SET), set.bytes.subarray(1)),
    messageDigest: checkedDigest(reader, digestAlgorithm, digest.content).digest,
    signingCertificate: readSigningCertificate(reader, attributes),
    scheme,
    signature,
  };
};

/** The eContent of an EncapsulatedContentInfo of type id-ct-TSTInfo (RFC 5652 §5.2). */
const readContent = (reader: DerReader, node: DerNode): Uint8Array => {
  const fields = reader.fields(node);
  if (reader.oid(fields.next(TAG.OID, "content type")) !== OID.timestampInfo) {
    reader.refuse("the content is not a timestamp");
  }
  const wrapper = reader.fields(fields.next(contextTag(0), "content"));
  fields.end();
  const { content } = wrapper.next(TAG.OCTET_STRING, "content");
  wrapper.end();
  return content;
};

const readCertificates = (reader: DerReader, node: DerNode | undefined): Uint8Array[] => {
  const nodes = node === undefined ? [] : reader.fields(node).rest();
  if (nodes.length > MAX_CERTIFICATES) reader.refuse(`${nodes.length} certificates`);
  return nodes.filter(({ tag }) => tag === TAG.SEQUENCE).map(({ bytes }) => bytes);
};

/** A ContentInfo with SignedData of version 3 and one signer (RFC 5652 §3, §5.1). */
const readToken = (reader: DerReader, node: DerNode): TimestampToken => {
  const outer = reader.fields(node);
  if (reader.oid(outer.next(TAG.OID, "content type")) !== OID.signedData) {
    reader.refuse("the token is not SignedData");
  }
  const wrapper = reader.fields(outer.next(contextTag(0), "SignedData"));
  outer.end();
  const fields = reader.fields(wrapper.next(TAG.SEQUENCE, "SignedData"));
  wrapper.end();
  const version = reader.integer(fields.next(TAG.INTEGER, "version"));
  if (version !== 3n) reader.refuse(`SignedData of version ${version}`);
  fields.next(TAG.SET, "digest algorithms");
  const content = readContent(reader, fields.next(TAG.SEQUENCE, "content"));
  const certificates = readCertificates(reader, fields.optional(contextTag(0)));
  fields.optional(contextTag(1));
  const [signer, ...more] = reader.fields(fields.next(TAG.SET, "signers")).rest();
  fields.end();
  if (signer === undefined || more.length > 0) return reader.refuse("not exactly one signer");
  return {
    ...readTimestampInfo(reader, content),
    ...readSignerInfo(reader, signer),
    content,
    certificates,
  };
};

/** PKIStatusInfo: granted is 0, granted with modifications 1 (RFC 3161 §2.4.2). */
const checkStatus = (reader: DerReader, node: DerNode): void => {
  const status = reader.integer(reader.fields(node).next(TAG.INTEGER, "status"));
  if (status === 0n || status === 1n) return;
  throw new Refusal(failure("TIME_STATUS", `the timestamp authority answered status ${status}`));
};

/**
 * Parses a TimeStampResp, or the bare TimeStampToken inside one. Nothing is verified.
 *
 * @returns `TIME_STATUS` if the request was not granted, `TIME_TOKEN` for all that is malformed,
 * not supported, or above 64 KiB
 * @see RFC 3161 §2.4.2, RFC 5652 §5
 */
export const parseTimestamp = (bytes: Uint8Array): Result<TimestampToken> =>
  readDerAs("TIME_TOKEN", "timestamp", (reader) => {
    if (bytes.length > MAX_BYTES) reader.refuse(`larger than ${MAX_BYTES} bytes`);
    const outer = reader.element(bytes, TAG.SEQUENCE, "TimeStampResp");
    const fields = reader.fields(outer);
    const status = fields.optional(TAG.SEQUENCE);
    if (status === undefined) return readToken(reader, outer);
    checkStatus(reader, status);
    const token = fields.next(TAG.SEQUENCE, "token");
    fields.end();
    return readToken(reader, token);
  });
