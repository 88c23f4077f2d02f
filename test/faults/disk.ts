import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Storage, StorageFile } from "../../src/services/storage.ts";
import type { Chance } from "../fuzz/mutate.ts";
import { overwrite, sectors } from "./disk-bytes.ts";
import { type Faults, type Pages, recordedDatabase } from "./disk-database.ts";
import { foldersTo, type Inode, layOut, type NameChange, settle } from "./disk-names.ts";

/** Thrown into the program under test at its end: nothing that it does afterwards counts. */
export class PowerLoss extends Error {
  override readonly name = "PowerLoss";
}

export const SOUND: Faults = { full: 0, broken: 0, lyingFiles: 0, lyingDatabases: 0 };

/**
 * A disk whose power is cut and which fails, as chance has it. What programs see lies in real
 * files of a scratch folder; beside it stands what would be left if the power went now.
 */
export type FailingDisk = {
  /** For a program that starts now: useless once the power was cut. */
  storage(): Storage;
  /** The folder as it is now; another one after each loss of power. */
  folder(): string;
  /** Cuts the power at the `n`th change from now on. */
  cutAfter(n: number): void;
  /** Cuts it now: what was not flushed is there in part, in any part. */
  cut(): void;
  readonly isOff: () => boolean;
  /** Whether it says that it fails. */
  readonly fails: () => boolean;
  /** Whether it says that it flushed what it did not. */
  readonly lies: () => boolean;
  /** Starts again on what is left. */
  restart(faults?: Faults): void;
  /** Changes so far. */
  readonly changes: () => number;
  /** Ends the last run without a loss. */
  dispose(): void;
};

const isIn = (folder: string, change: NameChange): boolean =>
  dirname(change.kind === "rename" ? change.to : change.path) === folder;

const errorOf = (code: string): Error => Object.assign(new Error(`${code}: simulated`), { code });

