import type { HashName } from "../crypto/hash.ts";
import { base64, bigEndian, concat, fromBigEndian, utf8 } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import { contextTag, type DerNode, der, sequence, TAG } from "./der.ts";
import { type DerReader, readDerAs } from "./der-reader.ts";
import { derived } from "./derived.ts";
import { parseJson, readJson } from "./json.ts";
import { OID } from "./oids.ts";
import { all, fail, ok, type Result } from "./result.ts";

/** A signed certificate timestamp: a CT log's promise to include a certificate (RFC 6962 §3.2). */
export type Sct = {
  /** SHA-256 of the log's SubjectPublicKeyInfo, 32 bytes. */
  readonly logId: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  /** CtExtensions; signed with the rest, empty in RFC 6962. */
  readonly extensions: Uint8Array;
  readonly hash: HashName;
  readonly algorithm: "rsa" | "ecdsa";
  /** DER for ECDSA. */
  readonly signature: Uint8Array;
};

const MAX_SCTS = 16;
const HASHES: Readonly<Record<number, HashName>> = { 4: "sha256", 5: "sha384", 6: "sha512" };
const ALGORITHMS: Readonly<Record<number, Sct["algorithm"]>> = { 1: "rsa", 3: "ecdsa" };

/** Splits vectors that each begin with their length in two bytes; they must fill `bytes`. */
const vectors16 = (bytes: Uint8Array): Uint8Array[] | undefined => {
  const vectors: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + Number(fromBigEndian(bytes.subarray(at, at + 2)));
    if (at + 2 > bytes.length || end > bytes.length) return undefined;
    vectors.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return vectors;
};

const vector16 = (bytes: Uint8Array): Uint8Array => concat(bigEndian(bytes.length, 2), bytes);
const vector24 = (bytes: Uint8Array): Uint8Array => concat(bigEndian(bytes.length, 3), bytes);

type DigitallySigned = Pick<Sct, "hash" | "algorithm" | "signature">;

/** DigitallySigned of RFC 5246 §4.7: hash(1), algorithm(1), signature(2 + n). */
const parseDigitallySigned = (bytes: Uint8Array): Result<DigitallySigned> => {
  const hash = HASHES[bytes[0] ?? 0];
  const algorithm = ALGORITHMS[bytes[1] ?? 0];
  if (hash === undefined || algorithm === undefined) {
    return fail("SCT_INVALID", "the SCT's signature algorithm is not supported");
  }
  const [signature, ...more] = vectors16(bytes.subarray(2)) ?? [];
  return signature !== undefined && more.length === 0
    ? ok({ hash, algorithm, signature })
    : fail("SCT_INVALID", "the SCT's signature has the wrong length");
};

const serializeDigitallySigned = (signed: DigitallySigned): Uint8Array => {
  const hash = { sha256: 4, sha384: 5, sha512: 6 }[signed.hash];
  const algorithm = { rsa: 1, ecdsa: 3 }[signed.algorithm];
  return concat(Uint8Array.of(hash, algorithm), vector16(signed.signature));
};

/** Parses one serialised SCT of version 1 (RFC 6962 §3.2). Fails with `SCT_INVALID`. */
export const parseSct = (bytes: Uint8Array): Result<Sct> => {
  if (bytes.length < 43) return fail("SCT_INVALID", "the SCT is cut off");
  if (bytes[0] !== 0) return fail("SCT_INVALID", "the SCT is not of version 1");
  const behind = 43 + Number(fromBigEndian(bytes.subarray(41, 43)));
  if (behind > bytes.length) return fail("SCT_INVALID", "the SCT is cut off");
  const signed = parseDigitallySigned(bytes.subarray(behind));
  if (!signed.ok) return signed;
  return ok({
    logId: bytes.subarray(1, 33),
    timestamp: fromBigEndian(bytes.subarray(33, 41)),
    extensions: bytes.subarray(43, behind),
    ...signed.value,
  });
};

/** The inverse of {@link parseSct}. */
export const serializeSct = (sct: Sct): Uint8Array =>
  concat(
    Uint8Array.of(0),
    sct.logId,
    bigEndian(sct.timestamp, 8),
    vector16(sct.extensions),
    serializeDigitallySigned(sct),
  );

/** SignedCertificateTimestampList (RFC 6962 §3.3) of serialised SCTs, without its DER wrapping. */
export const serializeSctList = (scts: readonly Uint8Array[]): Uint8Array =>
  vector16(concat(...scts.map(vector16)));

/** Parses a SignedCertificateTimestampList: 1 to 16 SCTs. Fails with `SCT_INVALID`. */
export const parseSctList = (bytes: Uint8Array): Result<Sct[]> => {
  const [list, ...more] = vectors16(bytes) ?? [];
  const items = list === undefined ? undefined : vectors16(list);
  if (items === undefined || more.length > 0) return fail("SCT_INVALID", "a malformed SCT list");
  if (items.length === 0 || items.length > MAX_SCTS) {
    return fail("SCT_INVALID", `${items.length} SCTs in the list`);
  }
  return all(items.map(parseSct));
};

