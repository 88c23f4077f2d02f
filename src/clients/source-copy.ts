import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  realpath,
  symlink,
  utimes,
} from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Environment } from "./environment.ts";
import { CACHE_FOLDER, type GitState, git } from "./git.ts";
import { copyRepository } from "./git-copy.ts";

export type SourceCopy = {
  /** The project's folder inside the copy. */
  readonly folder: string;
  /** Seconds since 1970, also the time of every file in the copy. */
  readonly sourceDateEpoch: number;
  /** What was copied: relative to `folder`. */
  readonly paths: readonly string[];
  /** Whether the copy is a git work tree. */
  readonly inGit: boolean;
};

export type SourceWish = {
  /** Real, absolute path of the project. */
  readonly project: string;
  /** Real, absolute path of the output folder: never copied. */
  readonly out: string;
  /** An empty folder for the copy. */
  readonly target: string;
  readonly state: GitState | undefined;
  readonly environment: Environment;
};

const MAX_FILES = 200_000;

/** Left behind by tools at any depth; never part of a source. */
const LEFTOVERS = new Set([
  ...[".git", ".hg", ".svn", "__pycache__", ".tox", ".nox", ".mypy_cache", ".pytest_cache"],
  ...[".ruff_cache", ".hypothesis", "node_modules", ".venv", ".eggs"],
]);

/** 1980-01-01, the earliest time that a zip can hold. */
const ZIP_START = 315_532_800;

const within = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder + sep);

/**
 * Copies what a build may see: in git the tracked files and the untracked ones that are not
 * ignored, as they are in the work tree now; elsewhere everything but caches, environments and
 * earlier outputs. Modes become 0644 or 0755, times the commit's (or the newest file's), so that
 * neither depends on the checkout. In git the copy is a work tree of a repository of its own
 * with the same commit, tags and index, so that versions taken from git come out right.
 *
 * Only reads below `project`. Fails with BUILD_SOURCE.
 */
export const copySource = async (wish: SourceWish): Promise<Result<SourceCopy>> => {
  const listed = await listSource(wish);
  if (!listed.ok) return listed;
  if (listed.value.length > MAX_FILES) {
    return fail("BUILD_SOURCE", `the project has ${listed.value.length} files, over ${MAX_FILES}`);
  }
  const root = wish.state === undefined ? wish.project : await realpath(wish.state.top);
  const folder = join(wish.target, relative(root, wish.project));
  try {
    await mkdir(folder, { recursive: true });
    for (const path of listed.value) {
      const copied = await copyOne(root, wish.target, join(wish.project, path));
      if (!copied.ok) return copied;
    }
    const epoch = wish.state?.commitTime ?? (await newestTime(wish.project, listed.value));
    const sourceDateEpoch = Math.max(epoch, ZIP_START);
    await settleTimes(wish.target, sourceDateEpoch);
    if (wish.state !== undefined) {
      const placed = await copyRepository(wish.project, wish.target, wish.environment);
      if (!placed.ok) return placed;
    }
    const inGit = wish.state !== undefined;
    return ok({ folder, sourceDateEpoch, paths: listed.value, inGit });
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return fail("BUILD_SOURCE", `${path ?? wish.project} cannot be copied: ${code}`);
  }
};

/** Paths of files and links, relative to the project. */
const listSource = async (wish: SourceWish): Promise<Result<string[]>> => {
  const inGit = wish.state !== undefined;
  const listed = inGit
    ? await listTracked(wish.project, wish.environment)
    : ok(await listFolder(wish.project));
  if (!listed.ok) return listed;
  return ok(
    listed.value.filter(
      (path) => !within(wish.out, join(wish.project, path)) && !path.startsWith(`${CACHE_FOLDER}/`),
    ),
  );
};

const listTracked = async (folder: string, environment: Environment): Promise<Result<string[]>> => {
  const printed = await git(folder, environment, [
    ...["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
  ]);
  if (!printed.ok) return printed;
  const paths: string[] = [];
  // A name that ends in a slash is somebody else's repository that is not tracked.
  for (const path of printed.value
    .split("\0")
    .filter((name) => name !== "" && !name.endsWith("/"))) {
    const found = await lstat(join(folder, path)).catch(() => undefined);
    if (found === undefined) continue;
    if (!found.isDirectory()) {
      paths.push(path);
      continue;
    }
    const submodule = await listTracked(join(folder, path), environment);
    if (!submodule.ok) return submodule;
    paths.push(...submodule.value.map((inner) => join(path, inner)));
  }
  return ok(paths);
};

const listFolder = async (folder: string, at = ""): Promise<string[]> => {
  const entries = await readdir(join(folder, at), { withFileTypes: true });
  if (entries.some((entry) => entry.name === "pyvenv.cfg")) return [];
  const paths: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(at, entry.name);
    if (LEFTOVERS.has(entry.name) || (await isOutput(folder, path))) continue;
    if (entry.isDirectory()) paths.push(...(await listFolder(folder, path)));
    else if (entry.isFile() || entry.isSymbolicLink()) paths.push(path);
  }
  return paths;
};

/** The usual output folder, and setuptools' `build`, whose stale modules would be packed again. */
const isOutput = async (folder: string, path: string): Promise<boolean> => {
  if (path === "dist") return true;
  if (path !== "build") return false;
  const names = await readdir(join(folder, path)).catch(() => []);
  return names.some((name) => name.startsWith("lib") || name.startsWith("bdist."));
};

const copyOne = async (root: string, target: string, from: string): Promise<Result<void>> => {
  const to = join(target, relative(root, from));
  await mkdir(dirname(to), { recursive: true });
  const found = await lstat(from);
  if (found.isSymbolicLink()) return copyLink(root, target, from, to);
  if (!found.isFile()) return fail("BUILD_SOURCE", `${from} is not a regular file`);
  await copyFile(from, to);
  await chmod(to, (found.mode & 0o100) === 0 ? 0o644 : 0o755);
  return ok(undefined);
};

/** A link keeps its text; a file outside the project that it names comes along. */
const copyLink = async (
  root: string,
  target: string,
  from: string,
  to: string,
): Promise<Result<void>> => {
  const text = await readlink(from);
  const named = resolve(dirname(from), text);
  if (isAbsolute(text) || !within(root, named)) {
    return fail("BUILD_SOURCE", `the link ${relative(root, from)} leads out of the project`);
  }
  const present = (await lstat(to).catch(() => undefined)) !== undefined;
  if (!present) await symlink(text, to);
  const behind = await lstat(named).catch(() => undefined);
  const copied = await lstat(join(target, relative(root, named))).catch(() => undefined);
  if (behind?.isFile() && copied === undefined) return copyOne(root, target, named);
  return ok(undefined);
};

const newestTime = async (folder: string, paths: readonly string[]): Promise<number> => {
  let newest = 0;
  for (const path of paths) {
    newest = Math.max(newest, Math.floor((await lstat(join(folder, path))).mtimeMs / 1000));
  }
  return newest;
};

const settleTimes = async (folder: string, epoch: number): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) await utimes(join(entry.parentPath, entry.name), epoch, epoch);
  }
};
