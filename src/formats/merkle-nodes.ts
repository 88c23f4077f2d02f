import type { Sha256 } from "../crypto/hash.ts";
import { emptyRoot, nodeHash } from "./merkle.ts";

/**
 * The root of a full subtree: of the leaves `index * 2^level` up to `(index + 1) * 2^level`.
 * Level 0 is the leaf hashes. Numbers are exact up to 2^53 leaves.
 */
export type TreeNode = { readonly level: number; readonly index: number };

/** The largest power of two below `count`, for a count of 2 or more: where RFC 6962 splits. */
const splitOf = (count: number): number => {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
};

/** The full subtrees that make up the leaves from `begin` to below `end`, from left to right. */
const nodesOf = (begin: number, end: number): TreeNode[] => {
  const nodes: TreeNode[] = [];
  for (let at = begin; at < end; ) {
    const count = splitOf(end - at + 1);
    nodes.push({ level: Math.log2(count), index: at / count });
    at += count;
  }
  return nodes;
};

/**
 * Which stored nodes give the root of the tree of `size` leaves: hash them with {@link foldNodes}.
 * Empty for size 0.
 */
export const rootNodes = (size: number): TreeNode[] => nodesOf(0, size);

/** The root over adjacent subtrees, largest and left-most first; of none, the empty root. */
export const foldNodes = (hashes: readonly Sha256[]): Sha256 => {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
};

/**
 * Where the hashes of an inclusion proof come from, in the order of the proof. Each step is one
 * hash: the stored nodes named, folded with {@link foldNodes}; more than one only for the ragged
 * right edge of the tree.
 *
 * @param index - below `size`
 * @see RFC 6962 §2.1.1
 */
export const inclusionPath = (index: number, size: number): TreeNode[][] => {
  if (index < 0 || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const steps: TreeNode[][] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    steps.push(index < middle ? nodesOf(middle, end) : nodesOf(begin, middle));
    if (index < middle) end = middle;
    else begin = middle;
  }
  return steps.reverse();
};

/**
 * Where the hashes of a consistency proof come from, as for {@link inclusionPath}. Empty from
 * size 0 and between equal sizes.
 *
 * @param older - at most `newer`
 * @see RFC 6962 §2.1.2
 */
export const consistencyPath = (older: number, newer: number): TreeNode[][] => {
  if (older < 0 || older > newer) throw new RangeError(`no proof from ${older} to ${newer}`);
  const steps: TreeNode[][] = [];
  if (older === 0) return steps;
  let begin = 0;
  let end = newer;
  while (older < end) {
    const middle = begin + splitOf(end - begin);
    steps.push(older <= middle ? nodesOf(middle, end) : nodesOf(begin, middle));
    if (older <= middle) end = middle;
    else begin = middle;
  }
  // Where the older tree is one full subtree its root is known to the verifier and left out.
  if (begin > 0) steps.push(nodesOf(begin, end));
  return steps.reverse();
};

/** The nodes that become full by adding leaf `index`, from the leaf upwards. */
export const nodesCompletedBy = (index: number): TreeNode[] => {
  const nodes: TreeNode[] = [{ level: 0, index }];
  for (let level = 1, count = index + 1; count % 2 === 0; level += 1) {
    count /= 2;
    nodes.push({ level, index: count - 1 });
  }
  return nodes;
};
