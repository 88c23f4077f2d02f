import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { bigEndian, concat, fromBigEndian } from "../formats/bytes.ts";
import type { Precertificate } from "./ca.ts";
import type { TreeHead } from "./note-writer.ts";

const V1 = 0;
const TIMESTAMPED_ENTRY = 0;
const PRECERT_ENTRY = 1;
const TREE_HASH = 1;
const SHA256 = 4;
const ECDSA = 3;
const NO_EXTENSIONS = bigEndian(0, 2);

/** An opaque vector with a length of `bytes` bytes in front (RFC 8446 §3.4). */
const vector = (content: Uint8Array, bytes: number): Uint8Array =>
  concat(bigEndian(content.length, bytes), content);

/**
 * MerkleTreeLeaf of a precertificate (RFC 6962 §3.4). Its bytes are also those that the SCT's
 * signature is over (§3.2): both structures begin with two zero bytes.
 *
 * @param timestamp - milliseconds since 1970
 */
export const precertificateLeaf = (
  { issuerKeyHash, tbs }: Precertificate,
  timestamp: number,
): Uint8Array =>
  concat(
    Uint8Array.of(V1, TIMESTAMPED_ENTRY),
    bigEndian(timestamp, 8),
    bigEndian(PRECERT_ENTRY, 2),
    issuerKeyHash,
    vector(tbs, 3),
    NO_EXTENSIONS,
  );

/** The timestamp in a leaf: milliseconds since 1970. */
export const leafTimestamp = (leaf: Uint8Array): number =>
  Number(fromBigEndian(leaf.subarray(2, 10)));

/** PrecertChainEntry (RFC 6962 §3.1), the extra_data of an entry: for who reads the log. */
export const precertificateChain = ({ chain: [signed, ...issuers] }: Precertificate): Uint8Array =>
  concat(
    vector(signed ?? new Uint8Array(0), 3),
    vector(concat(...issuers.map((certificate) => vector(certificate, 3))), 3),
  );

/** DigitallySigned with SHA-256 and ECDSA (RFC 5246 §4.7). */
const digitallySigned = (key: PrivateKey, message: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(SHA256, ECDSA), vector(sign(key, "sha256", message), 2));

/** SignedCertificateTimestamp (RFC 6962 §3.2) for a leaf that is in the log. */
export const signSct = (key: PrivateKey, leaf: Uint8Array): Uint8Array =>
  concat(
    Uint8Array.of(V1),
    key.publicKey.keyId,
    leaf.subarray(2, 10),
    NO_EXTENSIONS,
    digitallySigned(key, leaf),
  );

/** The signature of a signed tree head (RFC 6962 §3.5). */
export const signTreeHead = (key: PrivateKey, { size, root }: TreeHead, timestamp: number) =>
  digitallySigned(
    key,
    concat(Uint8Array.of(V1, TREE_HASH), bigEndian(timestamp, 8), bigEndian(size, 8), root),
  );
