import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import {
  emptyRoot,
  leafHash,
  nodeHash,
  rootOfInclusion,
  verifyConsistency,
  verifyInclusion,
} from "../../src/formats/merkle.ts";
import {
  consistencyPath,
  foldNodes,
  inclusionPath,
  nodesCompletedBy,
  rootNodes,
  type TreeNode,
} from "../../src/formats/merkle-nodes.ts";

const VECTORS = fileURLToPath(new URL("../../../shared/vectors/merkle", import.meta.url));
const skip = existsSync(VECTORS) ? false : `${VECTORS} is not there`;

type InclusionVector = {
  leafIdx: number;
  treeSize: number;
  root: string | null;
  leafHash: string | null;
  proof: string[] | null;
  wantErr: boolean;
};
type ConsistencyVector = {
  size1: number;
  size2: number;
  root1: string | null;
  root2: string | null;
  proof: string[] | null;
  wantErr: boolean;
};

const bytes = (text: string | null): Uint8Array => Buffer.from(text ?? "", "base64");

const readVectors = <T>(kind: string): { name: string; vector: T }[] =>
  globSync(`${VECTORS}/${kind}/**/*.json`).map((file) => ({
    name: `${basename(dirname(file))}/${basename(file)}`,
    vector: JSON.parse(
      // Numbers up to 2^64-1 in these files do not survive JSON.parse.
      readFileSync(file, "utf8").replace(/: (\d{16,})/g, ': "$1"'),
    ) as T,
  }));

test("inclusion: the published vectors", { skip }, () => {
  const vectors = readVectors<InclusionVector>("inclusion");
  assert.ok(vectors.length > 90);
  for (const { name, vector } of vectors) {
    const result = verifyInclusion(
      bytes(vector.leafHash),
      BigInt(vector.leafIdx),
      BigInt(vector.treeSize),
      (vector.proof ?? []).map(bytes),
      bytes(vector.root),
    );
    assert.equal(result.ok, !vector.wantErr, `${name}: ${JSON.stringify(result)}`);
    if (!result.ok) assert.equal(result.error.code, "TLOG_INCLUSION");
  }
});

test("consistency: the published vectors", { skip }, () => {
  const vectors = readVectors<ConsistencyVector>("consistency");
  assert.ok(vectors.length > 90);
  for (const { name, vector } of vectors) {
    const result = verifyConsistency(
      { size: BigInt(vector.size1), root: bytes(vector.root1) },
      { size: BigInt(vector.size2), root: bytes(vector.root2) },
      (vector.proof ?? []).map(bytes),
    );
    // A few vectors accept roots of other lengths than a SHA-256 has; we do not.
    const rootsAreHashes = [vector.root1, vector.root2].every((root) => bytes(root).length === 32);
    const want = !vector.wantErr && rootsAreHashes;
    assert.equal(result.ok, want, `${name}: ${JSON.stringify(result)}`);
    if (!result.ok) assert.equal(result.error.code, "TLOG_CONSISTENCY");
  }
});

/** The definition of RFC 6962 §2.1, word for word. */
const definedRoot = (leaves: readonly Sha256[]): Sha256 => {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)));
};

const leafOf = (index: number): Sha256 => leafHash(Uint8Array.of(index & 255, index >> 8));
const LEAVES = Array.from({ length: 300 }, (_, index) => leafOf(index));

/** A store that only holds full subtrees, filled leaf by leaf as a log fills it. */
const STORE = new Map<string, Sha256>();
for (const [index, leaf] of LEAVES.entries()) {
  for (const node of nodesCompletedBy(index)) {
    const child = (side: number) => STORE.get(`${node.level - 1}/${node.index * 2 + side}`)!;
    const hash = node.level === 0 ? leaf : nodeHash(child(0), child(1));
    STORE.set(`${node.level}/${node.index}`, hash);
  }
}
const fold = (nodes: readonly TreeNode[]): Sha256 =>
  foldNodes(nodes.map(({ level, index }) => STORE.get(`${level}/${index}`)!));

