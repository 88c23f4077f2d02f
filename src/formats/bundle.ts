import { base64, equal, utf8 } from "./bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { envelopeJson, readEnvelope } from "./dsse.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { all, fail, ok, type Result } from "./result.ts";
import { readTlogEntry, tlogEntryJson } from "./tlog-entry.ts";

/** A DSSE envelope with exactly one signature. */
export type Envelope = {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** As written in the envelope; often empty. */
  readonly keyid: string;
};

export type InclusionProof = {
  /** Index of the leaf in this tree (shard), not the log's global index. */
  readonly logIndex: bigint;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  readonly treeSize: bigint;
  /** From the leaf's sibling to the root, 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note, or `undefined` where the bundle has none (v0.1). */
  readonly checkpoint: string | undefined;
};

/** One transparency log entry as a bundle carries it (protobuf-specs TransparencyLogEntry). */
export type TlogEntry = {
  readonly logIndex: bigint;
  /** Raw bytes of logId.keyId. */
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  /** Seconds since 1970; 0 where the log gives none (Rekor v2). */
  readonly integratedTime: bigint;
  readonly signedEntryTimestamp: Uint8Array | undefined;
  readonly inclusionProof: InclusionProof | undefined;
  readonly canonicalizedBody: Uint8Array;
};

export type KeyMaterial =
  | {
      readonly kind: "certificate";
      readonly certificate: Certificate;
      readonly chain: readonly Certificate[];
    }
  | { readonly kind: "public-key"; readonly hint: string };

export type BundleContent =
  | {
      readonly kind: "message-signature";
      /** The digest the bundle claims; a hint, never trusted. */
      readonly digest: { readonly algorithm: string; readonly bytes: Uint8Array } | undefined;
      readonly signature: Uint8Array;
    }
  | { readonly kind: "dsse"; readonly envelope: Envelope };

/** A Sigstore bundle, parsed once at the edge. */
export type Bundle = {
  readonly version: "0.1" | "0.2" | "0.3";
  readonly material: KeyMaterial;
  readonly entries: readonly TlogEntry[];
  /** DER of RFC 3161 TimeStampResp or TimeStampToken, as the bundle carries them. */
  readonly timestamps: readonly Uint8Array[];
  readonly content: BundleContent;
};

/** 16 MiB: provenance and SBOM statements are far smaller. */
export const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
export const MAX_ENTRIES = 32;
const MAX_TIMESTAMPS = 32;
const MAX_CHAIN = 10;
const MAX_CERTIFICATE_BYTES = 64 * 1024;
const MAX_TIMESTAMP_BYTES = 64 * 1024;
/** An RSA signature of 8192 bits has 1024 bytes, the longest of the supported ones. */
export const MAX_SIGNATURE_BYTES = 1024;

const MEDIA_TYPES: ReadonlyMap<string, Bundle["version"]> = new Map([
  ["application/vnd.dev.sigstore.bundle+json;version=0.1", "0.1"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.2", "0.2"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.3", "0.3"],
  ["application/vnd.dev.sigstore.bundle.v0.3+json", "0.3"],
]);

const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

const capped = (json: Json, bytes: Uint8Array, max: number): Uint8Array =>
  bytes.length > 0 && bytes.length <= max
    ? bytes
    : json.refuse(`has ${bytes.length} bytes; 1 to ${max} are allowed`);

const rawCertificate = (json: Json): Uint8Array => {
  const raw = json.only("rawBytes").field("rawBytes");
  return capped(raw, raw.base64(), MAX_CERTIFICATE_BYTES);
};

/** What the JSON of a bundle says, before certificates and envelopes are parsed. */
type RawBundle = {
  readonly mediaType: string;
  readonly certificate: Uint8Array | undefined;
  readonly chain: readonly Uint8Array[] | undefined;
  readonly hint: string | undefined;
  readonly entries: readonly TlogEntry[];
  readonly timestamps: readonly Uint8Array[];
  readonly message: (BundleContent & { kind: "message-signature" }) | undefined;
  readonly envelope: unknown;
};

