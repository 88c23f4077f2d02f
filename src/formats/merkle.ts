import { type Sha256, sha256 } from "../crypto/hash.ts";
import { concat, equal } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** SHA-256(0x00 || leaf): RFC 6962 §2.1. */
export const leafHash = (leaf: Uint8Array): Sha256 => sha256(concat(LEAF, leaf));

/** SHA-256(0x01 || left || right): RFC 6962 §2.1. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Sha256 =>
  sha256(concat(NODE, left, right));

/** The root of the tree without leaves: SHA-256 of nothing. */
export const emptyRoot = (): Sha256 => sha256(new Uint8Array(0));

/** Tree sizes and indexes end below this: the limit of an int64 on the wire. */
const MAX_SIZE = 1n << 63n;

const HASH_BYTES = 32;

const areHashes = (hashes: readonly Uint8Array[]): boolean =>
  hashes.every((hash) => hash.length === HASH_BYTES);

/**
 * The root to which an inclusion proof leads.
 *
 * @param leaf - the leaf's hash, 32 bytes
 * @param proof - sibling hashes from the leaf to the root, 32 bytes each
 * @returns `TLOG_INCLUSION` for an index outside the tree, or a proof of the wrong length
 * @see RFC 9162 §2.1.3.2
 */
export const rootOfInclusion = (
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
): Result<Sha256> => {
  if (index < 0n || index >= size || size >= MAX_SIZE) {
    return fail("TLOG_INCLUSION", `leaf ${index} cannot be in a tree of ${size}`);
  }
  if (!areHashes([leaf, ...proof])) return fail("TLOG_INCLUSION", "a hash is not 32 bytes long");
  let place = index;
  let last = size - 1n;
  let root = leaf;
  for (const sibling of proof) {
    if (last === 0n) return fail("TLOG_INCLUSION", "the inclusion proof is too long");
    if ((place & 1n) === 1n || place === last) {
      root = nodeHash(sibling, root);
      while ((place & 1n) === 0n && place !== 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      root = nodeHash(root, sibling);
    }
    place >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) return fail("TLOG_INCLUSION", "the inclusion proof is too short");
  return ok(root as Sha256);
};

/**
 * Proves that the leaf is at `index` in the tree of `size` leaves with this `root`.
 *
 * @returns `TLOG_INCLUSION` if the path leads to another root
 * @see RFC 9162 §2.1.3.2
 */
export const verifyInclusion = (
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): Result<undefined> => {
  const reached = rootOfInclusion(leaf, index, size, proof);
  if (!reached.ok) return reached;
  if (equal(reached.value, root)) return ok(undefined);
  return fail("TLOG_INCLUSION", `leaf ${index} of ${size}: the proof leads to another root`);
};

/** A tree as a checkpoint states it. */
export type TreeHead = { readonly size: bigint; readonly root: Uint8Array };

const inconsistent = (older: TreeHead, newer: TreeHead, why: string) =>
  fail("TLOG_CONSISTENCY", `from size ${older.size} to ${newer.size}: ${why}`);

/**
 * Proves that `newer` holds the leaves of `older` as its first leaves, unchanged.
 * From an empty tree, and between equal sizes, the proof must be empty.
 *
 * @param proof - 32 bytes each, in the order of RFC 6962 §2.1.2
 * @returns `TLOG_CONSISTENCY` if that is not proven
 * @see RFC 9162 §2.1.4.2
 */
export const verifyConsistency = (
  older: TreeHead,
  newer: TreeHead,
  proof: readonly Uint8Array[],
): Result<undefined> => {
  if (older.size < 0n || older.size > newer.size || newer.size >= MAX_SIZE) {
    return inconsistent(older, newer, "the tree shrank, or a size is out of range");
  }
  if (!areHashes([older.root, newer.root, ...proof])) {
    return inconsistent(older, newer, "a hash is not 32 bytes long");
  }
  if (older.size === 0n && !equal(older.root, emptyRoot())) {
    return inconsistent(older, newer, "the empty tree has another root");
  }
  if (older.size === 0n || older.size === newer.size) {
    if (proof.length > 0) return inconsistent(older, newer, "the proof should be empty");
    const same = older.size < newer.size || equal(older.root, newer.root);
    return same ? ok(undefined) : inconsistent(older, newer, "the roots differ");
  }
  return replayConsistency(older, newer, proof);
};

/** The loop of RFC 9162 §2.1.4.2, for 0 < older.size < newer.size. */
const replayConsistency = (
  older: TreeHead,
  newer: TreeHead,
  proof: readonly Uint8Array[],
): Result<undefined> => {
  const powerOfTwo = (older.size & (older.size - 1n)) === 0n;
  const [first, ...rest] = powerOfTwo ? [older.root, ...proof] : proof;
  if (first === undefined) return inconsistent(older, newer, "the proof is empty");
  let place = older.size - 1n;
  let last = newer.size - 1n;
  const rise = (): void => {
    place >>= 1n;
    last >>= 1n;
  };
  while ((place & 1n) === 1n) rise();
  let olderRoot = first;
  let newerRoot = first;
  for (const hash of rest) {
    if (last === 0n) return inconsistent(older, newer, "the proof is too long");
    if ((place & 1n) === 1n || place === last) {
      olderRoot = nodeHash(hash, olderRoot);
      newerRoot = nodeHash(hash, newerRoot);
      while ((place & 1n) === 0n && place !== 0n) rise();
    } else {
      newerRoot = nodeHash(newerRoot, hash);
    }
    rise();
  }
  if (last !== 0n) return inconsistent(older, newer, "the proof is too short");
  const proven = equal(olderRoot, older.root) && equal(newerRoot, newer.root);
  return proven ? ok(undefined) : inconsistent(older, newer, "the proof leads to other roots");
};
