import type { KeyAlgorithm, PublicKey } from "../crypto/keys.ts";
import { hex } from "../formats/bytes.ts";
import { sha256 } from "./crypto-hash.ts";

type Kind = {
  readonly algorithm: KeyAlgorithm;
  readonly bits: number;
  /** Hexadecimal of the DER before the key's own bytes, which tells the algorithm and all lengths. */
  readonly prefix: string;
  readonly keyBytes: number;
};

/** SubjectPublicKeyInfo of curves has one form each (RFC 5480 §2, uncompressed; RFC 8410 §4). */
const KINDS: readonly Kind[] = [
  {
    algorithm: "ecdsa-p256",
    bits: 256,
    prefix: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    keyBytes: 65,
  },
  {
    algorithm: "ecdsa-p384",
    bits: 384,
    prefix: "3076301006072a8648ce3d020106052b81040022036200",
    keyBytes: 97,
  },
  {
    algorithm: "ecdsa-p521",
    bits: 521,
    prefix: "30819b301006072a8648ce3d020106052b8104002303818600",
    keyBytes: 133,
  },
  { algorithm: "ed25519", bits: 256, prefix: "302a300506032b6570032100", keyBytes: 32 },
];

/** SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { modulus … (RFC 8017 §A.1.1). */
const RSA =
  /^3082(....)300d06092a864886f70d01010105000382(....)003082(....)0282(....)(00[89a-f]|[1-7])/;
const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 8192;

const rsaBits = (spki: Uint8Array): number | undefined => {
  const text = hex(spki);
  const [, whole = "", string = "", inner = "", modulus = "", first = ""] = RSA.exec(text) ?? [];
  const ends = [
    [whole, 4],
    [string, 23],
    [inner, 28],
  ] as const;
  if (!ends.every(([length, at]) => Number.parseInt(length, 16) + at === spki.length)) {
    return undefined;
  }
  const zero = first.startsWith("00") ? 1 : 0;
  const top = Number.parseInt(text.slice(64 + 2 * zero, 66 + 2 * zero), 16);
  return 8 * (Number.parseInt(modulus, 16) - zero - 1) + (32 - Math.clz32(top));
};

const describe = (spki: Uint8Array): Pick<PublicKey, "algorithm" | "bits"> | undefined => {
  const kind = KINDS.find(
    ({ prefix, keyBytes }) =>
      spki.length === prefix.length / 2 + keyBytes &&
      hex(spki.subarray(0, prefix.length / 2)) === prefix,
  );
  if (kind !== undefined) return { algorithm: kind.algorithm, bits: kind.bits };
  const bits = rsaBits(spki) ?? 0;
  return bits >= LEAST_RSA_BITS && bits <= MOST_RSA_BITS
    ? { algorithm: "rsa-pkcs1v15", bits }
    : undefined;
};

/**
 * As `importPublicKey` of crypto/keys.ts. Only the common forms of these keys are taken: others,
 * which a platform might know too, are refused. That a point is on its curve is seen when it is used (crypto-verify.ts).
 */
export const importPublicKey = (spki: Uint8Array): PublicKey | undefined => {
  const described = describe(spki);
  if (described === undefined) return undefined;
  // The platform's key object has no counterpart here; verifying takes the bytes.
  const key: Omit<PublicKey, "handle"> = { ...described, spki: spki.slice(), keyId: sha256(spki) };
  return key as PublicKey;
};
