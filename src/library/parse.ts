import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/**
 * Reads one PEM public key (SubjectPublicKeyInfo): ECDSA P-256, P-384 or P-521, Ed25519, or RSA of
 * 2048 to 8192 bits.
 *
 * @returns `KEY_FORMAT`
 */
export const parsePublicKey = (pem: Uint8Array | string): Result<PublicKey> => {
  const text = typeof pem === "string" ? ok(pem) : fromUtf8(pem);
  const blocks = text.ok ? parsePem(text.value, "PUBLIC KEY") : text;
  const spki = blocks.ok && blocks.value.length === 1 ? blocks.value[0] : undefined;
  const key = spki === undefined ? undefined : importPublicKey(spki);
  return key === undefined ? fail("KEY_FORMAT", "it is not one PEM public key") : ok(key);
};
