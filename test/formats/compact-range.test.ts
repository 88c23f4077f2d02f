import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Sha256 } from "../../src/crypto/hash.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import {
  appendLeaf,
  type CompactRange,
  compactRange,
  EMPTY_RANGE,
  rangeBefore,
  rangeRoot,
} from "../../src/formats/compact-range.ts";
import { emptyRoot, leafHash, nodeHash } from "../../src/formats/merkle.ts";
import { foldNodes, inclusionPath, type TreeNode } from "../../src/formats/merkle-nodes.ts";
import { unwrap } from "../../src/formats/result.ts";

const leaves = Array.from({ length: 300 }, (_, n) => leafHash(utf8(`leaf ${n}`)));

/** The definition of RFC 6962 §2.1, word for word. */
const treeHash = (from: number, to: number): Sha256 => {
  if (to === from) return emptyRoot();
  if (to - from === 1) return leaves[from] as Sha256;
  let split = 1;
  while (split * 2 < to - from) split *= 2;
  return nodeHash(treeHash(from, from + split), treeHash(from + split, to));
};

const rangeOf = (size: number): CompactRange =>
  leaves.slice(0, size).reduce(appendLeaf, EMPTY_RANGE);

const hashOf = ({ level, index }: TreeNode): Sha256 =>
  treeHash(index * 2 ** level, (index + 1) * 2 ** level);

test("a range has the root of the tree of its leaves, at every size", () => {
  for (let size = 0; size <= leaves.length; size += 1) {
    assert.deepEqual(rangeRoot(rangeOf(size)), treeHash(0, size), `size ${size}`);
  }
});

test("what is before a leaf comes out of its inclusion proof in any larger tree", () => {
  const sizes = fc
    .integer({ min: 1, max: 300 })
    .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));
  const check = ([size, index]: [number, number]) => {
    const proof = inclusionPath(index, size).map((step) => foldNodes(step.map(hashOf)));
    assert.deepEqual(unwrap(rangeBefore(index, size, proof)), rangeOf(index));
  };
  fc.assert(fc.property(sizes, check), { numRuns: 200 });
});

test("hashes that cannot be of that size are refused", () => {
  const { hashes } = rangeOf(7);
  assert.deepEqual(compactRange(7, hashes), { ok: true, value: rangeOf(7) });
  for (const [size, given] of [
    [8, hashes],
    [6, hashes],
    [7, hashes.slice(1)],
    [7, hashes.map((hash) => hash.subarray(1))],
  ] as const) {
    const refused = compactRange(size, given);
    assert.equal(refused.ok ? "" : refused.error.code, "TLOG_INCLUSION");
  }
  for (const [index, size] of [
    [3, 3],
    [-1, 3],
    [2, 3],
  ] as const) {
    const refused = rangeBefore(index, size, []);
    assert.equal(refused.ok ? "" : refused.error.code, "TLOG_INCLUSION");
  }
});