export const failingDisk = (scratch: string, chance: Chance, first: Faults): FailingDisk => {
  let boot = 0;
  let faults = first;
  let off = false;
  let done = 0;
  let cutAt = Number.POSITIVE_INFINITY;
  const names = new Map<string, Inode | "folder">();
  const changes: NameChange[] = [];
  const inodes = new Map<string, Inode>();
  const databases = new Map<string, Pages>();
  const open = new Set<() => void>();
  const folder = () => join(scratch, String(boot));
  const inside = (path: string): string => relative(folder(), path);
  const strikes = (one: number): boolean => one > 0 && chance(one) === 0;
  mkdirSync(folder(), { recursive: true });

  const cut = (): void => {
    if (off) return;
    off = true;
    const luck = [0, 25, 50, 75, 100][chance(5)] ?? 50;
    const keeps = (): boolean => chance(100) < luck;
    for (const change of changes.splice(0)) if (keeps()) settle(names, change);
    for (const inode of new Set([...names.values(), ...inodes.values()])) {
      if (inode === "folder") continue;
      for (const write of inode.pending.splice(0).flatMap(sectors)) {
        if (keeps()) inode.durable = overwrite(inode.durable, write);
      }
    }
  };
  const change = (mine: number): void => {
    if (off || mine !== boot) throw new PowerLoss();
    done += 1;
    if (done < cutAt) return;
    cut();
    throw new PowerLoss();
  };
  /** Others get their turn while a disk works. */
  const work = async (mine: number): Promise<void> => {
    if (off || mine !== boot) throw new PowerLoss();
    for (let turns = chance(3); turns > 0; turns -= 1) await new Promise(setImmediate);
    change(mine);
  };

  const file = (mine: number, inode: Inode, handle: number): StorageFile => {
    let end = 0;
    const shut = () => closeSync(handle);
    open.add(shut);
    return {
      read: async (length, position) => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(handle, bytes, 0, length, position));
      },
      write: async (bytes, at = end) => {
        const copy = bytes.slice();
        if (strikes(faults.full)) {
          inode.pending.push({ at, bytes: copy.subarray(0, chance(copy.length + 1)) });
          throw errorOf("ENOSPC");
        }
        // Under way before the power can go: a part of it may be there afterwards.
        inode.pending.push({ at, bytes: copy });
        await work(mine);
        writeSync(handle, copy, 0, copy.length, at);
        end = at + copy.length;
      },
      sync: async () => {
        const flushed = inode.pending.slice();
        await work(mine);
        if (strikes(faults.lyingFiles)) return;
        // A page that could not be written is dropped: no later flush brings it.
        if (strikes(faults.broken)) {
          inode.pending = inode.pending.filter((write) => !flushed.includes(write));
          throw errorOf("EIO");
        }
        for (const write of flushed) inode.durable = overwrite(inode.durable, write);
        inode.pending = inode.pending.filter((write) => !flushed.includes(write));
      },
      close: async () => {
        if (open.delete(shut)) shut();
      },
    };
  };

  const storageOf = (mine: number): Storage => ({
    openDatabase: (path) =>
      recordedDatabase(path, {
        chance,
        faults: () => faults,
        strikes,
        change: (work) => {
          if (off || mine !== boot) throw new PowerLoss();
          done += 1;
          if (done >= cutAt) {
            work.cutWithin();
            cut();
            throw new PowerLoss();
          }
          work.finish();
        },
        keep: (pages) => void databases.set(inside(path), pages),
        open,
      }),
    open: async (path, how) => {
      await work(mine);
      const name = inside(path);
      const there = existsSync(path);
      if (how === "new" && there) throw errorOf("EEXIST");
      const handle = openSync(path, there ? "r+" : "wx+", 0o600);
      const known = inodes.get(name);
      if (there && known !== undefined && how !== "emptied") return file(mine, known, handle);
      // To empty a file is to make another: a crash may leave the old content or none of it.
      ftruncateSync(handle, 0);
      const inode: Inode = { durable: new Uint8Array(0), pending: [] };
      inodes.set(name, inode);
      changes.push({ kind: "link", path: name, inode });
      return file(mine, inode, handle);
    },
    rename: async (from, to) => {
      const inode = inodes.get(inside(from));
      if (inode === undefined) throw errorOf("ENOENT");
      await work(mine);
      renameSync(from, to);
      inodes.delete(inside(from));
      inodes.set(inside(to), inode);
      changes.push({ kind: "rename", from: inside(from), to: inside(to), inode });
    },
    remove: async (path) => {
      if (!existsSync(path)) return;
      await work(mine);
      rmSync(path, { force: true });
      inodes.delete(inside(path));
      changes.push({ kind: "unlink", path: inside(path) });
    },
    makeFolder: async (path) => {
      for (const part of foldersTo(inside(path))) {
        const known =
          names.has(part) || changes.some((one) => one.kind === "folder" && one.path === part);
        if (known && existsSync(join(folder(), part))) continue;
        await work(mine);
        mkdirSync(join(folder(), part), { recursive: true });
        changes.push({ kind: "folder", path: part });
      }
    },
    syncFolder: async (path) => {
      const name = inside(path) === "" ? "." : inside(path);
      const flushed = changes.filter((one) => isIn(name, one));
      await work(mine);
      if (strikes(faults.lyingFiles)) return;
      if (strikes(faults.broken)) throw errorOf("EIO");
      for (const one of flushed) {
        const at = changes.indexOf(one);
        if (at < 0) continue;
        settle(names, one);
        changes.splice(at, 1);
      }
    },
  });

  const shutAll = (): void => {
    for (const shut of [...open]) shut();
    open.clear();
  };

  return {
    storage: () => storageOf(boot),
    folder,
    isOff: () => off,
    fails: () => faults.full > 0 || faults.broken > 0,
    lies: () => first.lyingFiles > 0 || first.lyingDatabases > 0,
    changes: () => done,
    cut,
    cutAfter: (n) => {
      cutAt = done + n;
    },
    restart: (next = SOUND) => {
      cut();
      shutAll();
      rmSync(folder(), { recursive: true, force: true });
      boot += 1;
      layOut(folder(), names, databases);
      inodes.clear();
      for (const [name, inode] of names) if (inode !== "folder") inodes.set(name, inode);
      off = false;
      cutAt = Number.POSITIVE_INFINITY;
      faults = next;
    },
    dispose: () => {
      off = true;
      shutAll();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
};
