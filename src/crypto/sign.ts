import { createSign, sign as nodeSign } from "node:crypto";
import type { HashName } from "./hash.ts";
import type { PrivateKey } from "./keys.ts";

/**
 * Signs `message`. ECDSA signatures are DER (RFC 3279 §2.2.3); Ed25519 is pure and ignores `hash`;
 * RSA is PKCS #1 v1.5.
 */
export const sign = (key: PrivateKey, hash: HashName, message: Uint8Array): Uint8Array =>
  new Uint8Array(nodeSign(key.algorithm === "ed25519" ? null : hash, message, key.handle));

/** Signs a stream: `update` in order, then `sign` once. */
export type StreamSigner = {
  update(bytes: Uint8Array): void;
  sign(): Uint8Array;
};

/** Like {@link sign}, without holding the message. Throws for Ed25519, which needs it whole. */
export const streamSigner = (key: PrivateKey, hash: HashName): StreamSigner => {
  if (key.algorithm === "ed25519") throw new Error("Ed25519 cannot sign a stream");
  const state = createSign(hash);
  return {
    update: (bytes) => {
      state.update(bytes);
    },
    sign: () => new Uint8Array(state.sign(key.handle)),
  };
};
