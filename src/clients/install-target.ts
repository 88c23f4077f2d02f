import { lstat, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";

const MAX_DEPTH = 64;

/** The first symbolic link below a folder, or a path that is nested too deeply. */
const linkBelow = async (folder: string, depth: number): Promise<string | undefined> => {
  if (depth > MAX_DEPTH) return folder;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if ((await lstat(path)).isSymbolicLink()) return path;
    const found = entry.isDirectory() ? await linkBelow(path, depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * Checks that no link stands in a folder that is installed into: pip leaves one where a package
 * should be, and ends well; uv writes through it. The folder itself may be one, as it was named.
 *
 * @returns INSTALL_TARGET for a link, FILE_UNREADABLE
 */
export const checkTarget = async (folder: string): Promise<Result<void>> => {
  try {
    const link = await linkBelow(folder, 0);
    return link === undefined
      ? ok(undefined)
      : fail("INSTALL_TARGET", `${relative(folder, link)} in ${folder} is a link`);
  } catch (error) {
    const code = (error as { code?: string }).code ?? "unknown error";
    return code === "ENOENT" ? ok(undefined) : fail("FILE_UNREADABLE", `${folder}: ${code}`);
  }
};
