import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { type Listed, readTarByUs, readZipByUs, sorted } from "./python-reader.ts";

type Kind = "zip" | "tar";

const WRITER = fileURLToPath(new URL("write-archives.py", import.meta.url));

/** Archives of the trees, written by Python in one process. */
function writeByPython(
  kind: Kind,
  format: string,
  trees: readonly (readonly Listed[])[],
): Buffer[] {
  const orders = trees.map((members) => ({ kind, format, members }));
  const options = { input: JSON.stringify(orders), maxBuffer: 1 << 28, timeout: 60_000 };
  const lines = execFileSync("python3", ["-X", "utf8", WRITER], options).toString();
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => Buffer.from(line, "base64"));
}

const segment = fc.oneof(
  fc.stringMatching(/^[a-z0-9_]{1,12}$/),
  fc.constantFrom("ä", "日本語", "with space", "x".repeat(90), "y".repeat(120)),
);
const content = fc
  .uint8Array({ maxLength: 1200 })
  .map((bytes) => Buffer.from(bytes).toString("base64"));

/** Members under a folder of their own each, so that none collides with another. */
const treeOf = (links: boolean) =>
  fc
    .array(
      fc.record({
        path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
        kind: fc.constantFrom("file", "file", "folder", ...(links ? ["symlink"] : [])),
        content,
        target: segment,
      }),
      { maxLength: 6 },
    )
    .map((members) =>
      members.map(({ path, kind, ...of }, i): Listed => {
        const said = { file: of.content, folder: "", symlink: of.target }[kind] ?? "";
        return [`${i}/${path}`, kind, said];
      }),
    );

const read = (members: readonly Listed[]): Listed[] =>
  sorted(
    members.map(([path, kind, said]): Listed => {
      const bytes = Buffer.from(said, "base64");
      return [
        path,
        kind,
        kind === "file" ? createHash("sha256").update(bytes).digest("hex") : said,
      ];
    }),
  );

const cases: [Kind, string][] = [
  ["zip", "stored"],
  ["zip", "deflated"],
  ["zip", "streamed"],
  ["zip", "wide"],
  ["tar", "USTAR_FORMAT"],
  ["tar", "GNU_FORMAT"],
  ["tar", "PAX_FORMAT"],
];

describe("trees that Python writes come back as they were", () => {
  for (const [kind, format] of cases) {
    test(`${kind}, ${format}`, async () => {
      const all = fc.sample(treeOf(kind === "tar"), { numRuns: 60, seed: 1 });
      const long = (path: string) => format === "USTAR_FORMAT" && Buffer.byteLength(path) > 90;
      const trees = all
        .filter((tree) => !tree.some(([path, , said]) => long(path) || long(said)))
        .map((tree) => tree.filter(([, of]) => format !== "streamed" || of === "file"));
      assert.ok(trees.length >= 10);
      const archives = writeByPython(kind, format, trees);
      for (const [i, bytes] of archives.entries()) {
        const ours = kind === "zip" ? await readZipByUs(bytes) : await readTarByUs(bytes);
        assert.deepEqual(sorted(ours ?? []), read(trees[i]!));
      }
    });
  }
});
