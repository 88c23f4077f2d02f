import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";

/** An exclusive claim on a folder, given up by `release` or by the end of the process. */
export type StateLock = { release(): Promise<void> };

/** Folders that this very process holds: its own id in a lock file would otherwise look stale. */
const held = new Set<string>();

/**
 * Claims `folder` by a file `lock` that names this process. A lock whose process is gone, or whose
 * id now belongs to another program, is taken over.
 *
 * Fails with STATE_LOCKED while the other process lives.
 */
export const lockState = async (folder: string): Promise<Result<StateLock>> => {
  const path = join(resolve(folder), "lock");
  if (held.has(path)) return locked(path, process.pid);
  held.add(path);
  const outcome = await claim(path);
  if (!outcome.ok) held.delete(path);
  return outcome;
};

/** The process that holds `folder`, this one included; `undefined` where none does. */
export const stateHolder = async (folder: string): Promise<number | undefined> => {
  const path = join(resolve(folder), "lock");
  if (held.has(path)) return process.pid;
  const owner = await readOwner(path);
  return owner !== undefined && (await isAlive(owner)) ? owner.pid : undefined;
};

const locked = (path: string, pid: number): Result<StateLock> =>
  fail("STATE_LOCKED", `${path} is held by process ${pid}`);

const ATTEMPTS = 5;

const claim = async (path: string): Promise<Result<StateLock>> => {
  const own = `${path}.${process.pid}`;
  await writeFile(own, `${process.pid} ${await startedAt(process.pid)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      // A link appears with its whole content, and only if the name is free.
      if (await succeeds(link(own, path))) return ok({ release: () => release(path) });
      const owner = await readOwner(path);
      if (owner !== undefined && (await isAlive(owner))) return locked(path, owner.pid);
      // Renaming is atomic, so of two that see the same stale lock only one moves it away.
      const aside = `${path}.stale.${process.pid}`;
      await succeeds(rename(path, aside));
      const moved = await readOwner(aside);
      if (moved !== undefined && (await isAlive(moved))) await succeeds(link(aside, path));
      await rm(aside, { force: true });
    }
    return fail("STATE_LOCKED", `${path} changes hands too often`);
  } finally {
    await rm(own, { force: true });
  }
};

const release = async (path: string): Promise<void> => {
  held.delete(path);
  await rm(path, { force: true });
};

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

type Owner = { readonly pid: number; readonly started: string };

const readOwner = async (path: string): Promise<Owner | undefined> => {
  const text = await readFile(path, "utf8").catch(() => "");
  const [, pid, started] = /^(\d{1,10}) (\d+|-)\n$/.exec(text) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), started: started ?? "-" };
};

/** Whether any process has this id, also one of another user. */
const isProcessAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
};

const isAlive = async (owner: Owner): Promise<boolean> => {
  if (owner.pid === process.pid || !isProcessAlive(owner.pid)) return false;
  const started = await startedAt(owner.pid);
  return owner.started === "-" || started === "-" || started === owner.started;
};

/** When a process began, in clock ticks since boot, where Linux tells it; else `-`. */
const startedAt = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Field 22; the command in field 2 may itself hold spaces and parentheses.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
};