/**
 * The SCTs inside a certificate.
 *
 * @returns `SCT_MISSING` without the extension, `SCT_INVALID` if it is malformed
 * @see RFC 6962 §3.3
 */
export const embeddedScts = derived((certificate: Certificate): Result<readonly Sct[]> => {
  const extension = certificate.extensions.get(OID.sctList);
  if (extension === undefined) return fail("SCT_MISSING", "the certificate carries no SCT");
  const list = readDerAs("SCT_INVALID", "SCT list", (reader) =>
    reader.element(extension.value, TAG.OCTET_STRING, "OCTET STRING"),
  );
  return list.ok ? parseSctList(list.value.content) : list;
});

const isCtExtension = (reader: DerReader, node: DerNode): boolean => {
  const oid = reader.oid(reader.fields(node).next(TAG.OID, "extension"));
  return oid === OID.sctList || oid === OID.precertificatePoison;
};

/**
 * DER of the certificate's TBSCertificate without the SCT list and without the poison: what a CT
 * log signs for a precertificate, the same before and after the SCTs were put in. Everything else
 * is copied byte for byte.
 *
 * @see RFC 6962 §3.2
 */
export const precertificateTbs = derived((certificate: Pick<Certificate, "tbs">) =>
  readDerAs("SCT_INVALID", "TBSCertificate", (reader) => {
    const tbs = reader.element(certificate.tbs, TAG.SEQUENCE, "TBSCertificate");
    const parts = reader
      .fields(tbs)
      .rest()
      .map((node) => {
        if (node.tag !== contextTag(3)) return node.bytes;
        const wrapper = reader.fields(node);
        const extensions = reader.fields(wrapper.next(TAG.SEQUENCE, "extensions")).rest();
        wrapper.end();
        const kept = extensions.filter((extension) => !isCtExtension(reader, extension));
        if (kept.length === 0) return new Uint8Array(0);
        return der(contextTag(3), sequence(...kept.map((extension) => extension.bytes)));
      });
    return sequence(...parts);
  }),
);

/** What a CT log logs: a final certificate, or the contents of a precertificate. */
export type CtEntry =
  | { readonly kind: "x509"; readonly certificate: Uint8Array }
  | {
      readonly kind: "precert";
      /** SHA-256 of the issuer's SubjectPublicKeyInfo, 32 bytes. */
      readonly issuerKeyHash: Uint8Array;
      /** From {@link precertificateTbs}. */
      readonly tbs: Uint8Array;
    };

const entryBytes = (entry: CtEntry): Uint8Array => {
  switch (entry.kind) {
    case "x509":
      return concat(bigEndian(0, 2), vector24(entry.certificate));
    case "precert":
      return concat(bigEndian(1, 2), entry.issuerKeyHash, vector24(entry.tbs));
    default:
      return entry satisfies never;
  }
};

/**
 * The bytes that an SCT signs (RFC 6962 §3.2). The MerkleTreeLeaf of §3.4 is spelled with the same
 * bytes, so this is also the leaf of the log's tree.
 */
export const sctSignedBytes = (
  sct: Pick<Sct, "timestamp" | "extensions">,
  entry: CtEntry,
): Uint8Array =>
  concat(
    Uint8Array.of(0, 0),
    bigEndian(sct.timestamp, 8),
    entryBytes(entry),
    vector16(sct.extensions),
  );

/** Parses the JSON answer of a log's add-chain (RFC 6962 §4.1). Fails with `SCT_INVALID`. */
export const parseDetachedSct = (json: Uint8Array): Result<Sct> => {
  const parsed = parseJson(json, 1 << 16, "SCT");
  if (!parsed.ok) return fail("SCT_INVALID", parsed.error.message);
  return readJson(parsed.value, "SCT_INVALID", "SCT", (sct) => {
    if (sct.field("sct_version").integer() !== 0) sct.refuse("is not of version 1");
    const logId = sct.field("id").base64();
    if (logId.length !== 32) sct.refuse("has a log id of the wrong length");
    const timestamp = sct.field("timestamp").int64();
    if (timestamp < 0n) sct.refuse("has a negative time");
    const extensions = sct.field("extensions").base64();
    const signed = sct.take(parseDigitallySigned(sct.field("signature").base64()));
    return { logId, timestamp, extensions, ...signed };
  });
};

/** The JSON of a log's add-chain answer: the inverse of {@link parseDetachedSct}. */
export const formatDetachedSct = (sct: Sct): Uint8Array =>
  utf8(
    JSON.stringify({
      sct_version: 0,
      id: base64(sct.logId),
      timestamp: Number(sct.timestamp),
      extensions: base64(sct.extensions),
      signature: base64(serializeDigitallySigned(sct)),
    }),
  );
