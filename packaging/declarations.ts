import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Plugin } from "rolldown";

const IMPORT = /(?<=\bfrom "|\bimport\(")(\.{1,2}\/[^"]+)\.ts(?=")/g;

/** A declaration file and all that it imports, by their paths, each once. */
const reachable = (entry: string): Map<string, string> => {
  const found = new Map<string, string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    const text = readFileSync(path, "utf8");
    found.set(path, text);
    for (const [, target = ""] of text.matchAll(IMPORT)) {
      visit(join(dirname(path), `${target}.d.ts`));
    }
  };
  visit(entry);
  return found;
};

/**
 * Makes the declarations of the library's entry with the compiler, and copies those that it leads
 * to into `types/` of the bundle. Imports then end in `.js`, as users' compilers expect.
 */
export const declarationsPlugin = (root: string, entry: string): Plugin => ({
  name: "declarations",
  writeBundle({ dir = join(root, "dist") }) {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-b", "src"], { cwd: root });
    const from = join(root, "build");
    for (const [path, text] of reachable(join(from, entry))) {
      const target = join(dir, "types", relative(from, path));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text.replace(IMPORT, "$1.js"));
    }
  },
});
