import { fail, ok, type Result } from "../formats/result.ts";
import { foldersAbove, parseMemberPath } from "./member-path.ts";
import { shown } from "./name.ts";
import type { TarEntry } from "./tar.ts";

/**
 * Proves that no link of a tar leads out of its root folder, however it is unpacked. Symbolic
 * links are relative and end inside; nothing is written or linked through one; hard links name a
 * file that came before.
 * @returns DIST_TAR
 * @see PEP 706, the data filter, which this narrows
 */
export const checkLinks = (entries: readonly TarEntry[], root: string): Result<void> => {
  const symlinks = new Set<string>(
    entries.filter((entry) => entry.kind === "symlink").map((entry) => entry.path),
  );
  const throughLink = (path: string) =>
    symlinks.size > 0 && foldersAbove(path).some((folder) => symlinks.has(folder));
  const files = new Set<string>();
  for (const entry of entries) {
    if (throughLink(entry.path)) return refuse(entry, "lies behind a symbolic link");
    if (entry.kind === "file") files.add(entry.path);
    if (entry.kind === "hardlink" && !files.has(entry.linkTarget)) {
      return refuse(entry, "is a hard link to no earlier file");
    }
    if (entry.kind !== "symlink") continue;
    const target = resolve(entry);
    if (target === undefined || (target !== root && !target.startsWith(`${root}/`))) {
      return refuse(entry, `is a symbolic link out of its folder, to ${shown(entry.linkTarget)}`);
    }
    if (throughLink(target)) return refuse(entry, "is a symbolic link through another");
  }
  return ok(undefined);
};

const refuse = (entry: TarEntry, why: string) =>
  fail("DIST_TAR", `the member ${shown(entry.path)} ${why}`);

/**
 * The path a symbolic link points to, or `undefined` where it is no path inside the archive.
 * `..` may only come first: after a folder that is itself a link it would climb from elsewhere.
 */
const resolve = (entry: TarEntry): string | undefined => {
  const [, climb = "", below = ""] =
    /^(?:\.\/)?((?:\.\.(?:\/|$))*)(.*)$/s.exec(entry.linkTarget) ?? [];
  const up = climb.split("..").length - 1;
  const folder = entry.path.split("/").slice(0, -1);
  if (up > folder.length) return undefined;
  const at = folder.slice(0, folder.length - up);
  if (below === "" && up > 0) return at.join("/");
  // Judged alone, since a drive or a slash at its beginning makes it absolute.
  return parseMemberPath(below).ok ? [...at, below].join("/") : undefined;
};
