import { digest, type HashName, sha256 } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Envelope } from "./bundle.ts";
import { base64, hex, utf8 } from "./bytes.ts";
import type { Certificate } from "./certificate.ts";
import { envelopePae } from "./dsse.ts";
import { canonicalJson } from "./jcs.ts";
import { formatPem } from "./pem.ts";
import { fail, ok, type Result } from "./result.ts";

/** Who made a signature: the certificate, or the bare key, that the bundle was verified with. */
export type BodyVerifier = {
  readonly kind: "certificate" | "public-key";
  /** DER of the certificate, or of the SubjectPublicKeyInfo. */
  readonly der: Uint8Array;
  readonly key: PublicKey;
};

export const certificateVerifier = (certificate: Certificate): BodyVerifier => ({
  kind: "certificate",
  der: certificate.der,
  key: certificate.publicKey,
});

export const keyVerifier = (key: PublicKey): BodyVerifier => ({
  kind: "public-key",
  der: key.spki,
  key,
});

/** What a log entry has to be about: all that goes into its body. */
export type Logged = { readonly verifier: BodyVerifier } & (
  | {
      readonly kind: "artifact";
      readonly hash: HashName;
      /** Of the artifact, computed and not taken from the bundle. */
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
    }
  | { readonly kind: "envelope"; readonly envelope: Envelope }
);

/**
 * The parts of a body that its submitter chose freely, and that say nothing: how the PEM is
 * spelled (which lines, which newlines), and the hash over the envelope's exact JSON text, which
 * no bundle keeps. What they stand for is in the body otherwise: the DER, the payload's hash, the
 * signature.
 */
export type Spelling = {
  /** PEM of the verifier; it decodes to the DER. */
  readonly pem: string;
  /** Lower-case hexadecimal. */
  readonly envelopeHash: string;
  /** Only in intoto 0.0.2: whether the payload is kept, and the key id where it is written. */
  readonly hasPayload: boolean;
  readonly keyid: string | undefined;
};

const V2_HASH: Readonly<Record<HashName, string>> = {
  sha256: "SHA2_256",
  sha384: "SHA2_384",
  sha512: "SHA2_512",
};

/** How protobuf-specs names the key's algorithm, with the hash that goes with it. */
const keyDetails = (key: PublicKey): { readonly name: string; readonly hash: HashName } => {
  switch (key.algorithm) {
    case "ecdsa-p256":
      return { name: "PKIX_ECDSA_P256_SHA_256", hash: "sha256" };
    case "ecdsa-p384":
      return { name: "PKIX_ECDSA_P384_SHA_384", hash: "sha384" };
    case "ecdsa-p521":
      return { name: "PKIX_ECDSA_P521_SHA_512", hash: "sha512" };
    case "ed25519":
      return { name: "PKIX_ED25519", hash: "sha512" };
    case "rsa-pkcs1v15":
      return { name: `PKIX_RSA_PKCS1V15_${key.bits}_SHA256`, hash: "sha256" };
    default:
      return key.algorithm satisfies never;
  }
};

export const pemLabel = (verifier: BodyVerifier) =>
  verifier.kind === "certificate" ? "CERTIFICATE" : "PUBLIC KEY";

const body = (kind: string, apiVersion: string, spec: unknown): unknown => ({
  apiVersion,
  kind,
  spec,
});

const sha256Hex = (bytes: Uint8Array) => ({ algorithm: "sha256", value: hex(sha256(bytes)) });

type Artifact = Extract<Logged, { kind: "artifact" }>;

const hashedRekordV1 = (logged: Artifact, spelling: Spelling): unknown =>
  body("hashedrekord", "0.0.1", {
    data: { hash: { algorithm: logged.hash, value: hex(logged.digest) } },
    signature: {
      content: base64(logged.signature),
      publicKey: { content: base64(utf8(spelling.pem)) },
    },
  });

const dsseV1 = (envelope: Envelope, spelling: Spelling): unknown =>
  body("dsse", "0.0.1", {
    envelopeHash: { algorithm: "sha256", value: spelling.envelopeHash },
    payloadHash: sha256Hex(envelope.payload),
    signatures: [{ signature: base64(envelope.signature), verifier: base64(utf8(spelling.pem)) }],
  });

