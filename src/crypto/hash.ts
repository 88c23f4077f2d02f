import { createHash, hash } from "node:crypto";

/** 32 raw bytes: a SHA-256 digest (FIPS 180-4). */
export type Sha256 = Uint8Array & { readonly brand: "Sha256" };

export type HashName = "sha256" | "sha384" | "sha512";

/** The digest of `bytes` as raw bytes: 32, 48 or 64 by `name`. */
export const digest = (name: HashName, bytes: Uint8Array): Uint8Array =>
  new Uint8Array(hash(name, bytes, "buffer"));

/** SHA-256 of `bytes`: 32 raw bytes. */
export const sha256 = (bytes: Uint8Array): Sha256 => digest("sha256", bytes) as Sha256;

/** Digests a stream: `update` in order, then `digest` once. */
export type Hasher = {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
};

export const hasher = (name: HashName): Hasher => {
  const state = createHash(name);
  return {
    update: (bytes) => {
      state.update(bytes);
    },
    digest: () => new Uint8Array(state.digest()),
  };
};
