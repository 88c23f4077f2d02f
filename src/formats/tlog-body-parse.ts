import type { HashName } from "../crypto/hash.ts";
import { equal, fromBase64, fromUtf8 } from "./bytes.ts";
import { canonicalJson } from "./jcs.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { type PemLabel, parsePem } from "./pem.ts";
import { fail, type Result } from "./result.ts";

/** A signature as an entry records it. */
export type BodySignature = {
  readonly signature: Uint8Array;
  readonly verifier: {
    readonly kind: "certificate" | "public-key";
    /** DER of the certificate, or of the SubjectPublicKeyInfo; not parsed. */
    readonly der: Uint8Array;
  };
};

/** What a log entry says, for those who read a log; a verifier uses `checkBody` instead. */
export type ParsedBody = {
  readonly kind: "hashedrekord" | "dsse" | "intoto";
  readonly version: "0.0.1" | "0.0.2";
  /** Of the artifact in a hashedrekord, of the payload in the others. */
  readonly digest: { readonly hash: HashName; readonly bytes: Uint8Array };
  /** One in a hashedrekord, 1 to 16 in the others. */
  readonly signatures: readonly BodySignature[];
};

const MAX_BODY = 1 << 24;
const MAX_SIGNATURES = 16;

const HASHES: Readonly<Record<string, HashName>> = {
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
  SHA2_256: "sha256",
  SHA2_384: "sha384",
  SHA2_512: "sha512",
};
const LENGTHS: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const readHash = (json: Json, value: Uint8Array): ParsedBody["digest"] => {
  const name = json.field("algorithm").string();
  const hash =
    (Object.hasOwn(HASHES, name) ? HASHES[name] : undefined) ?? json.refuse("is unknown");
  return value.length === LENGTHS[hash]
    ? { hash, bytes: value }
    : json.refuse("has a digest of the wrong length");
};

const hexHash = (json: Json): ParsedBody["digest"] =>
  readHash(json.only("algorithm", "value"), json.field("value").hex());

const base64Hash = (json: Json): ParsedBody["digest"] =>
  readHash(json.only("algorithm", "digest"), json.field("digest").base64());

const pemVerifier = (json: Json): BodySignature["verifier"] => {
  const pem = json.take(fromUtf8(json.base64()));
  const kind = pem.includes("-----BEGIN CERTIFICATE-----") ? "certificate" : "public-key";
  const label: PemLabel = kind === "certificate" ? "CERTIFICATE" : "PUBLIC KEY";
  const [der, ...more] = json.take(parsePem(pem, label));
  return der !== undefined && more.length === 0
    ? { kind, der }
    : json.refuse("has not exactly one PEM block");
};

const rawVerifier = (json: Json): BodySignature["verifier"] => {
  json.only("keyDetails", "x509Certificate", "publicKey").field("keyDetails").string();
  const certificate = json.optional("x509Certificate");
  const key = json.optional("publicKey");
  if ((certificate === undefined) === (key === undefined)) json.refuse("has not exactly one key");
  const holder = certificate ?? key ?? json.refuse("has no key");
  const der = holder.only("rawBytes").field("rawBytes").base64();
  return { kind: certificate === undefined ? "public-key" : "certificate", der };
};

const readSignatures = (json: Json, read: (item: Json) => BodySignature): BodySignature[] => {
  const items = json.items(MAX_SIGNATURES);
  return items.length > 0 ? items.map(read) : json.refuse("is empty");
};

type Content = Pick<ParsedBody, "digest" | "signatures">;

const hashedRekordV1 = (spec: Json): Content => {
  const signature = spec.only("data", "signature").field("signature").only("content", "publicKey");
  const verifier = pemVerifier(signature.field("publicKey").only("content").field("content"));
  return {
    digest: hexHash(spec.field("data").only("hash").field("hash")),
    signatures: [{ signature: signature.field("content").base64(), verifier }],
  };
};

const dsseV1 = (spec: Json): Content => {
  hexHash(spec.only("envelopeHash", "payloadHash", "signatures").field("envelopeHash"));
  return {
    digest: hexHash(spec.field("payloadHash")),
    signatures: readSignatures(spec.field("signatures"), (item) => ({
      signature: item.only("signature", "verifier").field("signature").base64(),
      verifier: pemVerifier(item.field("verifier")),
    })),
  };
};

/** The signature is base64 text, in base64 once more. */
const intotoSignature = (item: Json): BodySignature => {
  const sig = item.only("publicKey", "sig", "keyid").field("sig");
  const text = sig.take(fromUtf8(sig.base64()));
  return {
    signature: sig.take(fromBase64(text)),
    verifier: pemVerifier(item.field("publicKey")),
  };
};

const intotoV2 = (spec: Json): Content => {
  const content = spec.only("content").field("content").only("envelope", "hash", "payloadHash");
  const envelope = content.field("envelope").only("payload", "payloadType", "signatures");
  return {
    digest: hexHash(content.field("payloadHash")),
    signatures: readSignatures(envelope.field("signatures"), intotoSignature),
  };
};

const signatureV2 = (json: Json): BodySignature => ({
  signature: json.only("content", "verifier").field("content").base64(),
  verifier: rawVerifier(json.field("verifier")),
});

const hashedRekordV2 = (spec: Json): Content => {
  const record = spec.only("hashedRekordV002").field("hashedRekordV002").only("data", "signature");
  return {
    digest: base64Hash(record.field("data")),
    signatures: [signatureV2(record.field("signature"))],
  };
};

const dsseV2 = (spec: Json): Content => {
  const record = spec.only("dsseV002").field("dsseV002").only("payloadHash", "signatures");
  return {
    digest: base64Hash(record.field("payloadHash")),
    signatures: readSignatures(record.field("signatures"), signatureV2),
  };
};

const readBody = (json: Json): ParsedBody => {
  const kind = json.only("apiVersion", "kind", "spec").field("kind").string();
  const version = json.field("apiVersion").string();
  const spec = json.field("spec");
  switch (`${kind} ${version}`) {
    case "hashedrekord 0.0.1":
      return { kind: "hashedrekord", version: "0.0.1", ...hashedRekordV1(spec) };
    case "hashedrekord 0.0.2":
      return { kind: "hashedrekord", version: "0.0.2", ...hashedRekordV2(spec) };
    case "dsse 0.0.1":
      return { kind: "dsse", version: "0.0.1", ...dsseV1(spec) };
    case "dsse 0.0.2":
      return { kind: "dsse", version: "0.0.2", ...dsseV2(spec) };
    case "intoto 0.0.2":
      return { kind: "intoto", version: "0.0.2", ...intotoV2(spec) };
    default:
      return json.refuse("is of a kind and version that are not supported");
  }
};

/**
 * Parses an entry's canonical body, strictly: RFC 8785 bytes, no unknown fields. Nothing is
 * verified, and certificates are not parsed.
 *
 * @returns `TLOG_ENTRY_FORMAT`, also for other kinds and versions
 */
export const parseBody = (bytes: Uint8Array): Result<ParsedBody> => {
  const parsed = parseJson(bytes, MAX_BODY, "body");
  if (!parsed.ok) return fail("TLOG_ENTRY_FORMAT", parsed.error.message);
  if (!equal(canonicalJson(parsed.value), bytes)) {
    return fail("TLOG_ENTRY_FORMAT", "the body is not canonical JSON (RFC 8785)");
  }
  return readJson(parsed.value, "TLOG_ENTRY_FORMAT", "body", readBody);
};