const readTimestamps = (json: Json | undefined): Uint8Array[] =>
  json
    ?.only("rfc3161Timestamps")
    .optional("rfc3161Timestamps")
    ?.items(MAX_TIMESTAMPS)
    .map((item) => {
      const token = item.only("signedTimestamp").field("signedTimestamp");
      return capped(token, token.base64(), MAX_TIMESTAMP_BYTES);
    }) ?? [];

const readMessage = (json: Json): BundleContent & { kind: "message-signature" } => {
  json.only("messageDigest", "signature");
  const digest = json.optional("messageDigest")?.only("algorithm", "digest");
  const signature = json.field("signature");
  return {
    kind: "message-signature",
    digest: digest && {
      algorithm: digest.field("algorithm").string(),
      bytes: digest.field("digest").base64(),
    },
    signature: capped(signature, signature.base64(), MAX_SIGNATURE_BYTES),
  };
};

const readRaw = (json: Json): RawBundle => {
  json.only("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope");
  const material = json.field("verificationMaterial");
  material.only(
    "certificate",
    "x509CertificateChain",
    "publicKey",
    "tlogEntries",
    "timestampVerificationData",
  );
  const certificate = material.optional("certificate");
  const chain = material.optional("x509CertificateChain")?.only("certificates");
  const message = json.optional("messageSignature");
  return {
    mediaType: json.field("mediaType").string(),
    certificate: certificate && rawCertificate(certificate),
    chain: chain && (chain.optional("certificates")?.items(MAX_CHAIN).map(rawCertificate) ?? []),
    hint: readHint(material.optional("publicKey")),
    entries: material.optional("tlogEntries")?.items(MAX_ENTRIES).map(readTlogEntry) ?? [],
    timestamps: readTimestamps(material.optional("timestampVerificationData")),
    message: message && readMessage(message),
    envelope: json.optional("dsseEnvelope")?.value,
  };
};

const readHint = (json: Json | undefined): string | undefined =>
  json && (json.only("hint").optional("hint")?.string() ?? "");

const keyMaterial = (raw: RawBundle, version: Bundle["version"]): Result<KeyMaterial> => {
  const given = [raw.certificate, raw.chain, raw.hint].filter((one) => one !== undefined);
  if (given.length !== 1) {
    return fail("BUNDLE_MATERIAL", `the bundle has ${given.length} kinds of key instead of one`);
  }
  if (raw.hint !== undefined) return ok({ kind: "public-key", hint: raw.hint });
  const single = raw.certificate !== undefined;
  if (single !== (version === "0.3")) {
    const found = single ? "a single certificate" : "a certificate chain";
    return fail("BUNDLE_MATERIAL", `a bundle of version ${version} has ${found}`);
  }
  return certificates(raw.certificate === undefined ? (raw.chain ?? []) : [raw.certificate]);
};

const certificates = (ders: readonly Uint8Array[]): Result<KeyMaterial> => {
  const parsed = all(ders.map(parseCertificate));
  if (!parsed.ok) return parsed;
  const [certificate, ...chain] = parsed.value;
  if (certificate === undefined) return fail("BUNDLE_MATERIAL", "the certificate chain is empty");
  // A root from the bundle must never be mistaken for a trusted one, so it may not be there at all.
  if (chain.some((issuer) => equal(issuer.issuer, issuer.subject))) {
    return fail("BUNDLE_MATERIAL", "the bundle brings its own root certificate");
  }
  return ok({ kind: "certificate", certificate, chain });
};

