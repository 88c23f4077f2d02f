import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where this user's caches are; `undefined` where there is no home. */
const cacheHome = ({ XDG_CACHE_HOME, HOME, LOCALAPPDATA }: Environment): string | undefined => {
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (HOME) return join(HOME, ".cache");
  return LOCALAPPDATA || undefined;
};

/** A folder, no link to one, of this user, that nobody else can write to. */
const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return false;
  const uid = process.getuid?.();
  return uid === undefined || (found.uid === uid && (found.mode & 0o022) === 0);
};

/**
 * The folder for what V8 made of the tool's own code, made where absent. What is read from there
 * is run, so it is never one for all users; `undefined` where there is no home, or the folder is
 * not this user's alone.
 */
export const compileCacheFolder = (env: Environment): string | undefined => {
  const home = cacheHome(env);
  if (home === undefined) return undefined;
  const folder = join(home, "wheelseal", "compiled");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return isOurs(folder) ? folder : undefined;
  } catch {
    // A cache that cannot be had is no reason to fail.
    return undefined;
  }
};
