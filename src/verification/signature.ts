import { type HashName, hasher } from "../crypto/hash.ts";
import { streamVerifier, verifyDigest, verifySignature } from "../crypto/verify.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { Envelope } from "../formats/bundle.ts";
import { concat, equal } from "../formats/bytes.ts";
import { envelopePae } from "../formats/dsse.ts";
import type { Logged } from "../formats/tlog-body.ts";
import { type Finding, passed, refused } from "./finding.ts";
import type { Material } from "./material.ts";

/** What must be held: Ed25519 signs the whole message, and a browser takes every message whole. */
const MAX_WHOLE_MESSAGE = 64 * 1024 * 1024;

type Message = Extract<Logged, { kind: "artifact" }>;

const invalid = (what: string): Finding<never> =>
  refused("signature", "SIGNATURE_INVALID", `the signature is not over this ${what} by this key`);

const good = (what: string, { key }: Material): Finding<undefined> =>
  passed("signature", undefined, `the ${key.algorithm} signature over the ${what} is good`);

const envelopeSignature = async (
  envelope: Envelope,
  material: Material,
): Promise<Finding<undefined>> => {
  const message = envelopePae(envelope);
  const { key } = material;
  // Sigstore hashes by the key's curve; cosign signs with SHA-256 under any key.
  for (const hash of new Set<HashName>([hashOf(material), "sha256"])) {
    if (await verifySignature(key, hash, envelope.signature, message)) {
      return good("envelope", material);
    }
  }
  return invalid("envelope");
};

/** The hash that goes with a key's curve. */
const hashOf = ({ key }: Material): HashName => {
  if (key.algorithm === "ecdsa-p384") return "sha384";
  return key.algorithm === "ecdsa-p521" ? "sha512" : "sha256";
};

const byDigest = async ({ digest }: Message, material: Material): Promise<Finding<undefined>> => {
  const verified = await verifyDigest(material.key, material.signature, digest);
  if (verified === undefined) {
    const message = `${material.key.algorithm} cannot be verified by digest; give the file itself`;
    return refused("signature", "SIGNATURE_ALGORITHM", message);
  }
  return verified ? good("file's digest", material) : invalid("file");
};

const changed = (): Finding<never> =>
  refused("signature", "SIGNATURE_DIGEST", "the file changed while it was being verified");

/** One pass over the file: its signature, and that it still is the file that was digested. */
const byStream = async (
  chunks: AsyncIterable<Uint8Array>,
  { hash }: Message,
  { sha256, held }: Artifact,
  material: Material,
): Promise<Finding<undefined>> => {
  const verifier = streamVerifier(material.key, hash);
  const seen = hasher("sha256");
  const whole: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    if (held !== true) seen.update(chunk);
    verifier?.update(chunk);
    if (verifier !== undefined) continue;
    size += chunk.length;
    if (size > MAX_WHOLE_MESSAGE) {
      const message = `${material.key.algorithm} takes a file whole here, and this one is over ${MAX_WHOLE_MESSAGE} bytes`;
      return refused("signature", "SIGNATURE_ALGORITHM", message);
    }
    whole.push(new Uint8Array(chunk));
  }
  if (held !== true && !equal(seen.digest(), sha256)) return changed();
  const { key, signature } = material;
  const verified =
    verifier?.verify(signature) ?? (await verifySignature(key, hash, signature, concat(...whole)));
  return verified ? good("file", material) : invalid("file");
};

/**
 * Verifies the signature itself: of an envelope over its DSSE encoding, else over the file, which
 * is streamed, or over its digest where only that is known.
 *
 * @returns `SIGNATURE_INVALID`, `SIGNATURE_ALGORITHM`, `SIGNATURE_DIGEST` for a file that changes
 */
export const checkSignature = async (
  artifact: Artifact,
  material: Material,
): Promise<Finding<undefined>> => {
  const { logged } = material;
  if (logged.kind === "envelope") return envelopeSignature(logged.envelope, material);
  return artifact.open === undefined
    ? byDigest(logged, material)
    : byStream(artifact.open(), logged, artifact, material);
};
