import { crc32 } from "../crypto/crc32.ts";
import { concat } from "../formats/bytes.ts";
import { type ByteReader, byteReader } from "./byte-reader.ts";
import type { InflateRaw } from "./inflate.ts";

/** Thrown by `gunzip` into the loop that reads from it; its message ends "the gzip file …". */
export class GzipError extends Error {}

const HEADER_SIZE = 10;
const TRAILER_SIZE = 8;
const MAX_TEXT = 4096;
const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/**
 * Unpacks a gzip file that is exactly one member: a second member, or bytes after the first, are
 * read by some tools and not by others.
 * @throws GzipError for bytes that are not such a file; what `chunks` throws goes through
 * @see RFC 1952
 */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  inflateRaw: InflateRaw,
): AsyncGenerator<Uint8Array> {
  const broken: unknown[] = [];
  const reader = byteReader(noting(chunks, broken));
  try {
    await skipHeader(reader);
    yield* inflateMember(reader, inflateRaw, broken);
  } finally {
    await reader.close();
  }
}

async function* inflateMember(
  reader: ByteReader,
  inflateRaw: InflateRaw,
  broken: readonly unknown[],
): AsyncGenerator<Uint8Array> {
  const trailer: Uint8Array[] = [];
  let size = 0;
  let sum = 0;
  try {
    for await (const chunk of inflateRaw(withoutTrailer(reader, trailer))) {
      size += chunk.length;
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw broken.length > 0 ? error : new GzipError("does not inflate, or has bytes after its end");
  }
  const [ending = new Uint8Array(0)] = trailer;
  if (ending.length !== TRAILER_SIZE) throw new GzipError("breaks off");
  const view = new DataView(ending.buffer, ending.byteOffset, TRAILER_SIZE);
  if (view.getUint32(0, true) !== sum || view.getUint32(4, true) !== size % 2 ** 32) {
    throw new GzipError("has another checksum or size than it says");
  }
}

/** Remembers what the source threw, to tell its trouble from the inflater's. */
async function* noting(
  chunks: AsyncIterable<Uint8Array>,
  broken: unknown[],
): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    broken.push(error);
    throw error;
  }
}

const skipHeader = async (reader: ByteReader): Promise<void> => {
  const parts: Uint8Array[] = [];
  const take = async (length: number): Promise<Uint8Array> => {
    const bytes = await reader.take(length);
    if (bytes.length !== length) throw new GzipError("breaks off in its header");
    parts.push(bytes);
    return bytes;
  };
  const [magic0, magic1, method, flags = 0] = await take(HEADER_SIZE);
  if (magic0 !== 0x1f || magic1 !== 0x8b || method !== 8 || (flags & FLAG.reserved) !== 0) {
    throw new GzipError("has no gzip header");
  }
  if ((flags & FLAG.extra) !== 0) {
    const [low = 0, high = 0] = await take(2);
    await take(low + 256 * high);
  }
  if ((flags & FLAG.name) !== 0) await skipText(take);
  if ((flags & FLAG.comment) !== 0) await skipText(take);
  if ((flags & FLAG.headerCrc) !== 0) {
    const expected = crc32(concat(...parts)) & 0xffff;
    const [low = 0, high = 0] = await take(2);
    if (low + 256 * high !== expected) throw new GzipError("has a damaged header");
  }
};

const skipText = async (take: (length: number) => Promise<Uint8Array>): Promise<void> => {
  for (let length = 0; length < MAX_TEXT; length += 1) {
    if ((await take(1))[0] === 0) return;
  }
  throw new GzipError("has an endless name or comment");
};

/** Keeps the last 8 bytes back, so that the inflater must end where its stream ends. */
async function* withoutTrailer(
  reader: ByteReader,
  trailer: Uint8Array[],
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of reader.rest()) {
    const joined = concat(held, chunk);
    const cut = Math.max(0, joined.length - TRAILER_SIZE);
    held = joined.subarray(cut);
    if (cut > 0) yield joined.subarray(0, cut);
  }
  trailer.push(held);
}
