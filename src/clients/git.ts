import { access, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Environment, plainEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";

/** What git says about a folder. Nothing here changes the repository, not even its index. */
export type GitState = {
  /** The top folder of the work tree, absolute. */
  readonly top: string;
  /** 40 or 64 hexadecimal digits; absent before the first commit. */
  readonly commit?: string;
  /**
   * Seconds since 1970: the committer's time of the last commit that touched the folder, so that
   * other commits of the repository do not change a build; of HEAD where the folder has changes.
   */
  readonly commitTime?: number;
  /** For example `refs/heads/main`; absent on a detached head. */
  readonly ref?: string;
  /** The URL of `origin` without credentials; absent where it is a path of this machine. */
  readonly uri?: string;
  /** Whether the folder's files differ from the commit. */
  readonly dirty: boolean;
};

/**
 * Where the CI component keeps what pip downloads: GitLab caches only paths inside the checkout.
 * Nothing in it is source.
 */
export const CACHE_FOLDER = ".wheelseal-cache";

const GIT_TIME = 120_000;
const MAX_LISTING = 256 * 1024 * 1024;

/** Optional locks would refresh the index; a monitor or hook would run the repository's code. */
const SAFE = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

/** Runs git in `folder` and gives what it prints; fails with BUILD_SOURCE on another end than 0. */
export const git = async (
  folder: string,
  environment: Environment,
  args: readonly string[],
  input?: string,
): Promise<Result<string>> => {
  const { HOME, XDG_CONFIG_HOME } = environment;
  const ended = await runProgram(
    {
      program: "git",
      args: [...SAFE, "-C", folder, ...args],
      env: {
        ...plainEnvironment(environment),
        // Settings of the user, such as safe.directory.
        ...(HOME === undefined ? {} : { HOME }),
        ...(XDG_CONFIG_HOME === undefined ? {} : { XDG_CONFIG_HOME }),
        GIT_OPTIONAL_LOCKS: "0",
        GIT_TERMINAL_PROMPT: "0",
        LC_ALL: "C",
      },
      timeout: GIT_TIME,
      maxOutput: MAX_LISTING,
      ...(input === undefined ? {} : { input }),
    },
    "BUILD_SOURCE",
  );
  if (!ended.ok) return ended;
  if (ended.value.exitCode === 0) return ok(ended.value.stdout);
  return fail("BUILD_SOURCE", `git ${args[0]} failed: ${lastLines(ended.value.tail, 2)}`);
};

/** Whether the folder or one above it has a `.git`: known before git is asked. */
const inRepository = async (folder: string): Promise<boolean> => {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const present = await access(join(at, ".git")).then(
      () => true,
      () => false,
    );
    if (present) return true;
    if (dirname(at) === at) return false;
  }
};

/**
 * The URL without user, password, query and fragment; the scp form `git@host:path` is kept, as
 * its user is no secret. Paths of this machine and unknown forms are `undefined`.
 */
export const publicUri = (url: string): string | undefined => {
  if (/^[\w.-]+@[\w.-]+:[^\s]+$/.test(url)) return url;
  const parsed = URL.parse(url);
  if (parsed === null || !["https:", "http:", "ssh:", "git:"].includes(parsed.protocol)) {
    return undefined;
  }
  const user = parsed.protocol === "ssh:" && parsed.username !== "" ? `${parsed.username}@` : "";
  return `${parsed.protocol}//${user}${parsed.host}${parsed.pathname}`;
};

/** Where history was cut off, the oldest commit seems to have made every file: HEAD is no worse. */
const commitTime = async (
  folder: string,
  environment: Environment,
  dirty: boolean,
): Promise<Result<number>> => {
  const last = async (...paths: string[]) => {
    const args = ["log", "-1", "--format=%ct %H", "--no-show-signature", ...paths];
    const printed = await git(folder, environment, args);
    return printed.ok ? ok(printed.value.trim().split(" ")) : printed;
  };
  const head = await last();
  if (!head.ok) return head;
  const touching = dirty ? head : await last("--", ".");
  const [time = "", commit = ""] = touching.ok ? touching.value : [];
  const cut = await git(folder, environment, ["rev-parse", "--git-path", "shallow"]);
  const boundary = cut.ok
    ? await readFile(resolve(folder, cut.value.trim()), "utf8").catch(() => "")
    : "";
  const known = time !== "" && !boundary.includes(commit);
  return ok(Number(known ? time : head.value[0]));
};

/**
 * The commit and the tags that a version taken from git depends on, as text; empty outside git.
 */
export const gitNames = async (folder: string, environment: Environment): Promise<string> => {
  const commit = await git(folder, environment, ["rev-parse", "--verify", "--quiet", "HEAD"]);
  if (!commit.ok) return "";
  const tags = await git(folder, environment, [
    ...["for-each-ref", "--format=%(objectname) %(refname)", "--merged=HEAD", "refs/tags"],
  ]);
  return `${commit.value}${tags.ok ? tags.value : ""}`;
};

/**
 * The state of the repository that holds `folder`; `undefined` outside any. `ignoring` is a folder, absolute,
 * whose files do not count as changes: the output folder.
 *
 * Fails with BUILD_SOURCE where git refuses or is not installed.
 */
export const gitState = async (
  folder: string,
  environment: Environment,
  ignoring: string,
): Promise<Result<GitState | undefined>> => {
  if (!(await inRepository(folder))) return ok(undefined);
  const ask = (...args: string[]) => git(folder, environment, args);
  const top = await ask("rev-parse", "--show-toplevel");
  if (!top.ok) return top;
  const ignored = relative(resolve(folder), ignoring);
  const status = await ask(
    ...["status", "--porcelain", "--untracked-files=all", "--", "."],
    `:(top,exclude,literal)${CACHE_FOLDER}`,
    ...(ignored === "" || ignored.startsWith("..") ? [] : [`:(exclude,literal)${ignored}`]),
  );
  if (!status.ok) return status;
  const commit = await ask("rev-parse", "--verify", "--quiet", "HEAD");
  const time = await commitTime(folder, environment, status.value !== "");
  const ref = await ask("symbolic-ref", "--quiet", "HEAD");
  const origin = await ask("config", "--get", "remote.origin.url");
  const uri = origin.ok ? publicUri(origin.value.trim()) : undefined;
  return ok({
    top: top.value.replace(/\r?\n$/, ""),
    dirty: status.value !== "",
    ...(commit.ok && time.ok ? { commit: commit.value.trim(), commitTime: time.value } : {}),
    ...(ref.ok ? { ref: ref.value.trim() } : {}),
    ...(uri === undefined ? {} : { uri }),
  });
};
