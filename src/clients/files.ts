import {
  close,
  closeSync,
  fstatSync,
  open,
  openSync,
  read as readAt,
  readSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Artifact } from "../formats/artifact.ts";
import { artifactOfBytes, digestStream } from "../formats/artifact.ts";
import { concat } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { borrow, giveBack, lent } from "./lend.ts";

/** The files a stage may touch; paths are the caller's, relative ones to the working folder. */
export type Files = {
  /** Whole content; fails with FORMAT_SIZE above `maxBytes`, FILE_UNREADABLE otherwise. */
  read(path: string, maxBytes: number): Promise<Result<Uint8Array>>;
  /** Like `read`, but an absent file is `undefined`, not a failure. */
  readIfPresent(path: string, maxBytes: number): Promise<Result<Uint8Array | undefined>>;
  /**
   * Writes through a temporary file in the same folder, flushed, then renamed: a reader sees the
   * old content or the new, never a part. Fails with FILE_UNWRITABLE.
   */
  write(path: string, content: Uint8Array, mode?: number): Promise<Result<void>>;
  /** Names of the regular files in a folder, sorted. An absent folder has none. */
  list(folder: string): Promise<Result<string[]>>;
  /** Streams and digests a file; the artifact can be opened again. */
  artifact(
    path: string,
  ): Promise<Result<Artifact & { readonly name: string; readonly size: number }>>;
  /**
   * As `artifact`, for work on a file that ends. One of usual size is read only once: `content` is
   * all of it, good while `work` lasts. A larger one is streamed, and `content` absent.
   */
  hold<T>(
    path: string,
    work: (artifact: FileArtifact, content: Uint8Array | undefined) => Promise<T>,
  ): Promise<Result<T>>;
  remove(path: string): Promise<Result<void>>;
};

/** An artifact that is a file. */
export type FileArtifact = Artifact & { readonly name: string; readonly size: number };

// Verifying only reads. Node's promises of files bring along what watches folders and edits lines,
// and take longer to load than a small file to read: they are for what writes.
const opened = promisify(open);
const closed = promisify(close);
const readInto = promisify(readAt);
const promises = () => import("node:fs/promises");

const READ_SIZE = 256 * 1024;
const STREAM_SIZE = 1024 * 1024;

/** Counts what it reads: a pipe or a growing file has no size to go by. */
const read = async (path: string, maxBytes: number): Promise<Result<Uint8Array>> => {
  try {
    return await readOpened(await opened(path, "r"), path, maxBytes);
  } catch (error) {
    return fail("FILE_UNREADABLE", `${path}: ${systemReason(error)}`);
  }
};

const readOpened = (file: number, path: string, maxBytes: number): Promise<Result<Uint8Array>> =>
  lent(async (buffer) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      // What is at hand is read at once; to ask for it and wait takes ten times as long.
      const atOnce = fstatSync(file).isFile();
      for (;;) {
        const bytesRead = atOnce
          ? readSync(file, buffer, 0, READ_SIZE, null)
          : (await readInto(file, buffer, 0, READ_SIZE, null)).bytesRead;
        if (bytesRead === 0) return ok(concat(...chunks));
        size += bytesRead;
        if (size > maxBytes) return fail("FORMAT_SIZE", `${path} has more than ${maxBytes} bytes`);
        chunks.push(buffer.slice(0, bytesRead));
      }
    } finally {
      closeSync(file);
    }
  });

const readIfPresent = async (
  path: string,
  maxBytes: number,
): Promise<Result<Uint8Array | undefined>> => {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined) return ok(undefined);
    // To open a pipe may take until somebody writes to it.
    const file = there.isFile() ? openSync(path, "r") : await opened(path, "r");
    return await readOpened(file, path, maxBytes);
  } catch (error) {
    return fail("FILE_UNREADABLE", `${path}: ${systemReason(error)}`);
  }
};

let writes = 0;

const write = async (path: string, content: Uint8Array, mode = 0o644): Promise<Result<void>> => {
  const { mkdir, open, rename, rm } = await promises();
  writes += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${writes}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return ok(undefined);
  } catch (error) {
    await rm(temporary, { force: true });
    return fail("FILE_UNWRITABLE", `${path}: ${systemReason(error)}`);
  }
};

const list = async (folder: string): Promise<Result<string[]>> => {
  try {
    const { readdir } = await promises();
    const entries = await readdir(folder, { withFileTypes: true });
    return ok(
      entries
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort(),
    );
  } catch (error) {
    return (error as { code?: string }).code === "ENOENT"
      ? ok([])
      : fail("FILE_UNREADABLE", `${folder}: ${systemReason(error)}`);
  }
};

async function* stream(path: string): AsyncGenerator<Uint8Array> {
  const file = await opened(path, "r");
  const buffer = borrow();
  try {
    for (;;) {
      const { bytesRead } = await readInto(file, buffer, 0, STREAM_SIZE, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    giveBack(buffer);
    await closed(file);
  }
}

const artifact = async (
  path: string,
): Promise<Result<Artifact & { readonly name: string; readonly size: number }>> => {
  try {
    const { digest, size } = await digestStream("sha256", stream(path));
    const sha256 = digest as Artifact["sha256"];
    return ok({ name: basename(path), sha256, size, open: () => stream(path) });
  } catch (error) {
    return fail("FILE_UNREADABLE", `${path}: ${systemReason(error)}`);
  }
};

/** Reads a file of usual size into `buffer`; `undefined` where it is larger, or no regular file. */
const readAll = (path: string, buffer: Uint8Array): Uint8Array | undefined => {
  if (!statSync(path).isFile()) return undefined;
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size >= buffer.length) return undefined;
    let size = 0;
    for (;;) {
      const bytesRead = readSync(file, buffer, size, buffer.length - size, null);
      if (bytesRead === 0) return buffer.subarray(0, size);
      size += bytesRead;
      // It grew while it was read.
      if (size === buffer.length) return undefined;
    }
  } finally {
    closeSync(file);
  }
};

const hold: Files["hold"] = (path, work) =>
  lent(async (buffer) => {
    let content: Uint8Array | undefined;
    try {
      content = readAll(path, buffer);
    } catch (error) {
      return fail("FILE_UNREADABLE", `${path}: ${systemReason(error)}`);
    }
    if (content === undefined) {
      const streamed = await artifact(path);
      return streamed.ok ? ok(await work(streamed.value, undefined)) : streamed;
    }
    const held = { ...artifactOfBytes(content, basename(path)), held: true } as const;
    return ok(await work({ ...held, name: basename(path), size: content.length }, content));
  });

const remove = async (path: string): Promise<Result<void>> => {
  try {
    const { rm } = await promises();
    await rm(path, { force: true, recursive: true });
    return ok(undefined);
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${path}: ${systemReason(error)}`);
  }
};

export const systemFiles: Files = {
  read,
  readIfPresent,
  write,
  list,
  artifact,
  hold,
  remove,
};
