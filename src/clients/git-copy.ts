import { appendFile, copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { ok, type Result } from "../formats/result.ts";
import type { Environment } from "./environment.ts";
import { git } from "./git.ts";

/**
 * Makes `target`, which holds a copy of some of the work tree's files, a repository with the same
 * commit, tags and index as the one that holds `project`. Objects are borrowed through
 * `alternates`, so nothing is copied but names; files of the index that are not in the copy count
 * as unchanged (a sparse work tree).
 *
 * Works for worktrees, shallow clones and repositories without a commit. Fails with BUILD_SOURCE.
 */
export const copyRepository = async (
  project: string,
  target: string,
  environment: Environment,
): Promise<Result<void>> => {
  const asked = await git(project, environment, [
    ...["rev-parse", "--show-toplevel", "--git-common-dir", "--git-path", "index"],
    ...["--show-object-format", "--show-prefix"],
  ]);
  if (!asked.ok) return asked;
  const [, common = "", index = "", format = "sha1", prefix = ""] = asked.value.split("\n");
  const made = await git(target, environment, [
    ...["init", "--quiet", `--object-format=${format}`, "--template=", "."],
  ]);
  if (!made.ok) return made;
  const into = join(target, ".git");
  await mkdir(join(into, "objects", "info"), { recursive: true });
  const from = resolve(project, common);
  await writeFile(join(into, "objects", "info", "alternates"), `${join(from, "objects")}\n`);
  await copyIfPresent(join(from, "shallow"), join(into, "shallow"));
  const named = await copyNames(project, target, environment);
  if (!named.ok) return named;
  await copyIfPresent(resolve(project, index), join(into, "index"));
  return markAbsent(target, prefix, environment);
};

const copyIfPresent = (from: string, to: string): Promise<void> =>
  copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });

/** HEAD and all tags; other branches are nobody's business in a build. */
const copyNames = async (
  project: string,
  target: string,
  environment: Environment,
): Promise<Result<void>> => {
  const tags = await git(project, environment, [
    ...["for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"],
  ]);
  if (!tags.ok) return tags;
  const into = join(target, ".git");
  await writeFile(join(into, "packed-refs"), tags.value);
  const branch = await git(project, environment, ["symbolic-ref", "--quiet", "HEAD"]);
  const commit = await git(project, environment, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  if (branch.ok) await writeFile(join(into, "HEAD"), `ref: ${branch.value.trim()}\n`);
  if (!commit.ok) return ok(undefined);
  if (branch.ok) {
    await appendFile(join(into, "packed-refs"), `${commit.value.trim()} ${branch.value.trim()}\n`);
  } else await writeFile(join(into, "HEAD"), commit.value);
  return ok(undefined);
};

/** Files outside the project were not copied: that must not look like deleting them. */
const markAbsent = async (
  target: string,
  prefix: string,
  environment: Environment,
): Promise<Result<void>> => {
  if (prefix === "") return ok(undefined);
  const outside = await git(target, environment, [
    ...["ls-files", "-z", "--", ".", `:(exclude,top,literal)${prefix}`],
  ]);
  if (!outside.ok || outside.value === "") return outside.ok ? ok(undefined) : outside;
  return markUnchanged(target, outside.value, environment);
};

/** `paths` end in NUL each and are relative to `target`. */
const markUnchanged = async (
  target: string,
  paths: string,
  environment: Environment,
): Promise<Result<void>> => {
  const marked = await git(
    target,
    environment,
    ["update-index", "--skip-worktree", "-z", "--stdin"],
    paths,
  );
  return marked.ok ? ok(undefined) : marked;
};

/** Lets a file of the copy that was edited on purpose count as unchanged. */
export const hideEdit = async (
  target: string,
  path: string,
  environment: Environment,
): Promise<Result<void>> => {
  const tracked = await git(target, environment, ["ls-files", "-z", "--", relative(target, path)]);
  if (!tracked.ok || tracked.value === "") return tracked.ok ? ok(undefined) : tracked;
  return markUnchanged(target, tracked.value, environment);
};
