import { createHash, createVerify, verify as nodeVerify } from "node:crypto";
import type { HashName } from "./hash.ts";
import type { PublicKey } from "./keys.ts";
import { verifyP256Digest } from "./p256-digest.ts";
import { recent } from "./recent.ts";

/**
 * Whether `signature` over `message` was made with the private half of `key`.
 * ECDSA signatures are DER (RFC 3279 §2.2.3); Ed25519 is pure (RFC 8032) and ignores `hash`;
 * RSA is PKCS #1 v1.5. Never throws: a malformed signature is a false one.
 *
 * Asynchronous because a browser has only asynchronous verification.
 *
 * What was found good is known for a while: the certificates of a batch and its authorities are
 * the same from file to file. Nothing is taken for it but this key, hash, signature and message.
 */
export const verifySignature = async (
  key: PublicKey,
  hash: HashName,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  const name = message.length > MAX_KNOWN ? undefined : nameOf(key, hash, signature, message);
  if (name !== undefined && good.get(name) === true) return true;
  try {
    const algorithm = key.algorithm === "ed25519" ? null : hash;
    const verified = nodeVerify(algorithm, message, key.handle, signature);
    if (verified && name !== undefined) good.set(name, true);
    return verified;
  } catch {
    return false;
  }
};

const good = recent<true>(1024);
/** To digest more than this takes as long as to verify. */
const MAX_KNOWN = 16 * 1024;

/** One text for one set of arguments: each part is of a length that the text tells. */
const nameOf = (
  key: PublicKey,
  hash: HashName,
  signature: Uint8Array,
  message: Uint8Array,
): string =>
  createHash("sha256")
    .update(`${hash} ${signature.length} `)
    .update(key.keyId)
    .update(signature)
    .update(message)
    .digest("binary");

/** Verifies over a stream: `update` in order, then `verify` once. */
export type StreamVerifier = {
  update(bytes: Uint8Array): void;
  verify(signature: Uint8Array): boolean;
};

/** Gives `undefined` for Ed25519, which needs the whole message. */
export const streamVerifier = (key: PublicKey, hash: HashName): StreamVerifier | undefined => {
  if (key.algorithm === "ed25519") return undefined;
  const state = createVerify(hash);
  return {
    update: (bytes) => {
      state.update(bytes);
    },
    verify: (signature) => {
      try {
        return state.verify(key.handle, signature);
      } catch {
        return false;
      }
    },
  };
};

/**
 * Whether an ECDSA `signature` (DER) is good for a message whose digest is `digest`, when the
 * message itself is not at hand. Gives `undefined` where that cannot be told: Ed25519 signs the
 * message, and RSA is not needed by digest.
 *
 * OpenSSL, as Node offers it, digests by itself. P-256 is put together from what it does offer;
 * the others are done in JavaScript, which takes 50 times longer and is loaded when needed.
 */
export const verifyDigest = async (
  key: PublicKey,
  signature: Uint8Array,
  digest: Uint8Array,
): Promise<boolean | undefined> => {
  const curve = CURVES[key.algorithm];
  if (curve === undefined) return undefined;
  const point = key.spki.subarray(-curve.pointBytes);
  // A compressed point is not read here: it is no bad signature, and not told by digest.
  if (point.length !== curve.pointBytes || point[0] !== UNCOMPRESSED) return undefined;
  try {
    const verified = curve.name === "p256" ? verifyP256Digest(point, signature, digest) : undefined;
    if (verified !== undefined) return verified;
    const curves = await import("@noble/curves/nist.js");
    return curves[curve.name].verify(signature, digest, point, RAW);
  } catch {
    return false;
  }
};

const UNCOMPRESSED = 0x04;

/** The digest is given, high `s` is as good as low (FIPS 186-5 knows no such rule). */
const RAW = { prehash: false, lowS: false, format: "der" } as const;

type Curve = {
  readonly name: "p256" | "p384" | "p521";
  /** Bytes of an uncompressed point (SEC 1 §2.3.3): 0x04 || X || Y. */
  readonly pointBytes: number;
};

const CURVES: Partial<Record<PublicKey["algorithm"], Curve>> = {
  "ecdsa-p256": { name: "p256", pointBytes: 65 },
  "ecdsa-p384": { name: "p384", pointBytes: 97 },
  "ecdsa-p521": { name: "p521", pointBytes: 133 },
};