/** Payload and signature are base64 text that is encoded in base64 once more. */
const intotoV2 = (envelope: Envelope, spelling: Spelling): unknown => {
  const twice = (bytes: Uint8Array): string => base64(utf8(base64(bytes)));
  const signature = { publicKey: base64(utf8(spelling.pem)), sig: twice(envelope.signature) };
  const { keyid } = spelling;
  return body("intoto", "0.0.2", {
    content: {
      envelope: {
        ...(spelling.hasPayload ? { payload: twice(envelope.payload) } : {}),
        payloadType: envelope.payloadType,
        signatures: [keyid === undefined ? signature : { ...signature, keyid }],
      },
      hash: { algorithm: "sha256", value: spelling.envelopeHash },
      payloadHash: sha256Hex(envelope.payload),
    },
  });
};

const verifierV2 = (verifier: BodyVerifier): unknown => {
  const name = verifier.kind === "certificate" ? "x509Certificate" : "publicKey";
  return {
    keyDetails: keyDetails(verifier.key).name,
    [name]: { rawBytes: base64(verifier.der) },
  };
};

const hashedRekordV2 = (logged: Artifact): unknown =>
  body("hashedrekord", "0.0.2", {
    hashedRekordV002: {
      data: { algorithm: V2_HASH[logged.hash], digest: base64(logged.digest) },
      signature: { content: base64(logged.signature), verifier: verifierV2(logged.verifier) },
    },
  });

const dsseV2 = (envelope: Envelope, verifier: BodyVerifier): unknown =>
  body("dsse", "0.0.2", {
    dsseV002: {
      payloadHash: { algorithm: "SHA2_256", digest: base64(sha256(envelope.payload)) },
      signatures: [{ content: base64(envelope.signature), verifier: verifierV2(verifier) }],
    },
  });

/** An envelope as Rekor v2 logs it: a signature over the envelope's PAE. */
const artifactOf = (logged: Logged): Artifact => {
  if (logged.kind === "artifact") return logged;
  const { hash } = keyDetails(logged.verifier.key);
  return {
    kind: "artifact",
    hash,
    digest: digest(hash, envelopePae(logged.envelope)),
    signature: logged.envelope.signature,
    verifier: logged.verifier,
  };
};

/** The body's JSON value; `undefined` for a kind that does not hold such content. */
export const expectedValue = (
  kind: string,
  version: string,
  logged: Logged,
  spelling: Spelling,
): unknown => {
  const envelope = logged.kind === "envelope" ? logged.envelope : undefined;
  switch (`${kind} ${version}`) {
    case "hashedrekord 0.0.1":
      return logged.kind === "artifact" ? hashedRekordV1(logged, spelling) : undefined;
    case "hashedrekord 0.0.2":
      return hashedRekordV2(artifactOf(logged));
    case "dsse 0.0.1":
      return envelope && dsseV1(envelope, spelling);
    case "dsse 0.0.2":
      return envelope && dsseV2(envelope, logged.verifier);
    case "intoto 0.0.2":
      return envelope && intotoV2(envelope, spelling);
    default:
      return undefined;
  }
};

/**
 * The canonical body (RFC 8785) of an entry about `logged`: for hashedrekord 0.0.1 and 0.0.2 and
 * dsse 0.0.1 and 0.0.2, byte for byte what a log makes of it. PEM is in lines of 64 characters.
 *
 * @param envelopeText - for dsse 0.0.1: the envelope's JSON exactly as it is submitted
 * @returns `TLOG_KIND` for other kinds, and for kinds that do not hold such content
 */
export const expectedBody = (
  kind: string,
  version: string,
  logged: Logged,
  envelopeText?: string,
): Result<Uint8Array> => {
  const pem = formatPem(pemLabel(logged.verifier), logged.verifier.der);
  const envelopeHash = hex(sha256(utf8(envelopeText ?? "")));
  const spelling = { pem, envelopeHash, hasPayload: false, keyid: undefined };
  const value = expectedValue(kind, version, logged, spelling);
  const unhashed = `${kind} ${version}` === "dsse 0.0.1" && envelopeText === undefined;
  if (value !== undefined && !unhashed && kind !== "intoto") return ok(canonicalJson(value));
  return fail("TLOG_KIND", `${kind} ${version} cannot be made of this ${logged.kind}`);
};
