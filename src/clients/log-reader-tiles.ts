import { fromUtf8 } from "../formats/bytes.ts";
import type { CompactRange } from "../formats/compact-range.ts";
import { nodeHash } from "../formats/merkle.ts";
import { consistencyPath, foldNodes, rootNodes, type TreeNode } from "../formats/merkle-nodes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import {
  parseEntryBundle,
  parseTile,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  tileWidth,
} from "../formats/tiles.ts";
import { exchange, type HttpResponse, shownUrl } from "./http.ts";
import type { LogReader, ReadEntry } from "./log-reader.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

const MAX_CHECKPOINT = 64 * 1024;
const MAX_TILE = 64 * 1024;
const MAX_BUNDLE = TILE_WIDTH * (2 + 0xffff);
const HASH_BYTES = 32;
/** Bundles that are fetched at once. */
const BUNDLES = 4;
/** Tiles that are remembered: the right edge of a tree has one a level. */
const MAX_KEPT = 64;

type Hashes = CompactRange["hashes"];
type Sha256 = Hashes[number];

/** The root over a full subtree: of a power of two of hashes. */
const fullRoot = (hashes: Hashes): Sha256 => {
  let row = hashes;
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, at) =>
      nodeHash(row[2 * at] as Sha256, row[2 * at + 1] as Sha256),
    );
  }
  return row[0] as Sha256;
};

/** The tiles of one log; hashes that were fetched are remembered. */
const tilesAt = (base: string, outside: Outside) => {
  const kept = new Map<string, Hashes>();
  const get = (path: string, maxBytes: number) => asked(outside, `${base}/${path}`, maxBytes);

  /** A partial tile may be gone once the full one is there. */
  const bytes = async (
    level: number | "entries",
    index: number,
    width: number,
  ): Promise<Result<Uint8Array>> => {
    const cap = level === "entries" ? MAX_BUNDLE : MAX_TILE;
    const answer = await get(`tile/${tilePath(level, index, width)}`, cap);
    const full = !answer.ok && answer.error.code === "MONITOR_GAP" && width < TILE_WIDTH;
    return full ? get(`tile/${tilePath(level, index, TILE_WIDTH)}`, cap) : answer;
  };

  const hashes = async (level: number, index: number, size: number): Promise<Result<Hashes>> => {
    const width = tileWidth(level, index, size);
    const path = tilePath(level, index, width);
    const known = kept.get(path);
    if (known !== undefined) return ok(known);
    const tile = await bytes(level, index, width);
    if (!tile.ok) return tile;
    const isFull = tile.value.length === TILE_WIDTH * HASH_BYTES;
    const parsed = parseTile(tile.value, isFull ? TILE_WIDTH : width);
    if (!parsed.ok) return parsed;
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(path, parsed.value);
    return parsed;
  };

  const node = async ({ level, index }: TreeNode, size: number): Promise<Result<Sha256>> => {
    const span = 2 ** (level % TILE_HEIGHT);
    const first = index * span;
    const at = first % TILE_WIDTH;
    const place = Math.floor(first / TILE_WIDTH);
    const tile = await hashes(Math.floor(level / TILE_HEIGHT), place, size);
    return tile.ok ? ok(fullRoot(tile.value.slice(at, at + span))) : tile;
  };

  const nodes = async (wanted: readonly TreeNode[], size: number): Promise<Result<Hashes>> => {
    const found: Sha256[] = [];
    for (const one of wanted) {
      const hash = await node(one, size);
      if (!hash.ok) return hash;
      found.push(hash.value);
    }
    return ok(found);
  };

  const bundle = async (index: number, size: number): Promise<Result<Uint8Array[]>> => {
    const width = tileWidth(0, index, size);
    const packed = await bytes("entries", index, width);
    const entries = packed.ok ? parseEntryBundle(packed.value) : packed;
    if (!entries.ok || entries.value.length >= width) return entries;
    const missing = index * TILE_WIDTH + entries.value.length;
    return fail("MONITOR_GAP", `the log at ${shownUrl(base)} does not give out entry ${missing}`);
  };
  return { get, nodes, bundle };
};

/** Reads a Rekor v2 log (rekor-tiles) as tiles below `/api/v2/` (c2sp.org/tlog-tiles). */
export const tilesReaderAt = (url: string, outside: Outside): LogReader => {
  const { get, nodes, bundle } = tilesAt(`${url.replace(/\/+$/, "")}/api/v2`, outside);
  return {
    trees: async () => {
      const bytes = await get("checkpoint", MAX_CHECKPOINT);
      const text = bytes.ok ? fromUtf8(bytes.value) : bytes;
      if (!text.ok) return text;
      return ok([{ id: "", checkpoint: text.value, active: true, offset: 0 }]);
    },
    consistency: async (_, older, newer) => {
      const steps: Uint8Array[] = [];
      for (const step of consistencyPath(older, newer)) {
        const found = await nodes(step, newer);
        if (!found.ok) return found;
        steps.push(foldNodes(found.value));
      }
      return ok(steps);
    },
    edge: (_, count, size) => nodes(rootNodes(count), size),
    entries: async (_, from, size) => {
      const first = Math.floor(from / TILE_WIDTH);
      const last = Math.min(first + BUNDLES, Math.ceil(size / TILE_WIDTH));
      const indexes = Array.from({ length: last - first }, (_, at) => first + at);
      const bundles = all(await Promise.all(indexes.map((index) => bundle(index, size))));
      if (!bundles.ok) return bundles;
      const entries = bundles.value.flatMap((bodies, at): ReadEntry[] =>
        bodies.map((body, place) => ({ index: (first + at) * TILE_WIDTH + place, body })),
      );
      return ok(entries.filter(({ index }) => index >= from && index < size));
    },
  };
};

const asked = async (
  outside: Outside,
  url: string,
  maxBytes: number,
): Promise<Result<Uint8Array>> => {
  const service = "transparency log";
  const answer = await exchange(outside, { method: "GET", url, maxBytes, service });
  return answer.ok ? bodyOf(answer.value) : answer;
};

const bodyOf = (answer: HttpResponse): Result<Uint8Array> => {
  if (answer.status === 200) return ok(answer.body);
  const where = `the log at ${shownUrl(answer.url)}`;
  if (answer.status === 404) return fail("MONITOR_GAP", `${where} has nothing there (404)`);
  return fail("REKOR_REFUSED", `${where} answered ${refusalOf(answer)}`);
};
