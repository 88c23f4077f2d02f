import { type HashName, sha256 } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { verifyDigest, verifySignature } from "../crypto/verify.ts";
import { base64, fromUtf8, hex, utf8 } from "../formats/bytes.ts";
import { pae } from "../formats/dsse.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { readVerifier, type Verifier } from "./rekor-verifier.ts";

/** An entry as the log will hold it, checked: its signatures are good. */
export type CheckedEntry = {
  /** RFC 8785 JSON: what becomes the leaf. */
  readonly body: Uint8Array;
  /** What the index finds it by. */
  readonly keys: readonly string[];
};

type Proposed =
  | {
      readonly kind: "hashedrekord";
      readonly hash: HashName;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
      readonly verifier: Verifier;
    }
  | {
      readonly kind: "dsse";
      readonly envelope: string;
      readonly verifiers: readonly Verifier[];
    };

const MAX_VERIFIERS = 16;
const DIGEST_BYTES: Record<HashName, number> = { sha256: 32, sha384: 48, sha512: 64 };

const hashName = (json: Json): HashName => {
  const name = json.string();
  return name in DIGEST_BYTES ? (name as HashName) : json.refuse(`has the unknown ${name}`);
};

const proposedHashedRekord = (spec: Json): Proposed => {
  const hash = spec.field("data").field("hash");
  const algorithm = hashName(hash.field("algorithm"));
  const value = hash.field("value");
  const bytes = value.hex();
  if (bytes.length !== DIGEST_BYTES[algorithm]) return value.refuse("has the wrong length");
  const signature = spec.field("signature");
  const publicKey = signature.field("publicKey");
  return {
    kind: "hashedrekord",
    hash: algorithm,
    digest: bytes,
    signature: signature.field("content").base64(),
    verifier: publicKey.take(readVerifier(publicKey.field("content").base64())),
  };
};

/** Computed fields beside proposed content would let the two disagree. */
const proposedDsse = (spec: Json): Proposed => {
  for (const computed of ["envelopeHash", "payloadHash", "signatures"]) {
    spec.optional(computed)?.refuse("cannot be given beside proposedContent");
  }
  const content = spec.field("proposedContent");
  const verifiers = content.field("verifiers").items(MAX_VERIFIERS);
  if (verifiers.length === 0) return content.refuse("has no verifiers");
  return {
    kind: "dsse",
    envelope: content.field("envelope").string(),
    verifiers: verifiers.map((verifier) => verifier.take(readVerifier(verifier.base64()))),
  };
};

const proposed = (json: Json): Proposed => {
  const kind = json.field("kind").string();
  const version = json.field("apiVersion").string();
  switch (`${kind} ${version}`) {
    case "hashedrekord 0.0.1":
      return proposedHashedRekord(json.field("spec"));
    case "dsse 0.0.1":
      return proposedDsse(json.field("spec"));
    default:
      return json.refuse(`is of kind ${kind} ${version}, which this log does not take`);
  }
};

/**
 * Checks a proposed entry and makes its canonical body, byte for byte as Rekor v1 does.
 *
 * @param value - parsed JSON: `{kind, apiVersion, spec}`
 * @returns `TLOG_ENTRY_FORMAT` for a malformed one, `SIGNATURE_INVALID`, `SIGNATURE_ALGORITHM`
 */
export const checkEntry = async (value: unknown): Promise<Result<CheckedEntry>> => {
  const entry = readJson(value, "TLOG_ENTRY_FORMAT", "entry", proposed);
  if (!entry.ok) return entry;
  switch (entry.value.kind) {
    case "hashedrekord":
      return checkHashedRekord(entry.value);
    case "dsse":
      return checkDsse(entry.value);
    default:
      return entry.value satisfies never;
  }
};

const canonicalBody = (kind: string, spec: unknown): Uint8Array =>
  canonicalJson({ apiVersion: "0.0.1", kind, spec });

const checkHashedRekord = async (
  entry: Proposed & { kind: "hashedrekord" },
): Promise<Result<CheckedEntry>> => {
  const { hash, signature, verifier } = entry;
  const good = await verifyDigest(verifier.key, signature, entry.digest);
  if (good === undefined) {
    return fail("SIGNATURE_ALGORITHM", `${verifier.key.algorithm} cannot be checked by digest`);
  }
  if (!good) return fail("SIGNATURE_INVALID", "the signature is not over this digest by this key");
  const value = hex(entry.digest);
  const body = canonicalBody("hashedrekord", {
    data: { hash: { algorithm: hash, value } },
    signature: { content: base64(signature), publicKey: { content: base64(verifier.pem) } },
  });
  return ok({ body, keys: [`${hash}:${value}`, ...verifierKeys(verifier)] });
};

/** The index keys of whoever signed: the digest of the PEM, and the names in the certificate. */
const verifierKeys = ({ pem, names }: Verifier): string[] => [hex(sha256(pem)), ...names];

/**
 * The index keys that a body in the log alone tells; `undefined` for a body this log never makes.
 * A dsse entry has more: those of the statement's subjects, which the body does not hold.
 */
