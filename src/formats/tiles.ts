import type { Sha256 } from "../crypto/hash.ts";
import { fromBigEndian } from "./bytes.ts";
import { fail, ok, type Result } from "./result.ts";

/** Hashes in a full tile, and entries in a full bundle (c2sp.org/tlog-tiles). */
export const TILE_WIDTH = 256;
/** Levels of the tree in one tile. */
export const TILE_HEIGHT = 8;

const HASH_BYTES = 32;

/** `index` as it stands in a tile's path: in groups of three digits, all but the last with an x. */
export const tileIndexPath = (index: number): string => {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
};

/** The path of a tile behind `tile/`; a full one names no width. */
export const tilePath = (level: number | "entries", index: number, width: number): string =>
  `${level}/${tileIndexPath(index)}${width < TILE_WIDTH ? `.p/${width}` : ""}`;

/** How many hashes tile `index` of `level` has in a tree of `size`; 0 where there is none. */
export const tileWidth = (level: number, index: number, size: number): number => {
  const hashes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
};

const hashAt = (bytes: Uint8Array, at: number): Sha256 =>
  bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES) as Sha256;

/** Takes a tile apart: just `width` hashes. Fails with REKOR_RESPONSE. */
export const parseTile = (bytes: Uint8Array, width: number): Result<Sha256[]> =>
  bytes.length === width * HASH_BYTES
    ? ok(Array.from({ length: width }, (_, at) => hashAt(bytes, at)))
    : fail("REKOR_RESPONSE", `a tile of ${width} hashes has ${bytes.length} bytes`);

/** Takes a bundle of entries apart: two bytes of length before each. Fails with REKOR_RESPONSE. */
export const parseEntryBundle = (bytes: Uint8Array): Result<Uint8Array[]> => {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 2;
    const end = start + Number(fromBigEndian(bytes.subarray(at, start)));
    if (start > bytes.length || end > bytes.length || entries.length === TILE_WIDTH) {
      return fail("REKOR_RESPONSE", "a bundle of entries is cut off, or has too many");
    }
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  return ok(entries);
};
