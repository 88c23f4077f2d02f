import type { Sha256 } from "../../src/crypto/hash.ts";
import type { PrivateKey } from "../../src/crypto/keys.ts";
import { base64, bigEndian, concat, hex } from "../../src/formats/bytes.ts";
import { formatCheckpoint, signNote } from "../../src/formats/checkpoint.ts";
import { emptyRoot, leafHash, nodeHash } from "../../src/formats/merkle.ts";
import { jsonAnswer } from "../clients/fake-outside.ts";
import { LOG_HOST, LOG2_HOST, WORLD } from "../verification/forge.ts";

/** A tree that says what it is told to: its entries may be changed under a signed checkpoint. */
export type FakeTree = {
  /** Rekor v1's id of it. */
  readonly id: string;
  bodies: Uint8Array[];
  /** Entries that are not given out. */
  readonly missing: Set<number>;
  /** Entries that are given out instead of those that were signed for. */
  readonly altered: Map<number, Uint8Array>;
  /** The log's name in its checkpoints, where it is not the forged one. */
  host?: string;
  /** What the checkpoint speaks of, where that is not everything. */
  signedSize?: number;
  key: PrivateKey;
};

export const fakeTree = (
  bodies: Uint8Array[],
  key: PrivateKey = WORLD.log,
  id = "1193050959916656506",
): FakeTree => ({ id, bodies, missing: new Set(), altered: new Map(), key });

/** The hashes of a tree's leaves, and of subtrees that were computed before. */
type Hashed = {
  readonly bodies: readonly Uint8Array[];
  readonly leaves: readonly Sha256[];
  readonly roots: Map<string, Sha256>;
};

const splitOf = (count: number): number => {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
};

/** RFC 6962 §2.1, word for word: another one than the code under test. */
const treeHash = (hashed: Hashed, from: number, to: number): Sha256 => {
  const name = `${from} ${to}`;
  const known = hashed.roots.get(name);
  if (known !== undefined) return known;
  if (to === from) return emptyRoot();
  if (to - from === 1) return hashed.leaves[from] as Sha256;
  const middle = from + splitOf(to - from);
  const root = nodeHash(treeHash(hashed, from, middle), treeHash(hashed, middle, to));
  hashed.roots.set(name, root);
  return root;
};

/** RFC 6962 §2.1.1: PATH(index - from, D[from:to]). */
const inclusion = (hashed: Hashed, index: number, from: number, to: number): Sha256[] => {
  if (to - from === 1) return [];
  const middle = from + splitOf(to - from);
  return index < middle
    ? [...inclusion(hashed, index, from, middle), treeHash(hashed, middle, to)]
    : [...inclusion(hashed, index, middle, to), treeHash(hashed, from, middle)];
};

/** RFC 6962 §2.1.2: SUBPROOF(older - from, D[from:to], known). */
const consistency = (
  hashed: Hashed,
  older: number,
  from: number,
  to: number,
  known = true,
): Sha256[] => {
  if (older === to) return known ? [] : [treeHash(hashed, from, to)];
  const middle = from + splitOf(to - from);
  return older <= middle
    ? [...consistency(hashed, older, from, middle, known), treeHash(hashed, middle, to)]
    : [...consistency(hashed, older, middle, to, false), treeHash(hashed, from, middle)];
};

const CACHE = new WeakMap<FakeTree, Hashed>();

const hashedOf = (tree: FakeTree): Hashed => {
  const { bodies } = tree;
  const cached = CACHE.get(tree);
  const isSame = cached?.bodies.every((body, at) => body === bodies[at]);
  if (cached !== undefined && isSame && cached.bodies.length === bodies.length) return cached;
  const hashed = { bodies: [...bodies], leaves: bodies.map(leafHash), roots: new Map() };
  CACHE.set(tree, hashed);
  return hashed;
};

const rootOf = (tree: FakeTree, size: number): Sha256 => treeHash(hashedOf(tree), 0, size);

const sizeOf = (tree: FakeTree): number => tree.signedSize ?? tree.bodies.length;

export const noteOf = (tree: FakeTree, api: 1 | 2): string => {
  const host = tree.host ?? (api === 1 ? LOG_HOST : LOG2_HOST);
  const size = sizeOf(tree);
  const rootHash = rootOf(tree, size);
  const origin = api === 1 ? `${host} - ${tree.id}` : host;
  const text = formatCheckpoint({ origin, size: BigInt(size), rootHash, extensions: [] });
  return signNote(text, host, tree.key);
};

