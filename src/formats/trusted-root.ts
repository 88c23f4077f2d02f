import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { base64, utf8 } from "./bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { bitString, children, der, oid, readDer, readOid, sequence, TAG } from "./der.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { fail, type Result } from "./result.ts";
import { parseRfc3339, rfc3339 } from "./rfc3339.ts";

/** Milliseconds since 1970; `end` absent means still valid. */
export type Validity = { readonly start: number; readonly end: number | undefined };

export type LogKey = {
  /** Base URL as the trust root gives it; only a name, never fetched because it is here. */
  readonly baseUrl: string;
  /** Raw bytes of logId.keyId. */
  readonly logId: Uint8Array;
  /** Raw bytes of checkpointKeyId where given. */
  readonly checkpointKeyId: Uint8Array | undefined;
  readonly publicKey: PublicKey;
  readonly validity: Validity;
};

export type Authority = {
  readonly uri: string;
  /** Leaf-most first, root last, as in the trust root. */
  readonly chain: readonly Certificate[];
  readonly validity: Validity;
};

/** Whom a verifier trusts: protobuf-specs TrustedRoot, parsed and checked. */
export type TrustedRoot = {
  readonly tlogs: readonly LogKey[];
  readonly certificateAuthorities: readonly Authority[];
  readonly ctlogs: readonly LogKey[];
  readonly timestampAuthorities: readonly Authority[];
};

const MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const MEDIA_TYPES: readonly string[] = [
  MEDIA_TYPE,
  "application/vnd.dev.sigstore.trustedroot.v0.1+json",
];

export const MAX_TRUST_BYTES = 4 * 1024 * 1024;
const MAX_INSTANCES = 64;
const MAX_CHAIN = 10;

/** How trust roots name the keys that can be used here (sigstore_common.proto PublicKeyDetails). */
const KEY_DETAILS: Readonly<Record<string, PublicKey["algorithm"]>> = {
  PKIX_ECDSA_P256_SHA_256: "ecdsa-p256",
  PKIX_ECDSA_P256_HMAC_SHA_256: "ecdsa-p256",
  PKIX_ECDSA_P384_SHA_384: "ecdsa-p384",
  PKIX_ECDSA_P384_SHA_256: "ecdsa-p384",
  PKIX_ECDSA_P521_SHA_512: "ecdsa-p521",
  PKIX_ECDSA_P521_SHA_256: "ecdsa-p521",
  PKIX_ED25519: "ed25519",
  PKCS1_RSA_PKCS1V5: "rsa-pkcs1v15",
  PKIX_RSA_PKCS1V5: "rsa-pkcs1v15",
  PKIX_RSA_PKCS1V15_2048_SHA256: "rsa-pkcs1v15",
  PKIX_RSA_PKCS1V15_3072_SHA256: "rsa-pkcs1v15",
  PKIX_RSA_PKCS1V15_4096_SHA256: "rsa-pkcs1v15",
};

const DETAILS: Readonly<Record<PublicKey["algorithm"], string>> = {
  "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
  "ecdsa-p384": "PKIX_ECDSA_P384_SHA_384",
  "ecdsa-p521": "PKIX_ECDSA_P521_SHA_512",
  ed25519: "PKIX_ED25519",
  "rsa-pkcs1v15": "PKIX_RSA_PKCS1V15_2048_SHA256",
};

/** The oldest CT logs give a bare RSAPublicKey (RFC 8017 §A.1.1): wrapped as RFC 3279 §2.3.1 does. */
const spkiOfPkcs1 = (key: Uint8Array): Uint8Array =>
  sequence(sequence(oid("1.2.840.113549.1.1.1"), der(TAG.NULL)), bitString(key));

const time = (json: Json): number => parseRfc3339(json.string()) ?? json.refuse("is not a time");

/** A window without a start would be open to the past, so it is malformed. */
const readValidity = (json: Json): Validity => {
  const end = json.optional("end");
  return { start: time(json.field("start")), end: end === undefined ? undefined : time(end) };
};

/** `undefined` for a kind of key that is not supported: what it signs is simply not trusted. */
const readLog = (json: Json): LogKey | undefined => {
  const key = json.field("publicKey");
  const details = key.field("keyDetails").string();
  const algorithm = KEY_DETAILS[details];
  const validity = readValidity(key.field("validFor"));
  if (algorithm === undefined) return undefined;
  const raw = key.field("rawBytes");
  const spki = details === "PKCS1_RSA_PKCS1V5" ? spkiOfPkcs1(raw.base64()) : raw.base64();
  const publicKey = importPublicKey(spki);
  if (publicKey?.algorithm !== algorithm) return raw.refuse(`is not a key of kind ${details}`);
  return {
    baseUrl: json.optional("baseUrl")?.string() ?? "",
    logId: json.field("logId").field("keyId").base64(),
    checkpointKeyId: json.optional("checkpointKeyId")?.field("keyId").base64(),
    publicKey,
    validity,
  };
};