export const keysOfBody = (body: Uint8Array): string[] | undefined => {
  const json = parseJson(body, body.length, "the body");
  const keys = json.ok ? readJson(json.value, "TLOG_ENTRY_FORMAT", "body", bodyKeys) : json;
  return keys.ok ? keys.value : undefined;
};

const bodyKeys = (json: Json): string[] => {
  const spec = json.field("spec");
  const hashKey = (hash: Json): string =>
    `${hash.field("algorithm").string()}:${hash.field("value").string()}`;
  const signer = (pem: Json): string[] => verifierKeys(pem.take(readVerifier(pem.base64())));
  switch (json.field("kind").string()) {
    case "hashedrekord":
      return [
        hashKey(spec.field("data").field("hash")),
        ...signer(spec.field("signature").field("publicKey").field("content")),
      ];
    case "dsse":
      return [
        hashKey(spec.field("envelopeHash")),
        hashKey(spec.field("payloadHash")),
        ...spec
          .field("signatures")
          .items(MAX_VERIFIERS)
          .flatMap((signature) => signer(signature.field("verifier"))),
      ];
    default:
      return json.refuse("is of an unknown kind");
  }
};

type EnvelopeSignatures = {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly { readonly text: string; readonly bytes: Uint8Array }[];
};

/** Unlike a bundle's, the envelope of a log entry may have several signatures. */
const envelopeSignatures = (json: Json): EnvelopeSignatures => {
  const signatures = json.field("signatures").items(MAX_VERIFIERS);
  if (signatures.length === 0) return json.refuse("has no signatures");
  return {
    payloadType: json.field("payloadType").string(),
    payload: json.field("payload").base64(),
    signatures: signatures.map((signature) => {
      const sig = signature.field("sig");
      return { text: sig.string(), bytes: sig.base64() };
    }),
  };
};

const checkDsse = async (entry: Proposed & { kind: "dsse" }): Promise<Result<CheckedEntry>> => {
  const json = parseJson(entry.envelope, entry.envelope.length * 4, "the envelope");
  if (!json.ok) return json;
  const envelope = readJson(json.value, "DSSE_FORMAT", "envelope", envelopeSignatures);
  if (!envelope.ok) return envelope;
  const { payloadType, payload, signatures } = envelope.value;
  const message = pae(payloadType, payload);
  const checked: { signature: string; verifier: string }[] = [];
  const used = new Set<Verifier>();
  for (const { text, bytes } of signatures) {
    const verifier = await firstThatVerifies(entry.verifiers, bytes, message);
    if (verifier === undefined) {
      return fail("SIGNATURE_INVALID", "a signature of the envelope is by none of the verifiers");
    }
    used.add(verifier);
    checked.push({ signature: text, verifier: base64(verifier.pem) });
  }
  if (used.size !== entry.verifiers.length) {
    return fail("SIGNATURE_INVALID", "a verifier made none of the envelope's signatures");
  }
  const envelopeHash = hex(sha256(utf8(entry.envelope)));
  const payloadHash = hex(sha256(payload));
  const body = canonicalBody("dsse", {
    envelopeHash: { algorithm: "sha256", value: envelopeHash },
    payloadHash: { algorithm: "sha256", value: payloadHash },
    signatures: checked.toSorted((a, b) => (a.signature < b.signature ? -1 : 1)),
  });
  const digests = [envelopeHash, payloadHash, ...subjectDigests(payload)];
  const keys = digests.map((value) => `sha256:${value}`);
  return ok({ body, keys: [...keys, ...entry.verifiers.flatMap(verifierKeys)] });
};

const HASH_OF_KEY: Record<PublicKey["algorithm"], HashName> = {
  "ecdsa-p256": "sha256",
  "ecdsa-p384": "sha384",
  "ecdsa-p521": "sha512",
  ed25519: "sha512",
  "rsa-pkcs1v15": "sha256",
};

const firstThatVerifies = async (
  verifiers: readonly Verifier[],
  signature: Uint8Array,
  message: Uint8Array,
): Promise<Verifier | undefined> => {
  for (const verifier of verifiers) {
    const { key } = verifier;
    const good =
      (await verifySignature(key, "sha256", signature, message)) ||
      (await verifySignature(key, HASH_OF_KEY[key.algorithm], signature, message));
    if (good) return verifier;
  }
  return undefined;
};

const MAX_SUBJECTS = 1024;

/** SHA-256 digests of an in-toto statement's subjects; none where the payload is something else. */
const subjectDigests = (payload: Uint8Array): string[] => {
  const text = fromUtf8(payload);
  const json = text.ok ? parseJson(text.value, payload.length, "the payload") : text;
  if (!json.ok) return [];
  const digests = readJson(json.value, "STATEMENT_FORMAT", "statement", (statement) =>
    statement
      .field("subject")
      .items(MAX_SUBJECTS)
      .map((subject) => subject.field("digest").optional("sha256")?.hex()),
  );
  return digests.ok
    ? digests.value.filter((value) => value?.length === 32).map((v) => hex(v as Uint8Array))
    : [];
};
