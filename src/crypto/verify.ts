import { createVerify, verify as nodeVerify } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { HashName } from "./hash.ts";
import type { PublicKey } from "./keys.ts";

/**
 * Whether `signature` over `message` was made with the private half of `key`.
 * ECDSA signatures are DER (RFC 3279 §2.2.3); Ed25519 is pure (RFC 8032) and ignores `hash`;
 * RSA is PKCS #1 v1.5. Never throws: a malformed signature is a false one.
 *
 * Asynchronous because a browser has only asynchronous verification.
 */
export const verifySignature = async (
  key: PublicKey,
  hash: HashName,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  try {
    return nodeVerify(key.algorithm === "ed25519" ? null : hash, message, key.handle, signature);
  } catch {
    return false;
  }
};

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
 */
export const verifyDigest = (
  key: PublicKey,
  signature: Uint8Array,
  digest: Uint8Array,
): boolean | undefined => {
  const curve = CURVES[key.algorithm];
  if (curve === undefined) return undefined;
  try {
    const point = key.spki.subarray(key.spki.length - curve.pointBytes);
    return curve.verify(signature, digest, point);
  } catch {
    return false;
  }
};

type DigestVerifier = {
  /** Bytes of an uncompressed point (SEC 1 §2.3.3): 0x04 || X || Y. */
  pointBytes: number;
  verify(signature: Uint8Array, digest: Uint8Array, point: Uint8Array): boolean;
};

const options = { prehash: false, lowS: false, format: "der" } as const;

const CURVES: Partial<Record<PublicKey["algorithm"], DigestVerifier>> = {
  "ecdsa-p256": { pointBytes: 65, verify: (s, d, p) => p256.verify(s, d, p, options) },
  "ecdsa-p384": { pointBytes: 97, verify: (s, d, p) => p384.verify(s, d, p, options) },
  "ecdsa-p521": { pointBytes: 133, verify: (s, d, p) => p521.verify(s, d, p, options) },
};
