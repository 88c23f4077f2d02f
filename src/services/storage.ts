import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What the stores ask of SQLite. */
export type Database = Pick<DatabaseSync, "exec" | "prepare" | "close">;

export type StorageFile = {
  /** Bytes from `position` on, at most `length`: fewer where the file ends. */
  read(length: number, position: number): Promise<Uint8Array>;
  /** Writes all of `bytes`, at `position` or else behind what was written last, or rejects. */
  write(bytes: Uint8Array, position?: number): Promise<void>;
  /** Resolves when what was written is on the disk. Rejects when that is not certain. */
  sync(): Promise<void>;
  close(): Promise<void>;
};

/**
 * How the stores change the disk: always an argument, so that a disk that fails can take its
 * place. A name is on the disk only after `syncFolder` of the folder that it is in, as POSIX has
 * it; a file's content only after its `sync`.
 */
export type Storage = {
  /** Throws SQLite's error where the file is locked, damaged or unreadable. */
  openDatabase(path: string, timeout: number): Database;
  /** `kept`: made where absent; `new`: must be absent; `emptied`: made or emptied. Mode 0600. */
  open(path: string, how: "kept" | "new" | "emptied"): Promise<StorageFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes a folder and those above it, mode 0700. */
  makeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
};

const FLAGS = { new: "wx+", emptied: "w+" } as const;

const openFile: Storage["open"] = async (path, how) => {
  const file =
    how === "kept"
      ? await open(path, "r+").catch(() => open(path, "wx+", 0o600))
      : await open(path, FLAGS[how], 0o600);
  let end = 0;
  return {
    read: async (length, position) => {
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    },
    write: async (bytes, position = end) => {
      let done = 0;
      while (done < bytes.length) {
        const left = bytes.length - done;
        done += (await file.write(bytes, done, left, position + done)).bytesWritten;
      }
      end = position + bytes.length;
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  };
};

const FAILING = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENFILE"]);
/** SQLITE_READONLY, SQLITE_IOERR and SQLITE_FULL, without their extensions. */
const FAILING_SQLITE = new Set([8, 10, 13]);

/** Whether it is the disk that failed: no fault of whoever asked, and none of the program. */
export const isDiskFailure = (error: unknown): boolean => {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  const sqlite = typeof errcode === "number" && FAILING_SQLITE.has(errcode & 0xff);
  return sqlite || (typeof code === "string" && FAILING.has(code));
};

/** The disk of this machine. */
export const disk: Storage = {
  openDatabase: (path, timeout) => new DatabaseSync(path, { timeout }),
  open: openFile,
  rename,
  remove: (path) => rm(path, { force: true }),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true, mode: 0o700 })),
  syncFolder: async (path) => {
    const folder = await open(path, "r");
    await folder.sync().finally(() => folder.close());
  },
};

/** Makes a folder so that it is there after a power loss, itself and those above it. */
export const makeLastingFolder = async (
  storage: Storage,
  path: string,
  above: string,
): Promise<void> => {
  await storage.makeFolder(path);
  for (let at = path; at.length > above.length; at = dirname(at)) {
    await storage.syncFolder(dirname(at));
  }
};
