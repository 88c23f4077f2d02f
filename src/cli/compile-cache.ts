import { lstatSync, mkdirSync, realpathSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where this user's caches are; `undefined` where there is no home. A relative path is none (XDG
 * Base Directory Specification): it would be in whatever folder the tool is started in.
 */
const cacheHome = ({ XDG_CACHE_HOME = "", HOME = "", LOCALAPPDATA }: Environment) => {
  if (isAbsolute(XDG_CACHE_HOME)) return XDG_CACHE_HOME;
  if (isAbsolute(HOME)) return join(HOME, ".cache");
  return LOCALAPPDATA || undefined;
};

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/** Whether nobody but this user and root can put something else in the place of what is inside. */
const keepsPlace = ({ uid, mode }: Stats, user: number): boolean =>
  (uid === user || uid === 0) && ((mode & WRITABLE_BY_OTHERS) === 0 || (mode & STICKY) !== 0);

/** A folder, no link to one, of this user, that nobody else can write to, move or replace. */
const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return false;
  const user = process.getuid?.();
  if (user === undefined) return true;
  if (found.uid !== user || (found.mode & WRITABLE_BY_OTHERS) !== 0) return false;
  const real = realpathSync(folder);
  for (let inside = real, above = dirname(real); above !== inside; above = dirname(above)) {
    if (!keepsPlace(lstatSync(above), user)) return false;
    inside = above;
  }
  return true;
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
    // Without links on the way, which could be changed later.
    return isOurs(folder) ? realpathSync(folder) : undefined;
  } catch {
    // A cache that cannot be had is no reason to fail.
    return undefined;
  }
};
