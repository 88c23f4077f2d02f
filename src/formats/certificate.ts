import { type HashName, sha256 } from "../crypto/hash.ts";
import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { recent } from "../crypto/recent.ts";
import { equal, hex } from "./bytes.ts";
import { contextTag, type DerNode, TAG } from "./der.ts";
import { type DerFields, type DerReader, readDerAs } from "./der-reader.ts";
import { OID } from "./oids.ts";
import { parsePem } from "./pem.ts";
import { all, fail, ok, type Result } from "./result.ts";

export type Extension = {
  readonly critical: boolean;
  /** The content of extnValue's OCTET STRING: DER of the extension's own syntax. */
  readonly value: Uint8Array;
};

/** A parsed X.509 v3 certificate (RFC 5280 §4.1). All byte fields are views into `der`. */
export type Certificate = {
  readonly der: Uint8Array;
  /** DER of the TBSCertificate: what the issuer signed. */
  readonly tbs: Uint8Array;
  /** Content of the serial INTEGER. */
  readonly serial: Uint8Array;
  /** Dotted OID of the outer signatureAlgorithm; equals the one inside the TBS. */
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** DER of the issuer and subject Names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  /** By dotted OID; a repeated extension is a parse failure. */
  readonly extensions: ReadonlyMap<string, Extension>;
};

const MAX_BYTES = 1 << 16;
const MAX_EXTENSIONS = 64;
/** 20 bytes of RFC 5280 §4.1.2.2, and the zero byte that some authorities put before them. */
const MAX_SERIAL_BYTES = 21;
const V3 = 2n;
const NAME_TAGS: ReadonlySet<number> = new Set([
  TAG.UTF8_STRING,
  TAG.PRINTABLE_STRING,
  TAG.IA5_STRING,
]);

/** An AlgorithmIdentifier without parameters, or with NULL: its dotted OID. */
export const readAlgorithm = (reader: DerReader, node: DerNode): string => {
  const fields = reader.fields(node);
  const name = reader.oid(fields.next(TAG.OID, "algorithm"));
  const parameters = fields.optional(TAG.NULL);
  if (parameters !== undefined && parameters.content.length > 0) reader.refuse("a malformed NULL");
  fields.end();
  return name;
};

const readExtension = (reader: DerReader, node: DerNode): [string, Extension] => {
  const fields = reader.sequence(node);
  const name = reader.oid(fields.next(TAG.OID, "extension"));
  const flag = fields.optional(TAG.BOOLEAN);
  const critical = flag !== undefined && reader.boolean(flag);
  // DER leaves a default out (X.690 §11.5), and false is the default.
  if (flag !== undefined && !critical) reader.refuse("an extension says that it is not critical");
  const value = fields.next(TAG.OCTET_STRING, "extension value").content;
  fields.end();
  return [name, { critical, value }];
};

const readExtensions = (reader: DerReader, outer: DerNode): Map<string, Extension> => {
  const wrapper = reader.fields(outer);
  const nodes = reader.fields(wrapper.next(TAG.SEQUENCE, "extensions")).rest();
  wrapper.end();
  if (nodes.length === 0) reader.refuse("an empty list of extensions");
  if (nodes.length > MAX_EXTENSIONS) reader.refuse(`${nodes.length} extensions are too many`);
  const extensions = new Map<string, Extension>();
  for (const node of nodes) {
    const [name, extension] = readExtension(reader, node);
    if (extensions.has(name)) reader.refuse(`the extension ${name} stands there twice`);
    extensions.set(name, extension);
  }
  return extensions;
};

const readCertificateTime = (reader: DerReader, node: DerNode): number => {
  // RFC 5280 §4.1.2.5.2 allows no fractions: YYYYMMDDHHMMSSZ.
  if (node.tag === TAG.GENERALIZED_TIME && node.content.length !== 15) {
    reader.refuse("a malformed time");
  }
  return reader.time(node);
};

const readValidity = (reader: DerReader, node: DerNode): { from: number; until: number } => {
  const [from, until, ...more] = reader.fields(node).rest();
  if (from === undefined || until === undefined || more.length > 0) {
    return reader.refuse("a malformed validity");
  }
  const validity = {
    from: readCertificateTime(reader, from),
    until: readCertificateTime(reader, until),
  };
  return validity.from <= validity.until ? validity : reader.refuse("it ends before it begins");
};

const readVersion = (reader: DerReader, outer: DerNode | undefined): bigint => {
  if (outer === undefined) return 0n;
  const fields = reader.fields(outer);
  const version = reader.integer(fields.next(TAG.INTEGER, "version"));
  fields.end();
  return version;
};

/** A Name: its bytes are what is compared, but it must be one (RFC 5280 §4.1.2.4). */
const readName = (reader: DerReader, fields: DerFields, what: string): Uint8Array => {
  const name = fields.next(TAG.SEQUENCE, what);
  for (const set of reader.fields(name).rest()) {
    const pairs = set.tag === TAG.SET ? reader.fields(set).rest() : [];
    if (pairs.length === 0) reader.refuse(`a malformed ${what}`);
    for (const pair of pairs) {
      const [type, value, ...more] = pair.tag === TAG.SEQUENCE ? reader.fields(pair).rest() : [];
      if (type === undefined || value === undefined || more.length > 0) {
        return reader.refuse(`a malformed ${what}`);
      }
      reader.oid(type);
      if (!NAME_TAGS.has(value.tag)) reader.refuse(`the ${what} holds something that is no text`);
      reader.text(value.content);
    }
  }
  return name.bytes;
};

type Tbs = Omit<Certificate, "der" | "tbs" | "signature" | "signatureAlgorithm"> & {
  readonly algorithm: DerNode;
};