/** What each version demands of its log entries (sigstore_bundle.proto). */
const checkEntry = (entry: TlogEntry, version: Bundle["version"]): Result<TlogEntry> => {
  if (version === "0.1") {
    return entry.signedEntryTimestamp === undefined
      ? fail("TLOG_SET_MISSING", "a log entry of a bundle of version 0.1 has no promise")
      : ok(entry);
  }
  if (entry.inclusionProof === undefined) {
    return fail("TLOG_INCLUSION_MISSING", `log entry ${entry.logIndex} has no inclusion proof`);
  }
  return entry.inclusionProof.checkpoint === undefined
    ? fail("TLOG_INCLUSION_MISSING", `log entry ${entry.logIndex} has no checkpoint`)
    : ok(entry);
};

const bundleContent = (raw: RawBundle): Result<BundleContent> => {
  if ((raw.message === undefined) === (raw.envelope === undefined)) {
    return fail("BUNDLE_FORMAT", "the bundle must have one of messageSignature and dsseEnvelope");
  }
  if (raw.message !== undefined) return ok(raw.message);
  const envelope = readJson(raw.envelope, "DSSE_FORMAT", "bundle.dsseEnvelope", readEnvelope);
  return envelope.ok ? ok({ kind: "dsse", envelope: envelope.value }) : envelope;
};

/**
 * Parses a Sigstore bundle of version 0.1, 0.2 or 0.3 (protobuf-specs sigstore_bundle.proto).
 *
 * Stricter than protobuf's JSON: no unknown or repeated fields, canonical base64 only, one
 * content, one DSSE signature, no root certificate, and every version's own demands (0.1: a SET;
 * from 0.2: an inclusion proof with its checkpoint; 0.3: one certificate instead of a chain).
 * A bundle without log entries is well-formed here; whether it proves anything is decided later.
 *
 * @returns `BUNDLE_*`, `DSSE_FORMAT`, `CERT_FORMAT`, `TLOG_*_MISSING`, `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseBundle = (input: Uint8Array | string): Result<Bundle> => {
  const value = parseJson(input, MAX_BUNDLE_BYTES, "bundle");
  if (!value.ok) return value;
  const raw = readJson(value.value, "BUNDLE_FORMAT", "bundle", readRaw);
  if (!raw.ok) return raw;
  const version = MEDIA_TYPES.get(raw.value.mediaType);
  if (version === undefined) {
    return fail("BUNDLE_VERSION", `the bundle's media type is ${raw.value.mediaType}`);
  }
  const material = keyMaterial(raw.value, version);
  if (!material.ok) return material;
  const entries = all(raw.value.entries.map((entry) => checkEntry(entry, version)));
  if (!entries.ok) return entries;
  const content = bundleContent(raw.value);
  if (!content.ok) return content;
  const { timestamps } = raw.value;
  return ok({
    version,
    material: material.value,
    entries: entries.value,
    timestamps,
    content: content.value,
  });
};

const contentJson = (content: BundleContent) => {
  if (content.kind === "dsse") return { dsseEnvelope: envelopeJson(content.envelope) };
  const { digest, signature } = content;
  const messageDigest = digest && { algorithm: digest.algorithm, digest: base64(digest.bytes) };
  return {
    messageSignature: {
      ...(messageDigest === undefined ? {} : { messageDigest }),
      signature: base64(signature),
    },
  };
};

const materialJson = (material: KeyMaterial) =>
  material.kind === "public-key"
    ? { publicKey: { hint: material.hint } }
    : { certificate: { rawBytes: base64(material.certificate.der) } };

/**
 * Writes a bundle as version 0.3, whatever it was read from (a chain is left out: verifiers build
 * it from their trust root). Zeros and empty lists are written: some readers demand them.
 *
 * @returns UTF-8 JSON on one line
 */
export const formatBundle = (bundle: Bundle): Uint8Array =>
  utf8(
    JSON.stringify({
      mediaType: MEDIA_TYPE,
      verificationMaterial: {
        ...materialJson(bundle.material),
        tlogEntries: bundle.entries.map(tlogEntryJson),
        timestampVerificationData: {
          rfc3161Timestamps: bundle.timestamps.map((token) => ({ signedTimestamp: base64(token) })),
        },
      },
      ...contentJson(bundle.content),
    }),
  );
