import { sign as nodeSign } from "node:crypto";
import type { HashName } from "./hash.ts";
import type { PrivateKey } from "./keys.ts";

/**
 * Signs `message`. ECDSA signatures are DER (RFC 3279 §2.2.3); Ed25519 is pure and ignores `hash`;
 * RSA is PKCS #1 v1.5.
 */
export const sign = (key: PrivateKey, hash: HashName, message: Uint8Array): Uint8Array =>
  new Uint8Array(nodeSign(key.algorithm === "ed25519" ? null : hash, message, key.handle));
