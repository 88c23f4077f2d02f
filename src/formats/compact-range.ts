import type { Sha256 } from "../crypto/hash.ts";
import { nodeHash } from "./merkle.ts";
import { foldNodes, rootNodes } from "./merkle-nodes.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * The first `size` leaves of a tree, kept as the roots of the full subtrees that make them up,
 * left-most and largest first: enough to add leaves and to know the root, and no more than 53.
 */
export type CompactRange = { readonly size: number; readonly hashes: readonly Sha256[] };

export const EMPTY_RANGE: CompactRange = { size: 0, hashes: [] };

const HASH_BYTES = 32;

/**
 * A range of that size made of `hashes`, which somebody else gave: as many as the size asks for,
 * 32 bytes each. Whether they are those of a tree is for its root to say.
 *
 * @returns `TLOG_INCLUSION`
 */
export const compactRange = (size: number, hashes: readonly Uint8Array[]): Result<CompactRange> => {
  const wanted = rootNodes(size).length;
  if (hashes.length !== wanted || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    const found = `${hashes.length} hashes`;
    return fail("TLOG_INCLUSION", `${size} leaves are ${wanted} hashes of 32 bytes, not ${found}`);
  }
  return ok({ size, hashes: hashes as readonly Sha256[] });
};

/** The range with one more leaf; `leaf` is its hash. */
export const appendLeaf = ({ size, hashes }: CompactRange, leaf: Sha256): CompactRange => {
  let last = leaf;
  let kept = hashes.length;
  for (let count = size; count % 2 === 1; count = (count - 1) / 2) {
    kept -= 1;
    last = nodeHash(hashes[kept] as Sha256, last);
  }
  return { size: size + 1, hashes: [...hashes.slice(0, kept), last] };
};

/** The root of the tree that consists of these leaves alone (RFC 6962 §2.1). */
export const rangeRoot = ({ hashes }: CompactRange): Sha256 => foldNodes(hashes);

/**
 * The leaves before `index`, taken out of the inclusion proof of leaf `index` in a tree of `size`:
 * its left siblings are just their full subtrees. Nothing is verified but the number of hashes.
 *
 * @param proof - from the leaf's sibling up (RFC 6962 §2.1.1)
 * @returns `TLOG_INCLUSION` for a proof that cannot be of this leaf
 */
export const rangeBefore = (
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Result<CompactRange> => {
  if (index < 0 || index >= size) {
    return fail("TLOG_INCLUSION", `leaf ${index} cannot be in a tree of ${size}`);
  }
  const left: Uint8Array[] = [];
  let place = index;
  let last = size - 1;
  const rise = (): void => {
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  };
  for (const sibling of proof) {
    if (place % 2 === 1 || place === last) {
      left.push(sibling);
      while (place % 2 === 0 && place !== 0) rise();
    }
    rise();
  }
  return compactRange(index, left.reverse());
};