const notFound = () => jsonAnswer({ code: 404, message: "not found" }, 404);

const given = (tree: FakeTree, index: number): Uint8Array | undefined =>
  tree.missing.has(index) ? undefined : (tree.altered.get(index) ?? tree.bodies[index]);

const state = (tree: FakeTree) => ({
  rootHash: hex(rootOf(tree, sizeOf(tree))),
  signedTreeHead: noteOf(tree, 1),
  treeID: tree.id,
  treeSize: sizeOf(tree),
});

/** Rekor v1 over several trees, the last of which grows. */
const rekorV1 = (trees: readonly FakeTree[]) => {
  const entry = (logIndex: number) => {
    let offset = 0;
    for (const tree of trees) {
      const index = logIndex - offset;
      const body = given(tree, index);
      if (index < tree.bodies.length && body !== undefined) {
        const size = tree.bodies.length;
        const inclusionProof = {
          ...{ logIndex: index, treeSize: size, rootHash: hex(rootOf(tree, size)) },
          hashes: inclusion(hashedOf(tree), index, 0, size).map(hex),
        };
        const verification = { inclusionProof, signedEntryTimestamp: "" };
        const about = { logID: hex(tree.key.publicKey.keyId), logIndex };
        const [integratedTime, uuid] = [1_780_000_000, hex(leafHash(body))];
        return { [uuid]: { ...about, body: base64(body), integratedTime, verification } };
      }
      if (index < tree.bodies.length) return undefined;
      offset += tree.bodies.length;
    }
    return undefined;
  };
  const active = trees.at(-1);
  return async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const number = (name: string) => Number(url.searchParams.get(name));
    switch (url.pathname) {
      case "/api/v1/log":
        if (active === undefined) return notFound();
        return jsonAnswer({ ...state(active), inactiveShards: trees.slice(0, -1).map(state) });
      case "/api/v1/log/proof": {
        const tree = trees.find(({ id }) => id === url.searchParams.get("treeID"));
        const [first, last] = [number("firstSize"), number("lastSize")];
        if (tree === undefined || last > tree.bodies.length) {
          return jsonAnswer({ code: 400, message: "no such size" }, 400);
        }
        const hashes = consistency(hashedOf(tree), first, 0, last);
        return jsonAnswer({ rootHash: "", hashes: hashes.map(hex) });
      }
      case "/api/v1/log/entries": {
        const found = entry(number("logIndex"));
        return found === undefined ? notFound() : jsonAnswer(found);
      }
      case "/api/v1/log/entries/retrieve": {
        const { logIndexes } = (await request.json()) as { logIndexes: number[] };
        const found = logIndexes.map(entry).filter((one) => one !== undefined);
        // In no order that a client could count on.
        return jsonAnswer(found.reverse());
      }
      default:
        return notFound();
    }
  };
};

const TILE = /^\/api\/v2\/tile\/(entries|\d+)\/([x\d/]+)(?:\.p\/(\d+))?$/;

/** Rekor v2 over one tree. */
const rekorV2 =
  (tree: FakeTree) =>
  async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/v2/checkpoint") return new Response(noteOf(tree, 2));
    const [, level, digits = "", width = "256"] = TILE.exec(pathname) ?? [];
    if (level === undefined) return notFound();
    const first = Number(digits.replaceAll(/[x/]/g, "")) * 256;
    const places = Array.from({ length: Number(width) }, (_, at) => first + at);
    if (level === "entries") {
      const bodies = places.map((index) => given(tree, index));
      if (bodies.includes(undefined)) return notFound();
      const parts = bodies.flatMap((body) => [bigEndian(body!.length, 2), body!]);
      return new Response(concat(...parts) as Uint8Array<ArrayBuffer>);
    }
    const span = 256 ** Number(level);
    if ((places.at(-1)! + 1) * span > tree.bodies.length) return notFound();
    const hashes = places.map((at) => treeHash(hashedOf(tree), at * span, (at + 1) * span));
    return new Response(concat(...hashes) as Uint8Array<ArrayBuffer>);
  };

/** What a log of these trees answers. */
export const answersOf = (api: 1 | 2, trees: readonly FakeTree[]) =>
  api === 1 ? rekorV1(trees) : rekorV2(trees[0] ?? fakeTree([]));
