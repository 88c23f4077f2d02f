import type { HashName } from "../crypto/hash.ts";
import { importPublicKey, type KeyAlgorithm, type PublicKey } from "../crypto/keys.ts";
import { verifySignature } from "../crypto/verify.ts";
import { utf8 } from "../formats/bytes.ts";
import { readCsr } from "../formats/csr.ts";
import { type PemLabel, parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/** How a caller shows that it has the private half of the key to be certified. */
export type KeyProof =
  | {
      readonly kind: "signature";
      /** PEM SubjectPublicKeyInfo. */
      readonly publicKey: string;
      /** Over the token's `sub`. */
      readonly signature: Uint8Array;
    }
  | {
      readonly kind: "csr";
      /** PEM PKCS #10. */
      readonly request: string;
    };

const MAX_PEM = 16 * 1024;
const MAX_SIGNATURE = 1024;
const MAX_RSA_BITS = 4096;

/** Fulcio's proofs are over SHA-256 for every key; newer clients use the curve's own hash. */
const HASHES: Record<KeyAlgorithm, readonly HashName[]> = {
  "ecdsa-p256": ["sha256"],
  "ecdsa-p384": ["sha384", "sha256"],
  "ecdsa-p521": ["sha512", "sha256"],
  ed25519: ["sha512"],
  "rsa-pkcs1v15": ["sha256"],
};

/**
 * The public key that a proof is for: ECDSA P-256, P-384 or P-521, Ed25519, or RSA of 2048 to
 * 4096 bits.
 *
 * Fails with KEY_FORMAT, CSR_FORMAT or SIGNATURE_INVALID.
 */
export const provenKey = async (proof: KeyProof, subject: string): Promise<Result<PublicKey>> => {
  switch (proof.kind) {
    case "csr": {
      const der = readPem("CERTIFICATE REQUEST", proof.request);
      const key = der.ok
        ? await readCsr(der.value)
        : fail("CSR_FORMAT", `the signing request is refused: ${der.error.message}`);
      return key.ok ? strongEnough(key.value) : key;
    }
    case "signature": {
      const key = readKey(proof.publicKey);
      if (!key.ok) return key;
      return (await signs(key.value, proof.signature, utf8(subject)))
        ? key
        : fail(
            "SIGNATURE_INVALID",
            "the proof of possession is not a signature over the token's sub",
          );
    }
    default:
      return proof satisfies never;
  }
};

const readPem = (label: PemLabel, text: string): Result<Uint8Array> => {
  if (text.length > MAX_PEM) return fail("FORMAT_PEM", "the PEM is too large");
  const blocks = parsePem(text, label);
  if (!blocks.ok) return blocks;
  const [only, more] = blocks.value;
  return only === undefined || more !== undefined
    ? fail("FORMAT_PEM", `there is not exactly one ${label}`)
    : ok(only);
};

const readKey = (pem: string): Result<PublicKey> => {
  const spki = readPem("PUBLIC KEY", pem);
  const key = spki.ok ? importPublicKey(spki.value) : undefined;
  return key === undefined
    ? fail("KEY_FORMAT", "the public key supplied in the request could not be parsed")
    : strongEnough(key);
};

const strongEnough = (key: PublicKey): Result<PublicKey> =>
  key.algorithm === "rsa-pkcs1v15" && key.bits > MAX_RSA_BITS
    ? fail("KEY_FORMAT", `RSA keys above ${MAX_RSA_BITS} bits are not certified`)
    : ok(key);

const signs = async (
  key: PublicKey,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> => {
  if (signature.length > MAX_SIGNATURE) return false;
  for (const hash of HASHES[key.algorithm]) {
    if (await verifySignature(key, hash, signature, message)) return true;
  }
  return false;
};
