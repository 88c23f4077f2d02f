import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type MemberPath, parseMemberPath } from "../../src/dists/member-path.ts";
import type { TarEntry } from "../../src/dists/tar.ts";
import { checkLinks } from "../../src/dists/tar-links.ts";
import { unwrap } from "../../src/formats/result.ts";
import { refused } from "./expect.ts";

const ROOT = "r";
const pathOf = (text: string): MemberPath => unwrap(parseMemberPath(text));

/** Follows a path as an operating system does; `undefined` for a loop. What is not there is plain. */
function follow(
  links: ReadonlyMap<string, string>,
  from: readonly string[],
  path: string,
): string[] | undefined {
  const todo = path.split("/");
  let at = [...from];
  for (let steps = 0; todo.length > 0; steps += 1) {
    if (steps > 200) return undefined;
    const segment = todo.shift() as string;
    if (segment === "" || segment === ".") continue;
    if (segment === "..") {
      // Above the place of unpacking there are other folders still.
      at = at.length > 0 && at.at(-1) !== "^" ? at.slice(0, -1) : [...at, "^"];
      continue;
    }
    const target = links.get([...at, segment].join("/"));
    if (target === undefined) at = [...at, segment];
    else todo.unshift(...target.split("/"));
  }
  return at;
}

const segment = fc.constantFrom("a", "b", "c");
const place = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((path) => [ROOT, ...path].join("/"));
const target = fc
  .array(fc.constantFrom("..", "..", ".", "a", "b", "c", ROOT), { minLength: 1, maxLength: 5 })
  .map((path) => path.join("/"));
const tree = fc.uniqueArray(fc.tuple(place, target), { maxLength: 4, selector: ([path]) => path });

test("no accepted link leads out of the root, however it is followed", () => {
  let accepted = 0;
  fc.assert(
    fc.property(tree, (pairs) => {
      const entries = pairs.map(
        ([path, linkTarget]): TarEntry => ({
          path: pathOf(path),
          kind: "symlink",
          size: 0,
          mode: 0o777,
          linkTarget,
        }),
      );
      if (!checkLinks(entries, ROOT).ok) return;
      accepted += pairs.length;
      const links = new Map(pairs);
      for (const [path, linkTarget] of pairs) {
        const end = follow(links, path.split("/").slice(0, -1), linkTarget);
        assert.ok(end === undefined || end[0] === ROOT, `${path} leads to ${end?.join("/")}`);
      }
    }),
    { numRuns: 5000, seed: 706 },
  );
  assert.ok(accepted > 300, `only ${accepted} links were accepted`);
});

test("members behind a link, and links that climb higher than they are, are refused", () => {
  const entry = (path: string, kind: TarEntry["kind"], linkTarget = ""): TarEntry => ({
    path: pathOf(path),
    kind,
    size: 0,
    mode: 0o644,
    linkTarget,
  });
  const cases: [TarEntry[], RegExp][] = [
    [[entry("r/l", "symlink", "a"), entry("r/l/x", "file")], /lies behind a symbolic link/],
    [[entry("r/a/x", "symlink", "../../../y")], /out of its folder/],
    [[entry("r/a/b/x", "symlink", "../../../../y")], /out of its folder/],
    [[entry("r/a/x", "symlink", "../../r2")], /out of its folder/],
  ];
  for (const [entries, message] of cases) {
    refused(checkLinks(entries, ROOT), "DIST_TAR", message);
  }
});