test("the empty root and a one-leaf root are those of RFC 6962", () => {
  assert.equal(
    hex(emptyRoot()),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  assert.equal(
    hex(leafHash(new Uint8Array(0))),
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
});

test("stored nodes give the defined root at every size", () => {
  for (let size = 0; size <= LEAVES.length; size += 1) {
    assert.equal(hex(fold(rootNodes(size))), hex(definedRoot(LEAVES.slice(0, size))), `${size}`);
  }
});

test("paths over stored nodes verify for every leaf of every size up to 70", () => {
  for (let size = 1; size <= 70; size += 1) {
    const root = fold(rootNodes(size));
    for (let index = 0; index < size; index += 1) {
      const proof = inclusionPath(index, size).map(fold);
      const result = verifyInclusion(LEAVES[index]!, BigInt(index), BigInt(size), proof, root);
      assert.ok(result.ok, `${index} of ${size}`);
    }
  }
});

const headOf = (size: number) => ({ size: BigInt(size), root: fold(rootNodes(size)) });

test("consistency paths verify between all sizes up to 70", () => {
  for (let newer = 0; newer <= 70; newer += 1) {
    for (let older = 0; older <= newer; older += 1) {
      const proof = consistencyPath(older, newer).map(fold);
      const result = verifyConsistency(headOf(older), headOf(newer), proof);
      assert.ok(result.ok, `${older} to ${newer}: ${JSON.stringify(result)}`);
    }
  }
});

test("no proof survives a flipped bit, a lost, an added or a moved hash", () => {
  const tree = fc.integer({ min: 2, max: 300 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.integer({ min: 0, max: size - 1 }),
      bit: fc.nat(255),
      at: fc.nat(20),
      change: fc.constantFrom("flip", "drop", "repeat", "index", "size"),
    }),
  );
  const property = fc.property(tree, ({ size, index, bit, at, change }) => {
    const proof = inclusionPath(index, size).map(fold);
    const place = at % proof.length;
    const flipped = proof[place]!.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const changed = {
      flip: proof.with(place, flipped as Sha256),
      drop: proof.toSpliced(place, 1),
      repeat: proof.toSpliced(place, 0, proof[place]!),
      index: proof,
      size: proof,
    }[change];
    const result = verifyInclusion(
      LEAVES[index]!,
      BigInt(change === "index" ? (index + 1) % size : index),
      BigInt(change === "size" ? size * 2 : size),
      changed,
      fold(rootNodes(size)),
    );
    assert.ok(!result.ok);
  });
  fc.assert(property, { numRuns: 300 });
});

test("a consistency proof does not survive a flipped bit, a lost or an added hash", () => {
  const trees = fc.integer({ min: 2, max: 300 }).chain((newer) =>
    fc.record({
      newer: fc.constant(newer),
      older: fc.integer({ min: 1, max: newer - 1 }),
      bit: fc.nat(255),
      at: fc.nat(20),
      change: fc.constantFrom("flip", "drop", "repeat"),
    }),
  );
  const property = fc.property(trees, ({ older, newer, bit, at, change }) => {
    const proof = consistencyPath(older, newer).map(fold);
    const place = at % proof.length;
    const flipped = proof[place]!.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const changed = {
      flip: proof.with(place, flipped as Sha256),
      drop: proof.toSpliced(place, 1),
      repeat: proof.toSpliced(place, 0, proof[place]!),
    }[change];
    assert.ok(!verifyConsistency(headOf(older), headOf(newer), changed).ok);
  });
  fc.assert(property, { numRuns: 300 });
});

test("indexes and sizes beyond an int64, and beyond 2^53, are counted exactly", () => {
  const big = 2n ** 53n + 1n;
  assert.ok(!rootOfInclusion(LEAVES[0]!, 0n, 2n ** 63n, []).ok);
  assert.ok(!rootOfInclusion(LEAVES[0]!, -1n, 1n, []).ok);
  const proof = Array.from({ length: 54 }, () => LEAVES[0]!);
  assert.ok(rootOfInclusion(LEAVES[0]!, 1n, big, proof).ok);
  // The last leaf of 2^53 + 1 hangs directly under the root.
  assert.ok(rootOfInclusion(LEAVES[0]!, big - 1n, big, [LEAVES[0]!]).ok);
});

test("levels are whole numbers at every power of two", () => {
  for (let level = 0; level <= 52; level += 1) {
    assert.deepEqual(rootNodes(2 ** level), [{ level, index: 0 }]);
  }
});
