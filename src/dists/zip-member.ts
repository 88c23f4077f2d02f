import { crc32 } from "../crypto/crc32.ts";
import { concat } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { InflateRaw, RandomAccess } from "./inflate.ts";
import { shown } from "./name.ts";
import type { ZipEntry } from "./zip.ts";
import { refuseZip } from "./zip-records.ts";

const PIECE = 256 * 1024;

/**
 * Streams the content of a member into `sink` and checks its size and CRC-32. What `sink` got is
 * the content only when the result is good.
 * @returns DIST_ZIP when the content does not inflate, or has another size or checksum
 */
export const readMember = async (
  zip: RandomAccess,
  entry: ZipEntry,
  inflateRaw: InflateRaw,
  sink: (chunk: Uint8Array) => void,
): Promise<Result<void>> => {
  const unreadable: unknown[] = [];
  const packed = pieces(zip, entry, unreadable);
  let size = 0;
  let sum = 0;
  try {
    for await (const chunk of entry.method === "stored" ? packed : inflateRaw(packed)) {
      size += chunk.length;
      if (size > entry.size) break;
      sum = crc32(chunk, sum);
      sink(chunk);
    }
  } catch (error) {
    // The disk's trouble is not the zip's.
    if (unreadable.length > 0) throw error;
    return refuseZip(`has a member that does not inflate: ${shown(entry.path)}`);
  }
  if (size !== entry.size) {
    return refuseZip(`has a member of another size than it says: ${shown(entry.path)}`);
  }
  return sum === entry.crc32
    ? ok(undefined)
    : refuseZip(`has a member of another checksum than it says: ${shown(entry.path)}`);
};

async function* pieces(
  zip: RandomAccess,
  entry: ZipEntry,
  unreadable: unknown[],
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < entry.packedSize; at += PIECE) {
    const length = Math.min(PIECE, entry.packedSize - at);
    try {
      yield await zip.read(entry.contentOffset + at, length);
    } catch (error) {
      unreadable.push(error);
      throw error;
    }
  }
}

/** The whole content of a small member; DIST_SIZE when it has more than `maxBytes`. */
export const memberBytes = async (
  zip: RandomAccess,
  entry: ZipEntry,
  inflateRaw: InflateRaw,
  maxBytes: number,
): Promise<Result<Uint8Array>> => {
  if (entry.size > maxBytes) {
    return fail("DIST_SIZE", `${entry.path} has ${entry.size} bytes, over ${maxBytes}`);
  }
  const chunks: Uint8Array[] = [];
  const read = await readMember(zip, entry, inflateRaw, (chunk) => chunks.push(chunk));
  return read.ok ? ok(concat(...chunks)) : read;
};