const readAuthority = (json: Json): Authority => {
  const certificates = json.field("certChain").field("certificates");
  const chain = certificates
    .items(MAX_CHAIN)
    .map((item) => item.take(parseCertificate(item.field("rawBytes").base64())));
  if (chain.length === 0) certificates.refuse("is empty");
  return {
    uri: json.optional("uri")?.string() ?? "",
    chain,
    validity: readValidity(json.field("validFor")),
  };
};

const readTrustedRoot = (json: Json): TrustedRoot => {
  const mediaType = json.field("mediaType");
  if (!MEDIA_TYPES.includes(mediaType.string())) mediaType.refuse("is not a trusted root's");
  const list = (name: string): Json[] => json.optional(name)?.items(MAX_INSTANCES) ?? [];
  const logs = (name: string): LogKey[] =>
    list(name)
      .map(readLog)
      .filter((log) => log !== undefined);
  return {
    tlogs: logs("tlogs"),
    certificateAuthorities: list("certificateAuthorities").map(readAuthority),
    ctlogs: logs("ctlogs"),
    timestampAuthorities: list("timestampAuthorities").map(readAuthority),
  };
};

/**
 * Reads the JSON value of a trusted root. Unknown fields are ignored, as they can only describe;
 * a validity without a start is malformed.
 *
 * @returns `TRUST_FORMAT`, or `TRUST_EMPTY` for a root that could verify nothing
 */
export const trustedRootFromJson = (value: unknown, what: string): Result<TrustedRoot> => {
  const root = readJson(value, "TRUST_FORMAT", what, readTrustedRoot);
  if (!root.ok) return root;
  const { tlogs, certificateAuthorities, timestampAuthorities } = root.value;
  return tlogs.length + certificateAuthorities.length + timestampAuthorities.length === 0
    ? fail("TRUST_EMPTY", `${what} names no authority and no log`)
    : root;
};

/**
 * Parses a `trusted_root.json` (protobuf-specs sigstore_trustroot.proto, TrustedRoot v0.1).
 *
 * @returns as {@link trustedRootFromJson}, and `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseTrustedRoot = (input: Uint8Array | string): Result<TrustedRoot> => {
  const value = parseJson(input, MAX_TRUST_BYTES, "trusted root");
  return value.ok ? trustedRootFromJson(value.value, "trusted root") : value;
};

const validityJson = ({ start, end }: Validity) => ({
  start: rfc3339(start),
  ...(end === undefined ? {} : { end: rfc3339(end) }),
});

const logJson = (log: LogKey) => ({
  baseUrl: log.baseUrl,
  hashAlgorithm: "SHA2_256",
  publicKey: {
    rawBytes: base64(log.publicKey.spki),
    keyDetails: DETAILS[log.publicKey.algorithm],
    validFor: validityJson(log.validity),
  },
  logId: { keyId: base64(log.logId) },
  ...(log.checkpointKeyId === undefined
    ? {}
    : { checkpointKeyId: { keyId: base64(log.checkpointKeyId) } }),
});

/** The text of attribute `type` in a Name's DER, or nothing. */
const attribute = (name: Uint8Array, type: string): string => {
  const decoder = new TextDecoder();
  const inner = (bytes: Uint8Array) => {
    const node = readDer(bytes);
    const parts = node.ok ? children(node.value) : node;
    return parts.ok ? parts.value : [];
  };
  for (const set of inner(name)) {
    for (const pair of inner(set.bytes)) {
      const [oidNode, text] = inner(pair.bytes);
      if (oidNode && text && readOid(oidNode.content) === type) return decoder.decode(text.content);
    }
  }
  return "";
};

const authorityJson = (authority: Authority) => {
  const subject = authority.chain.at(-1)?.subject ?? new Uint8Array(0);
  return {
    subject: {
      organization: attribute(subject, "2.5.4.10"),
      commonName: attribute(subject, "2.5.4.3"),
    },
    uri: authority.uri,
    certChain: { certificates: authority.chain.map(({ der }) => ({ rawBytes: base64(der) })) },
    validFor: validityJson(authority.validity),
  };
};

/** The JSON value of a trusted root, version 0.1. */
export const trustedRootJson = (root: TrustedRoot) => ({
  mediaType: MEDIA_TYPE,
  tlogs: root.tlogs.map(logJson),
  certificateAuthorities: root.certificateAuthorities.map(authorityJson),
  ctlogs: root.ctlogs.map(logJson),
  timestampAuthorities: root.timestampAuthorities.map(authorityJson),
});

/** A `trusted_root.json`: UTF-8 JSON. */
export const formatTrustedRoot = (root: TrustedRoot): Uint8Array =>
  utf8(`${JSON.stringify(trustedRootJson(root), null, 2)}\n`);
