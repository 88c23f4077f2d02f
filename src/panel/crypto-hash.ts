import { sha256 as nobleSha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { Hasher, HashName, Sha256 } from "../crypto/hash.ts";

const HASHES = { sha256: nobleSha256, sha384, sha512 } as const;

/** As `digest` of crypto/hash.ts. */
export const digest = (name: HashName, bytes: Uint8Array): Uint8Array => HASHES[name](bytes);

/** As `sha256` of crypto/hash.ts. */
export const sha256 = (bytes: Uint8Array): Sha256 => nobleSha256(bytes) as Uint8Array as Sha256;

/** As `hasher` of crypto/hash.ts. */
export const hasher = (name: HashName): Hasher => {
  const state = HASHES[name].create();
  return {
    update: (bytes) => {
      state.update(bytes);
    },
    digest: () => state.digest(),
  };
};
