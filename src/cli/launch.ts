import { lstatSync, mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";

/** Where this user's caches are; `undefined` where there is no home. */
const cacheHome = (env: NodeJS.ProcessEnv): string | undefined => {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (HOME) return join(HOME, ".cache");
  return LOCALAPPDATA || undefined;
};

/** What is read from here is run: so it must be a folder that nobody else can write to. */
const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return false;
  const uid = process.getuid?.();
  return uid === undefined || (found.uid === uid && (found.mode & 0o022) === 0);
};

/**
 * Keeps what V8 made of the tool's own code, in a folder of this user's alone, and never in one
 * for all users. Without a home, or where the folder is not ours, everything is compiled anew.
 * NODE_DISABLE_COMPILE_CACHE=1 leaves it out.
 */
const keepCompiledCode = (): void => {
  const home = cacheHome(process.env);
  if (home === undefined) return;
  const folder = join(home, "wheelseal", "compiled");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (isOurs(folder)) enableCompileCache(folder);
  } catch {
    // A cache that cannot be had is no reason to fail.
  }
};

keepCompiledCode();
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine();
