import { bigEndian, concat } from "../formats/bytes.ts";
import type { TreeStore } from "./tree-store.ts";

/** A tile by its path: `width` is 256 for a full one. */
export type TileName = {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
};

const WIDTH = 256;
/** Levels above this have no tiles below 2^53 leaves. */
const MAX_LEVEL = 6;
const PATH = /^(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/**
 * Reads `<level>/<index>[.p/<width>]`, where the index is in groups of three digits, all but the
 * last with an x in front (c2sp.org/tlog-tiles). `undefined` for any other spelling.
 */
export const parseTilePath = (path: string): TileName | undefined => {
  const [, level = "", digits = "", width = `${WIDTH}`] = PATH.exec(path) ?? [];
  const groups = digits.split("/");
  // One spelling each: no group of zeros in front.
  if (level === "" || (groups.length > 1 && groups[0] === "x000")) return undefined;
  const partial = path.includes(".p/");
  if (partial && Number(width) >= WIDTH) return undefined;
  return {
    level: level === "entries" ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, "")),
    width: Number(width),
  };
};

/**
 * A tile under the published head: hashes of 32 bytes, or entries with two bytes of length each.
 * `undefined` where the tree does not reach so far.
 */
export const readTile = (store: TreeStore, name: TileName): Uint8Array | undefined => {
  const level = name.level === "entries" ? 0 : name.level;
  if (level > MAX_LEVEL) return undefined;
  const first = name.index * WIDTH;
  if ((first + name.width) * WIDTH ** level > store.head().size) return undefined;
  const places = Array.from({ length: name.width }, (_, i) => first + i);
  if (name.level !== "entries") {
    return concat(...places.map((index) => store.node(8 * level, index)));
  }
  return concat(...places.flatMap((index) => entryWithLength(store, index)));
};

const entryWithLength = (store: TreeStore, index: number): Uint8Array[] => {
  const leaf = store.leaf(index);
  if (leaf === undefined) throw new Error(`leaf ${index} is missing`);
  return [bigEndian(leaf.body.length, 2), leaf.body];
};

/** An entry's length must fit in two bytes. */
export const MAX_TILE_ENTRY = 0xffff;
