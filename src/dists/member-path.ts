import { fail, ok, type Result } from "../formats/result.ts";
import { shown } from "./name.ts";

/** A relative path below the unpacking folder, `/` between segments, no `.`, `..` or empty segment. */
export type MemberPath = string & { readonly brand: "MemberPath" };

const MAX_PATH = 2048;
const MAX_SEGMENT = 255;
const MAX_DEPTH = 100;
const MAX_FOLDERS = 200_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * Accepts a path that every system unpacks to the same place below the folder it is given.
 * @param text - without a trailing slash
 * @returns DIST_PATH
 */
export const parseMemberPath = (text: string): Result<MemberPath> => {
  const why = complaint(text);
  return why === undefined
    ? ok(text as MemberPath)
    : fail("DIST_PATH", `the member path ${shown(text)} ${why}`);
};

const complaint = (text: string): string | undefined => {
  if (text === "") return "is empty";
  if (text.length > MAX_PATH) return "is too long";
  if (CONTROL.test(text)) return "has control characters";
  if (text.includes("\\")) return "has a backslash";
  if (text.startsWith("/")) return "is absolute";
  if (/^[A-Za-z]:/.test(text)) return "begins with a drive";
  const segments = text.split("/");
  if (segments.length > MAX_DEPTH) return "is too deep";
  if (segments.includes("..")) return "climbs out of its folder";
  if (segments.some((segment) => segment === "" || segment === ".")) return "has an empty segment";
  if (segments.some((segment) => /^[. ]+$/.test(segment))) return "has a segment of dots or spaces";
  if (segments.some((segment) => segment.length > MAX_SEGMENT)) return "has a too long segment";
  return undefined;
};

/** The folders above a path, nearest first: `a/b/c` has `a/b` and `a`. */
export const foldersAbove = (path: string): string[] => {
  const folders: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    folders.push(path.slice(0, end));
  }
  return folders;
};

/** Characters that some file systems ignore in names. */
const IGNORED = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/**
 * One spelling for all paths that some file system or tool takes for the same: case, Unicode
 * composition, ignored characters, characters that Windows lacks (unpackers write `_`), dots and
 * spaces at the end of a segment (Windows drops them).
 */
const collisionKey = (path: string): string =>
  path
    .replace(IGNORED, "")
    .replace(/[:<>|"?*]/g, "_")
    .normalize("NFC")
    .toUpperCase()
    .toLowerCase()
    .replace(/[. ]+(?=\/|$)/g, "");

/**
 * Remembers the members of one archive and refuses, with DIST_PATH, what would overwrite another:
 * the same path twice, a path that differs only in case or composition, a file where a folder is.
 * More than 200,000 folders are DIST_SIZE.
 */
export type PathRegister = {
  add(path: string, kind: "folder" | "leaf"): Result<void>;
};

export const pathRegister = (): PathRegister => {
  const leaves = new Map<string, string>();
  const folders = new Map<string, string>();
  const explicit = new Set<string>();
  const clash = (path: string, other: string) =>
    fail("DIST_PATH", `the members ${shown(other)} and ${shown(path)} collide`);
  return {
    add: (path, kind) => {
      const key = collisionKey(path);
      for (const above of foldersAbove(key)) {
        const leaf = leaves.get(above);
        if (leaf !== undefined) return clash(path, leaf);
        // What is above a known folder is known too.
        if (folders.has(above)) break;
        if (folders.size >= MAX_FOLDERS) return fail("DIST_SIZE", "there are too many folders");
        folders.set(above, path);
      }
      const leaf = leaves.get(key);
      if (leaf !== undefined) return clash(path, leaf);
      const folder = folders.get(key);
      if (kind === "leaf") {
        if (folder !== undefined) return clash(path, folder);
        leaves.set(key, path);
        return ok(undefined);
      }
      if (explicit.has(key)) return clash(path, folder ?? path);
      explicit.add(key);
      folders.set(key, path);
      return ok(undefined);
    },
  };
};
