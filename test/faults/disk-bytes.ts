import { existsSync, readFileSync } from "node:fs";

/** Disks write such pieces whole, or not at all. */
const SECTOR = 512;

export type Write = { readonly at: number; readonly bytes: Uint8Array };

export const overwrite = (content: Uint8Array, { at, bytes }: Write): Uint8Array => {
  const grown = new Uint8Array(Math.max(content.length, at + bytes.length));
  grown.set(content);
  grown.set(bytes, at);
  return grown;
};

/** A write in the pieces in which a disk does it. */
export const sectors = ({ at, bytes }: Write): Write[] => {
  const pieces: Write[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = from + SECTOR - ((at + from) % SECTOR);
    pieces.push({ at: at + from, bytes: bytes.subarray(from, end) });
    from = end;
  }
  return pieces;
};

/** `from` with some of the sectors in which `to` differs. */
export const torn = (from: Uint8Array, to: Uint8Array, keeps: () => boolean): Uint8Array => {
  let content = from;
  for (const piece of sectors({ at: 0, bytes: to })) {
    const before = from.subarray(piece.at, piece.at + piece.bytes.length);
    if (Buffer.compare(before, piece.bytes) !== 0 && keeps()) content = overwrite(content, piece);
  }
  return content;
};

export const fileAt = (path: string): Uint8Array | undefined =>
  existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
