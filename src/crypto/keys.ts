import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { type Sha256, sha256 } from "./hash.ts";
import { recent } from "./recent.ts";

/** The kinds of keys that are made and accepted; ECDSA by curve, RSA with PKCS #1 v1.5 padding. */
export type KeyAlgorithm = "ecdsa-p256" | "ecdsa-p384" | "ecdsa-p521" | "ed25519" | "rsa-pkcs1v15";

/** A public key that was parsed from its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
export type PublicKey = {
  readonly algorithm: KeyAlgorithm;
  /** DER of the SubjectPublicKeyInfo, byte for byte as it was given. */
  readonly spki: Uint8Array;
  /** SHA-256 of `spki`: the log id of RFC 6962 §3.2. */
  readonly keyId: Sha256;
  /** Modulus bits for RSA, curve bits for the others. */
  readonly bits: number;
  readonly handle: KeyObject;
};

export type PrivateKey = {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: PublicKey;
  readonly handle: KeyObject;
};

const CURVES: Record<string, { algorithm: KeyAlgorithm; bits: number }> = {
  prime256v1: { algorithm: "ecdsa-p256", bits: 256 },
  secp384r1: { algorithm: "ecdsa-p384", bits: 384 },
  secp521r1: { algorithm: "ecdsa-p521", bits: 521 },
};

const describe = (key: KeyObject): { algorithm: KeyAlgorithm; bits: number } | undefined => {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ec":
      return CURVES[details.namedCurve ?? ""];
    case "ed25519":
      return { algorithm: "ed25519", bits: 256 };
    case "rsa": {
      const bits = details.modulusLength ?? 0;
      // Below 2048 bits a signature proves nothing; above 8192 verifying is a way to stall us.
      return bits >= 2048 && bits <= 8192 ? { algorithm: "rsa-pkcs1v15", bits } : undefined;
    }
    default:
      return undefined;
  }
};

/**
 * Whether a DER value ends where its bytes do (X.690 §8.1.3). OpenSSL takes a key with anything
 * behind it, and who then reads the point from the end would use another key than OpenSSL does.
 */
const isWhole = (der: Uint8Array): boolean => {
  const first = der[1] ?? 0;
  if (first < 0x80) return der.length === 2 + first;
  const digits = der.subarray(2, 2 + (first & 0x7f));
  const length = digits.reduce((value, byte) => value * 256 + byte, 0);
  return der.length === 2 + digits.length + length;
};

/** The keys of authorities and logs, and of a batch that one key signed, come again and again. */
const imported = recent<PublicKey>(256);

/**
 * Reads a DER SubjectPublicKeyInfo. Gives `undefined` for bytes that are not one, for trailing
 * bytes, and for algorithms outside {@link KeyAlgorithm} (RSA: 2048 to 8192 bits only).
 */
export const importPublicKey = (spki: Uint8Array): PublicKey | undefined => {
  const keyId = sha256(spki);
  const name = Buffer.from(keyId).toString("latin1");
  const known = imported.get(name);
  if (known !== undefined) return known;
  if (!isWhole(spki)) return undefined;
  let handle: KeyObject;
  try {
    handle = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
  const described = describe(handle);
  if (described === undefined) return undefined;
  // A copy: `spki` is a part of something larger, which must not stay for its sake.
  const key = { ...described, spki: spki.slice(), keyId, handle };
  imported.set(name, key);
  return key;
};

const fromHandle = (handle: KeyObject): PrivateKey => {
  const spki = new Uint8Array(createPublicKey(handle).export({ format: "der", type: "spki" }));
  const publicKey = importPublicKey(spki);
  if (publicKey === undefined) throw new Error("unsupported private key");
  return { algorithm: publicKey.algorithm, publicKey, handle };
};

/** Makes a new key pair with the system's randomness. */
export const generateKey = (algorithm: KeyAlgorithm): PrivateKey => {
  switch (algorithm) {
    case "ecdsa-p256":
      return fromHandle(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
    case "ecdsa-p384":
      return fromHandle(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
    case "ecdsa-p521":
      return fromHandle(generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey);
    case "ed25519":
      return fromHandle(generateKeyPairSync("ed25519").privateKey);
    case "rsa-pkcs1v15":
      return fromHandle(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
    default:
      return algorithm satisfies never;
  }
};

/** DER PKCS #8 of a private key, for keeping it in a file of mode 0600. */
export const exportPrivateKey = (key: PrivateKey): Uint8Array =>
  new Uint8Array(key.handle.export({ format: "der", type: "pkcs8" }));

/** Reads DER PKCS #8. Throws on anything else: only our own key files come here. */
export const importPrivateKey = (pkcs8: Uint8Array): PrivateKey =>
  fromHandle(createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" }));