const readTbs = (reader: DerReader, node: DerNode): Tbs => {
  const fields = reader.fields(node);
  const version = readVersion(reader, fields.optional(contextTag(0)));
  const serial = fields.next(TAG.INTEGER, "serial number");
  reader.integer(serial);
  if (serial.content.length > MAX_SERIAL_BYTES) reader.refuse("the serial number is too long");
  const algorithm = fields.next(TAG.SEQUENCE, "signature algorithm");
  const issuer = readName(reader, fields, "issuer");
  const validity = readValidity(reader, fields.next(TAG.SEQUENCE, "validity"));
  const subject = readName(reader, fields, "subject");
  const spki = fields.next(TAG.SEQUENCE, "public key").bytes;
  const outer = fields.optional(contextTag(3));
  fields.end();
  const extensions =
    outer === undefined ? new Map<string, Extension>() : readExtensions(reader, outer);
  // Version 1 has no extensions; version 2 and its unique identifiers are used by nobody.
  const fits = version === V3 || (version === 0n && extensions.size === 0);
  if (!fits) reader.refuse(`version ${version + 1n} does not fit its content`);
  const publicKey = importPublicKey(spki) ?? reader.refuse("a public key of no supported kind");
  return {
    algorithm,
    serial: serial.content,
    issuer,
    subject,
    notBefore: validity.from,
    notAfter: validity.until,
    publicKey,
    extensions,
  };
};

/** Authorities', and the one that signed a batch of files, come again and again. */
const parsed = recent<Certificate>(256);

/**
 * Parses one certificate, strictly: DER, nothing behind it, version 3 where it has extensions,
 * the same signature algorithm inside and outside, no extension twice, at most 64 KiB.
 *
 * @returns `CERT_FORMAT`
 * @see RFC 5280 §4.1
 */
export const parseCertificate = (der: Uint8Array): Result<Certificate> => {
  if (der.length > MAX_BYTES) return readCertificate(der);
  const name = hex(sha256(der));
  const known = parsed.get(name);
  if (known !== undefined) return ok(known);
  // A copy: `der` is a part of something larger, which must not stay for its sake.
  const certificate = readCertificate(der.slice());
  if (certificate.ok) parsed.set(name, certificate.value);
  return certificate;
};

const readCertificate = (der: Uint8Array): Result<Certificate> =>
  readDerAs("CERT_FORMAT", "certificate", (reader) => {
    if (der.length > MAX_BYTES) reader.refuse(`larger than ${MAX_BYTES} bytes`);
    const fields = reader.fields(reader.element(der, TAG.SEQUENCE, "certificate"));
    const tbs = fields.next(TAG.SEQUENCE, "TBSCertificate");
    const outer = fields.next(TAG.SEQUENCE, "signature algorithm");
    const signature = reader.bits(fields.next(TAG.BIT_STRING, "signature"));
    fields.end();
    const { algorithm, ...rest } = readTbs(reader, tbs);
    if (!equal(outer.bytes, algorithm.bytes)) {
      reader.refuse("the signature algorithms inside and outside differ");
    }
    const signatureAlgorithm = readAlgorithm(reader, outer);
    return { der, tbs: tbs.bytes, signatureAlgorithm, signature, ...rest };
  });

/** The certificates of a PEM text, in order; see {@link parsePem}. */
export const parseCertificateChainPem = (text: string): Result<Certificate[]> => {
  const blocks = parsePem(text, "CERTIFICATE");
  return blocks.ok ? all(blocks.value.map(parseCertificate)) : blocks;
};

/** The one certificate of a PEM text. */
export const parseCertificatePem = (text: string): Result<Certificate> => {
  const chain = parseCertificateChainPem(text);
  if (!chain.ok) return chain;
  const [certificate, ...more] = chain.value;
  return certificate !== undefined && more.length === 0
    ? ok(certificate)
    : fail("FORMAT_PEM", "more than one certificate where one belongs");
};

/** Whether two DER Names are the same, byte for byte: authorities copy them, so they are. */
export const sameName = (a: Uint8Array, b: Uint8Array): boolean => equal(a, b);

/** How a signature algorithm of X.509 or CMS works: Ed25519 hashes by itself. */
export type SignatureScheme = {
  readonly kind: "ecdsa" | "ed25519" | "rsa";
  readonly hash: HashName;
};

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  [OID.ecdsaWithSha256]: { kind: "ecdsa", hash: "sha256" },
  [OID.ecdsaWithSha384]: { kind: "ecdsa", hash: "sha384" },
  [OID.ecdsaWithSha512]: { kind: "ecdsa", hash: "sha512" },
  [OID.ed25519]: { kind: "ed25519", hash: "sha512" },
  [OID.sha256WithRsa]: { kind: "rsa", hash: "sha256" },
  [OID.sha384WithRsa]: { kind: "rsa", hash: "sha384" },
  [OID.sha512WithRsa]: { kind: "rsa", hash: "sha512" },
};

/** The scheme that a dotted OID names; `undefined` for SHA-1, PSS and all others. */
export const signatureScheme = (oid: string): SignatureScheme | undefined =>
  Object.hasOwn(SCHEMES, oid) ? SCHEMES[oid] : undefined;

/** Whether a key can make signatures of this scheme. */
export const schemeFits = (scheme: SignatureScheme, key: PublicKey): boolean => {
  switch (key.algorithm) {
    case "ecdsa-p256":
    case "ecdsa-p384":
    case "ecdsa-p521":
      return scheme.kind === "ecdsa";
    case "ed25519":
      return scheme.kind === "ed25519";
    case "rsa-pkcs1v15":
      return scheme.kind === "rsa";
    default:
      return key.algorithm satisfies never;
  }
};
