import type { ProposedEntry, Rekor } from "../clients/rekor.ts";
import type { TimestampAuthority } from "../clients/tsa.ts";
import { hasher, sha256 } from "../crypto/hash.ts";
import { sign, streamSigner } from "../crypto/sign.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { Bundle, Envelope, TlogEntry } from "../formats/bundle.ts";
import { equal } from "../formats/bytes.ts";
import { envelopeJson, envelopePae, IN_TOTO_PAYLOAD_TYPE } from "../formats/dsse.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { SigningCertificate } from "./signing-certificate.ts";

/** What signing goes through: a certificate and its key, a log, and perhaps a timestamp. */
export type BundleSigner = {
  readonly signing: SigningCertificate;
  readonly rekor: Rekor;
  readonly tsa?: TimestampAuthority | undefined;
};

type SignedMessage = Bundle & { readonly content: { readonly kind: "message-signature" } };

/**
 * Signs a file's bytes and logs the signature: a bundle v0.3 with a message signature. The file
 * is read once more, and must still have the digest that the artifact states.
 *
 * @returns `FILE_UNREADABLE`, `DIST_CHANGED`, and as the log and the timestamp authority do
 */
export const signMessage = async (
  artifact: Artifact,
  signer: BundleSigner,
): Promise<Result<SignedMessage>> => {
  const { signing, rekor } = signer;
  const signed = await signStream(artifact, signing);
  if (!signed.ok) return signed;
  const signature = signed.value;
  const entry = await rekor.create({
    kind: "hashedrekord",
    sha256: artifact.sha256,
    signature,
    verifier: signing.pem,
  });
  if (!entry.ok) return entry;
  const stamps = await stamp(signature, signer);
  if (!stamps.ok) return stamps;
  const digest = { algorithm: "SHA2_256", bytes: artifact.sha256 } as const;
  return ok({
    ...around(signing, entry.value, stamps.value),
    content: { kind: "message-signature", digest, signature },
  });
};

export type SignedStatement = Bundle & { readonly content: { readonly kind: "dsse" } };

/**
 * Signs an in-toto statement in a DSSE envelope and logs it: a bundle v0.3.
 *
 * @param payload - the statement's bytes, which are signed as they are
 * @returns as the log and the timestamp authority do
 */
export const signStatement = async (
  payload: Uint8Array,
  signer: BundleSigner,
): Promise<Result<SignedStatement>> => {
  const { signing, rekor } = signer;
  const unsigned = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, keyid: "" };
  const message = envelopePae({ ...unsigned, signature: new Uint8Array() });
  const signature = sign(signing.key, "sha256", message);
  const envelope: Envelope = { ...unsigned, signature };
  const entry = await rekor.create(proposed(envelope, signing.pem));
  if (!entry.ok) return entry;
  const stamps = await stamp(signature, signer);
  if (!stamps.ok) return stamps;
  return ok({
    ...around(signing, entry.value, stamps.value),
    content: { kind: "dsse", envelope },
  });
};

const around = (
  { certificate }: SigningCertificate,
  entry: TlogEntry,
  timestamps: readonly Uint8Array[],
): Omit<Bundle, "content"> => ({
  version: "0.3",
  material: { kind: "certificate", certificate, chain: [] },
  entries: [entry],
  timestamps,
});

const stamp = async (
  signature: Uint8Array,
  { tsa }: BundleSigner,
): Promise<Result<Uint8Array[]>> => {
  if (tsa === undefined) return ok([]);
  const stamped = await tsa.stamp(sha256(signature));
  return stamped.ok ? ok([stamped.value]) : stamped;
};

const proposed = (envelope: Envelope, verifier: string): ProposedEntry => ({
  kind: "dsse",
  envelope: JSON.stringify(envelopeJson(envelope)),
  verifier,
});

/** What is signed must be what was digested before. */
const signStream = async (
  artifact: Artifact,
  { key }: SigningCertificate,
): Promise<Result<Uint8Array>> => {
  const name = artifact.name ?? "the file";
  const signer = streamSigner(key, "sha256");
  const digest = hasher("sha256");
  try {
    for await (const chunk of artifact.open?.() ?? []) {
      signer.update(chunk);
      digest.update(chunk);
    }
  } catch {
    return fail("FILE_UNREADABLE", `${name} cannot be read any more`);
  }
  if (equal(digest.digest(), artifact.sha256)) return ok(signer.sign());
  return fail("DIST_CHANGED", `${name} changed while it was being signed`);
};
