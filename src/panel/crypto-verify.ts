import { rawSignature } from "../crypto/ecdsa-signature.ts";
import type { HashName } from "../crypto/hash.ts";
import type { KeyAlgorithm, PublicKey } from "../crypto/keys.ts";
import type { StreamVerifier } from "../crypto/verify.ts";

const WEB_HASHES = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" } as const;

/** The curve's name, and the bytes of each of the two numbers in a raw signature. */
const CURVES: Partial<Record<KeyAlgorithm, readonly [name: string, bytes: number]>> = {
  "ecdsa-p256": ["P-256", 32],
  "ecdsa-p384": ["P-384", 48],
  "ecdsa-p521": ["P-521", 66],
};

/** Copies: a message may lie in memory that is used again while the browser works. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

const verifyBy = async (
  algorithm: EcKeyImportParams | RsaHashedImportParams | { name: string },
  how: EcdsaParams | { name: string },
  { spki }: PublicKey,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("spki", own(spki), algorithm, false, ["verify"]);
  return subtle.verify(how, key, own(signature), own(message));
};

const verifyAny = async (
  key: PublicKey,
  hash: HashName,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  const curve = CURVES[key.algorithm];
  if (curve !== undefined) {
    const [namedCurve, bytes] = curve;
    const raw = rawSignature(signature, bytes);
    const how = { name: "ECDSA", hash: WEB_HASHES[hash] };
    return raw !== undefined && verifyBy({ name: "ECDSA", namedCurve }, how, key, raw, message);
  }
  const name = key.algorithm === "ed25519" ? "Ed25519" : "RSASSA-PKCS1-v1_5";
  return verifyBy({ name, hash: WEB_HASHES[hash] }, { name }, key, signature, message);
};

/** As `verifySignature` of crypto/verify.ts, by the browser's own cryptography. */
export const verifySignature = async (...given: Parameters<typeof verifyAny>): Promise<boolean> => {
  try {
    return await verifyAny(...given);
  } catch {
    return false;
  }
};

/**
 * As `streamVerifier` of crypto/verify.ts: a browser takes every message whole.
 * @public the bundler puts it in the place of that one
 */
export const streamVerifier = (_key: PublicKey, _hash: HashName): StreamVerifier | undefined =>
  undefined;

/**
 * As `verifyDigest` of crypto/verify.ts: a browser digests by itself.
 * @public the bundler puts it in the place of that one
 */
export const verifyDigest = async (
  _key: PublicKey,
  _signature: Uint8Array,
  _digest: Uint8Array,
): Promise<boolean | undefined> => undefined;
