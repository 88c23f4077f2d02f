import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Write } from "./disk-bytes.ts";
import type { Pages } from "./disk-database.ts";

/** A file's content, wherever its name is. */
export type Inode = { durable: Uint8Array; pending: Write[] };

export type NameChange =
  | { readonly kind: "link"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string; readonly inode: Inode }
  | { readonly kind: "folder"; readonly path: string };

/** `a/b/c`: `a`, `a/b`, `a/b/c`. */
export const foldersTo = (path: string): string[] => {
  const parts = path.split("/").filter((part) => part !== "");
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
};

/** Brings a change of names to the disk. */
export const settle = (names: Map<string, Inode | "folder">, change: NameChange): void => {
  switch (change.kind) {
    case "link":
      names.set(change.path, change.inode);
      return;
    case "unlink":
      names.delete(change.path);
      return;
    case "rename":
      names.delete(change.from);
      names.set(change.to, change.inode);
      return;
    case "folder":
      names.set(change.path, "folder");
      return;
    default:
      change satisfies never;
  }
};

/** Writes what is left; what lies in a folder that is not there is lost with it. */
export const layOut = (
  root: string,
  names: Map<string, Inode | "folder">,
  databases: ReadonlyMap<string, Pages>,
): void => {
  const isThere = (path: string): boolean =>
    foldersTo(dirname(path) === "." ? "" : dirname(path)).every(
      (folder) => names.get(folder) === "folder",
    );
  mkdirSync(root, { recursive: true, mode: 0o700 });
  for (const [path, inode] of [...names].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isThere(path)) names.delete(path);
    else if (inode === "folder") mkdirSync(join(root, path));
    else writeFileSync(join(root, path), inode.durable, { mode: 0o600 });
  }
  for (const [path, { main, wal }] of databases) {
    if (!isThere(path)) continue;
    if (main !== undefined) writeFileSync(join(root, path), main);
    if (wal !== undefined) writeFileSync(join(root, `${path}-wal`), wal);
  }
};
