import { type Sha256, sha256 } from "../crypto/hash.ts";

/** The hash of the complete subtree `index` of height `level`: leaves are level 0. */
export type ReadNode = (level: number, index: number) => Sha256;

const LEAF = 0;
const NODE = 1;

/** SHA-256(0x00 || leaf), RFC 6962 §2.1. */
export const hashLeaf = (leaf: Uint8Array): Sha256 => {
  const input = new Uint8Array(1 + leaf.length);
  input[0] = LEAF;
  input.set(leaf, 1);
  return sha256(input);
};

/** SHA-256(0x01 || left || right), RFC 6962 §2.1. */
export const hashNode = (left: Uint8Array, right: Uint8Array): Sha256 => {
  const input = new Uint8Array(65);
  input[0] = NODE;
  input.set(left, 1);
  input.set(right, 33);
  return sha256(input);
};

/** The root of the tree without leaves. */
export const EMPTY_ROOT = sha256(new Uint8Array(0));

/**
 * Where the hash of a complete subtree stands when every hash is written down as soon as it is
 * known: after leaf 0 its hash, after leaf 1 its hash and that of both, and so on. Numbers, not
 * shifts: an index may pass 2^31.
 */
export const storedPosition = (level: number, index: number): number => {
  let position = level;
  for (let rest = index * 2 ** level + 2 ** level - 1; rest > 0; rest = Math.floor(rest / 2)) {
    position += rest;
  }
  return position;
};

/** How many hashes are written down for `size` leaves. */
export const storedCount = (size: number): number => storedPosition(0, size);

/** The largest power of two below `count`, which is at least 2. */
const split = (count: number): number => {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
};

/** The hash over the leaves from `start` up to, not including, `end`. `start` suits the split. */
export const rangeHash = (start: number, end: number, read: ReadNode): Sha256 => {
  const count = end - start;
  const level = Math.log2(count);
  if (Number.isInteger(level)) return read(level, start / count);
  const middle = start + split(count);
  return hashNode(rangeHash(start, middle, read), rangeHash(middle, end, read));
};

export const rootHash = (size: number, read: ReadNode): Sha256 =>
  size === 0 ? EMPTY_ROOT : rangeHash(0, size, read);

/** PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf's sibling to the root. */
export const inclusionPath = (index: number, size: number, read: ReadNode): Sha256[] => {
  const path: Sha256[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.unshift(rangeHash(middle, end, read));
      end = middle;
    } else {
      path.unshift(rangeHash(start, middle, read));
      start = middle;
    }
  }
  return path;
};

/** PROOF(first, D[size]) of RFC 6962 §2.1.2; empty for 0 and for `size` itself. */
export const consistencyPath = (first: number, size: number, read: ReadNode): Sha256[] => {
  const path: Sha256[] = [];
  if (first === 0 || first === size) return path;
  let start = 0;
  let end = size;
  while (first !== end) {
    const middle = start + split(end - start);
    if (first <= middle) {
      path.unshift(rangeHash(middle, end, read));
      end = middle;
    } else {
      path.unshift(rangeHash(start, middle, read));
      start = middle;
    }
  }
  // The old tree's own root is known to whoever asks; any other subtree is not.
  if (start !== 0) path.unshift(rangeHash(start, end, read));
  return path;
};

/** Adds leaf hashes one by one, telling each hash that becomes known. */
export type Frontier = {
  add(index: number, hash: Sha256, tell: (position: number, hash: Sha256) => void): void;
};

/** `read` is asked once, for the complete subtrees left open by the first `size` leaves. */
export const openFrontier = (size: number, read: ReadNode): Frontier => {
  const open: (Sha256 | undefined)[] = [];
  for (let level = 0, rest = size; rest > 0; level += 1, rest = Math.floor(rest / 2)) {
    open[level] = rest % 2 === 1 ? read(level, rest - 1) : undefined;
  }
  const add: Frontier["add"] = (index, leaf, tell) => {
    let hash = leaf;
    let position = storedCount(index);
    tell(position, hash);
    let level = 0;
    for (let left = open[0]; left !== undefined; left = open[level]) {
      hash = hashNode(left, hash);
      open[level] = undefined;
      level += 1;
      position += 1;
      tell(position, hash);
    }
    open[level] = hash;
  };
  return { add };
};
