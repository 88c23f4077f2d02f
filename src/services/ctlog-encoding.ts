import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { bigEndian, concat, fromBigEndian } from "../formats/bytes.ts";
import { sctSignedBytes, serializeSct } from "../formats/sct.ts";
import type { Precertificate } from "./ca.ts";
import type { TreeHead } from "./note-writer.ts";

const NONE = new Uint8Array(0);

/**
 * MerkleTreeLeaf of a precertificate (RFC 6962 §3.4).
 * @param timestamp - milliseconds since 1970
 */
export const precertificateLeaf = (
  { issuerKeyHash, tbs }: Precertificate,
  timestamp: number,
): Uint8Array =>
  sctSignedBytes(
    { timestamp: BigInt(timestamp), extensions: NONE },
    { kind: "precert", issuerKeyHash, tbs },
  );

/** The timestamp in a leaf: milliseconds since 1970. */
export const leafTimestamp = (leaf: Uint8Array): bigint => fromBigEndian(leaf.subarray(2, 10));

/** An opaque vector with its length in three bytes in front. */
const vector24 = (content: Uint8Array): Uint8Array => concat(bigEndian(content.length, 3), content);

/** PrecertChainEntry (RFC 6962 §3.1), the extra_data of an entry: for who reads the log. */
export const precertificateChain = ({ chain: [signed = NONE, ...issuers] }: Precertificate) =>
  concat(vector24(signed), vector24(concat(...issuers.map(vector24))));

/** SignedCertificateTimestamp (RFC 6962 §3.2), serialised, for a leaf that is in the log. */
export const signSct = (key: PrivateKey, leaf: Uint8Array): Uint8Array =>
  serializeSct({
    logId: key.publicKey.keyId,
    timestamp: leafTimestamp(leaf),
    extensions: NONE,
    hash: "sha256",
    algorithm: "ecdsa",
    signature: sign(key, "sha256", leaf),
  });

const TREE_HASH = 1;
const SHA256_ECDSA = Uint8Array.of(4, 3);

/** The signature of a signed tree head (RFC 6962 §3.5), as DigitallySigned. */
export const signTreeHead = (
  key: PrivateKey,
  { size, root }: TreeHead,
  timestamp: number,
): Uint8Array => {
  const head = [Uint8Array.of(0, TREE_HASH), bigEndian(timestamp, 8), bigEndian(size, 8), root];
  const signature = sign(key, "sha256", concat(...head));
  return concat(SHA256_ECDSA, bigEndian(signature.length, 2), signature);
};
