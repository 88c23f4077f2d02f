import { importPublicKey } from "../crypto/keys.ts";
import { type Bundle, type KeyMaterial, MAX_SIGNATURE_BYTES, type TlogEntry } from "./bundle.ts";
import { base64, fromBase64, fromUtf8, utf8 } from "./bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { readDer } from "./der.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { formatPem, parsePem } from "./pem.ts";
import { fail, ok, type Result } from "./result.ts";

const MAX_FILE_BYTES = 64 * 1024;
const MAX_COSIGN_BUNDLE_BYTES = 1024 * 1024;

/** A `.sig` as cosign 2 writes it: padded base64 on one line, no newline. */
export const formatSignatureFile = (signature: Uint8Array): Uint8Array => utf8(base64(signature));

/** A `.crt` as cosign 2 writes it: padded base64, on one line, of the whole PEM text. */
export const formatCertificateFile = (certificate: Certificate): Uint8Array =>
  utf8(base64(utf8(formatPem("CERTIFICATE", certificate.der))));

/** Base64 on one line, white space around it allowed. */
const decodeLine = (bytes: Uint8Array): Uint8Array | undefined => {
  const text = fromUtf8(bytes);
  const decoded = text.ok ? fromBase64(text.value.trim()) : undefined;
  return decoded?.ok ? decoded.value : undefined;
};

/**
 * Reads a `.sig` of cosign: base64 on one line, or the bare DER signature that `--b64=false`
 * leaves.
 *
 * @returns the signature's bytes; `DETACHED_FORMAT`
 */
export const parseSignatureFile = (bytes: Uint8Array): Result<Uint8Array> => {
  if (bytes.length > MAX_FILE_BYTES) return fail("DETACHED_FORMAT", "the signature is too long");
  const signature = readDer(bytes).ok ? bytes : decodeLine(bytes);
  if (signature === undefined) {
    return fail("DETACHED_FORMAT", "the signature is neither base64 nor DER");
  }
  return signature.length > 0 && signature.length <= MAX_SIGNATURE_BYTES
    ? ok(signature)
    : fail("DETACHED_FORMAT", `the signature has ${signature.length} bytes`);
};

const pemCertificates = (text: Uint8Array): Result<Uint8Array> => {
  const content = fromUtf8(text);
  const blocks = content.ok ? parsePem(content.value, "CERTIFICATE") : content;
  if (!blocks.ok) return fail("DETACHED_FORMAT", `the certificate: ${blocks.error.message}`);
  const [leaf, ...others] = blocks.value;
  return leaf !== undefined && others.length === 0
    ? ok(leaf)
    : fail("DETACHED_FORMAT", `${blocks.value.length} certificates instead of one`);
};

/**
 * Reads a `.crt` of cosign: base64 of PEM, PEM, or DER, holding one certificate.
 *
 * @returns `DETACHED_FORMAT`, `CERT_FORMAT`
 */
export const parseCertificateFile = (bytes: Uint8Array): Result<Certificate> => {
  if (bytes.length > MAX_FILE_BYTES) return fail("DETACHED_FORMAT", "the certificate is too long");
  const der = readDer(bytes).ok ? ok(bytes) : pemCertificates(decodeLine(bytes) ?? bytes);
  return der.ok ? parseCertificate(der.value) : der;
};

/** A detached signature and certificate, with log entries fetched for them, as one bundle. */
export const bundleOfDetached = (
  signature: Uint8Array,
  certificate: Certificate,
  entries: readonly TlogEntry[],
): Bundle => ({
  version: "0.3",
  material: { kind: "certificate", certificate, chain: [] },
  entries,
  timestamps: [],
  content: { kind: "message-signature", digest: undefined, signature },
});

type RawCosignBundle = {
  readonly signature: Uint8Array;
  readonly cert: Uint8Array;
  readonly entry: TlogEntry;
};

/** Kind and version stand only in the body; the body is compared in whole when it is verified. */
const kindOf = (json: Json, body: Uint8Array): { kind: string; version: string } => {
  const value = json.take(parseJson(body, MAX_COSIGN_BUNDLE_BYTES, "body"));
  return json.take(
    readJson(value, "DETACHED_FORMAT", "body", (entry) => ({
      kind: entry.field("kind").string(),
      version: entry.field("apiVersion").string(),
    })),
  );
};

const readCosignBundle = (json: Json): RawCosignBundle => {
  json.only("base64Signature", "cert", "rekorBundle");
  const rekor = json.field("rekorBundle").only("SignedEntryTimestamp", "Payload");
  const payload = rekor.field("Payload").only("body", "integratedTime", "logIndex", "logID");
  const body = payload.field("body");
  return {
    signature: json.field("base64Signature").base64(),
    cert: json.field("cert").base64(),
    entry: {
      logIndex: payload.field("logIndex").int64(),
      logId: payload.field("logID").hex(),
      ...kindOf(body, body.base64()),
      integratedTime: payload.field("integratedTime").int64(),
      signedEntryTimestamp: rekor.field("SignedEntryTimestamp").base64(),
      inclusionProof: undefined,
      canonicalizedBody: body.base64(),
    },
  };
};

/** With a managed key, cosign puts the public key where the certificate would be. */
const cosignMaterial = (pem: Uint8Array): Result<KeyMaterial> => {
  const text = fromUtf8(pem);
  const keys = text.ok ? parsePem(text.value, "PUBLIC KEY") : text;
  const key = keys.ok && keys.value.length === 1 ? keys.value[0] : undefined;
  if (key !== undefined) {
    return importPublicKey(key) === undefined
      ? fail("DETACHED_FORMAT", "the bundle's public key is not supported")
      : ok({ kind: "public-key", hint: "" });
  }
  const certificate = parseCertificateFile(pem);
  return certificate.ok
    ? ok({ kind: "certificate", certificate: certificate.value, chain: [] })
    : certificate;
};

/**
 * Reads what `cosign sign-blob --bundle` of cosign 2 writes: signature, certificate, and a log
 * entry with its promise (SET) but no inclusion proof. It becomes a bundle of version 0.1.
 *
 * @returns `DETACHED_FORMAT`, `CERT_FORMAT`, `FORMAT_SIZE`, `FORMAT_JSON`
 */
export const parseCosignBundle = (input: Uint8Array | string): Result<Bundle> => {
  const value = parseJson(input, MAX_COSIGN_BUNDLE_BYTES, "cosign bundle");
  if (!value.ok) return value;
  const raw = readJson(value.value, "DETACHED_FORMAT", "cosign bundle", readCosignBundle);
  if (!raw.ok) return raw;
  const material = cosignMaterial(raw.value.cert);
  if (!material.ok) return material;
  return ok({
    version: "0.1",
    material: material.value,
    entries: [raw.value.entry],
    timestamps: [],
    content: { kind: "message-signature", digest: undefined, signature: raw.value.signature },
  });
};
