import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import { createInflateRaw, inflateRawSync } from "node:zlib";
import { parseDistributionFilename } from "../dists/filename.ts";
import { DEFAULT_LIMITS, type Limits } from "../dists/finding.ts";
import type { InflateRaw, RandomAccess } from "../dists/inflate.ts";
import { checkSdist, type SdistReport } from "../dists/sdist.ts";
import { checkWheel, type WheelReport } from "../dists/wheel.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { LENT_SIZE, lent } from "./lend.ts";

export type DistributionReport = WheelReport | SdistReport;

const PIECE = 256 * 1024;

/** Packed bytes that are inflated in one go: setting up a stream of zlib's takes longer. */
const AT_ONCE = 64 * 1024;
/** Bytes that this may give at most. */
const MAX_AT_ONCE = 4 * 1024 * 1024;

/** Inflates all there is; `undefined` where that is too much for one go. */
const inflateAtOnce = (packed: Uint8Array): Uint8Array | undefined => {
  try {
    const options = { maxOutputLength: MAX_AT_ONCE, info: true };
    const { buffer, engine } = inflateRawSync(packed, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (engine.bytesWritten !== packed.length) throw new Error("bytes follow the deflate stream");
    return new Uint8Array(buffer);
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
};

/** Gives what `InflateRaw` promises by means of zlib, holding little at a time. */
export const nodeInflateRaw: InflateRaw = async function* (chunks) {
  const rest = chunks[Symbol.asyncIterator]();
  const first = await rest.next();
  // What was lent is good until the next is asked for.
  const head = first.done === true ? new Uint8Array() : Uint8Array.from(first.value);
  const second = await rest.next();
  const whole = second.done === true && head.length <= AT_ONCE ? inflateAtOnce(head) : undefined;
  if (whole !== undefined) yield whole;
  else yield* inflateStream(again(head, second, rest));
};

/** What was read of an iteration, then what is left of it. */
async function* again(
  head: Uint8Array,
  second: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield head;
    for (let next = second; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

const inflateStream: InflateRaw = async function* (chunks) {
  const engine = createInflateRaw({ chunkSize: 64 * 1024 });
  const fed = feed(engine, chunks);
  // The error also comes out of the loop below; without this it would count as unhandled.
  fed.catch(() => undefined);
  try {
    for await (const chunk of engine) yield new Uint8Array(chunk as Buffer);
    const given = await fed;
    if (engine.bytesWritten !== given) throw new Error("bytes follow the deflate stream");
  } finally {
    engine.destroy();
  }
};

/** Writes everything into `engine`, waiting where it is full, and gives the number of bytes. */
const feed = async (
  engine: ReturnType<typeof createInflateRaw>,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> => {
  let given = 0;
  try {
    for await (const chunk of chunks) {
      given += chunk.length;
      await new Promise<void>((resolve, reject) => {
        engine.once("close", resolve);
        engine.write(chunk, (error) => {
          engine.off("close", resolve);
          if (error) reject(error);
          else resolve();
        });
      });
      if (engine.destroyed || engine.readableEnded) break;
    }
    engine.end();
  } catch (error) {
    engine.destroy(error as Error);
    throw error;
  }
  return given;
};

/** The disk's trouble, told from a malformed file's. */
class UnreadableError extends Error {}

/** Fills `bytes` from `offset` of the file on. */
const fill = async (handle: FileHandle, bytes: Uint8Array, offset: number): Promise<Uint8Array> => {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle
      .read(bytes, done, bytes.length - done, offset + done)
      .catch((error: unknown) => {
        throw new UnreadableError(systemReason(error));
      });
    if (bytesRead === 0) throw new UnreadableError("ended while it was read");
    done += bytesRead;
  }
  return bytes;
};

const randomAccess = (handle: FileHandle, size: number): RandomAccess => ({
  size,
  read: (offset, length) => fill(handle, new Uint8Array(length), offset),
});

/** All of it, from the start. */
export async function* streamOf({ size, read }: RandomAccess): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += PIECE) yield await read(at, Math.min(PIECE, size - at));
}

/** An open file, read from any place. */
export type OpenFile = {
  readonly access: RandomAccess;
  /** Puts the file's first bytes into `bytes`, all of which must be there. */
  readonly fill: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly close: () => Promise<void>;
};

/** Opens a file; fails with FILE_UNREADABLE. What is read of it later throws where the disk fails. */
export const openFile = async (path: string): Promise<Result<OpenFile>> => {
  try {
    const handle = await open(path);
    const access = randomAccess(handle, (await handle.stat()).size);
    return ok({
      access,
      fill: (bytes) => fill(handle, bytes, 0),
      close: () => handle.close(),
    });
  } catch (error) {
    return fail("FILE_UNREADABLE", `${path}: ${systemReason(error)}`);
  }
};

/**
 * Checks a wheel or an sdist wherever its bytes are; which of the two, its name says.
 * @returns what `checkWheel` and `checkSdist` return, and FILE_UNREADABLE
 */
export const inspectBytes = async (
  filename: string,
  access: RandomAccess,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Result<DistributionReport>> => {
  const distribution = parseDistributionFilename(filename);
  if (!distribution.ok) return distribution;
  try {
    return distribution.value.kind === "wheel"
      ? await checkWheel(filename, access, nodeInflateRaw, limits)
      : await checkSdist(filename, streamOf(access), nodeInflateRaw, limits);
  } catch (error) {
    if (error instanceof UnreadableError)
      return fail("FILE_UNREADABLE", `${filename}: ${error.message}`);
    throw error;
  }
};

const accessTo = (content: Uint8Array): RandomAccess => ({
  size: content.length,
  read: async (offset, length) => {
    if (offset + length > content.length) throw new UnreadableError("ended while it was read");
    return content.subarray(offset, offset + length);
  },
});

/** Reads a file of usual size once, into `buffer`. */
const inspectHeld = async (
  filename: string,
  { access: { size }, fill }: OpenFile,
  buffer: Uint8Array,
  limits: Limits,
): Promise<Result<DistributionReport>> => {
  try {
    await fill(buffer.subarray(0, size));
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    return fail("FILE_UNREADABLE", `${filename}: ${error.message}`);
  }
  return inspectBytes(filename, accessTo(buffer.subarray(0, size)), limits);
};

/**
 * Checks a wheel or an sdist in a file; which of the two, its name says. The file is streamed,
 * or taken from `content` where it was read already; the checks copy what they keep of that.
 * @returns FILE_UNREADABLE, or what `checkWheel` and `checkSdist` return
 */
export const inspectDistribution = async (
  path: string,
  content?: Uint8Array,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Result<DistributionReport>> => {
  const filename = basename(path);
  const distribution = parseDistributionFilename(filename);
  if (!distribution.ok) return distribution;
  if (content !== undefined) return inspectBytes(filename, accessTo(content), limits);
  const file = await openFile(path);
  if (!file.ok) return file;
  const { access } = file.value;
  try {
    if (access.size > LENT_SIZE) return await inspectBytes(filename, access, limits);
    return await lent((buffer) => inspectHeld(filename, file.value, buffer, limits));
  } finally {
    await file.value.close();
  }
};
