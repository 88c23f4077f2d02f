import type { Sha256 } from "../crypto/hash.ts";
import { nodeHash } from "../formats/merkle.ts";
import { consistencyPath, foldNodes, inclusionPath, rootNodes } from "../formats/merkle-nodes.ts";

/** The hash of the full subtree `index` of height `level`: leaves are level 0. */
export type ReadNode = (level: number, index: number) => Sha256;

/**
 * Where the hash of a full subtree stands when every hash is written down as soon as it is
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

type Steps = ReturnType<typeof inclusionPath>;

const fold = (nodes: Steps[number], read: ReadNode): Sha256 =>
  foldNodes(nodes.map(({ level, index }) => read(level, index)));

export const rootOf = (size: number, read: ReadNode): Sha256 => fold(rootNodes(size), read);

/** PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf's sibling to the root. */
export const inclusionProofOf = (index: number, size: number, read: ReadNode): Sha256[] =>
  inclusionPath(index, size).map((nodes) => fold(nodes, read));

/** PROOF(first, D[size]) of RFC 6962 §2.1.2; empty for 0 and for `size` itself. */
export const consistencyProofOf = (first: number, size: number, read: ReadNode): Sha256[] =>
  consistencyPath(first, size).map((nodes) => fold(nodes, read));

/** Adds leaf hashes one by one, telling each hash that becomes known. */
export type Frontier = {
  add(index: number, hash: Sha256, tell: (position: number, hash: Sha256) => void): void;
  /** The full subtrees of which the tree, as it is now, consists; no others. */
  readonly open: ReadNode;
};

/** `read` is asked once, for the full subtrees left open by the first `size` leaves. */
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
      hash = nodeHash(left, hash);
      open[level] = undefined;
      level += 1;
      position += 1;
      tell(position, hash);
    }
    open[level] = hash;
  };
  const fromOpen: ReadNode = (level, index) => {
    const hash = open[level];
    if (hash === undefined) throw new Error(`subtree ${level}/${index} is not on the frontier`);
    return hash;
  };
  return { add, open: fromOpen };
};
