import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Build, Builder } from "../../src/clients/builder.ts";
import { type Files, systemFiles } from "../../src/clients/files.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { formatBuildRecord } from "../../src/formats/build-record.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { fail, ok, unwrap } from "../../src/formats/result.ts";
import { type BuildInput, build } from "../../src/stages/1-build.ts";
import type { StageEvent } from "../../src/stages/events.ts";
import { folder } from "./build-support.ts";

const WHEEL = "tiny_pkg-1.0-py3-none-any.whl";
const SDIST = "tiny_pkg-1.0.tar.gz";

/** A builder that "makes" files with their own names as content. */
const fakeBuilder = (
  made: string,
  filenames: readonly string[],
): Builder & { discarded: number } => {
  const builder = {
    discarded: 0,
    inputs: async () => fail("INTERNAL", "nobody asked to keep a build"),
    build: async (request: BuildInput) => {
      mkdirSync(made, { recursive: true });
      for (const name of filenames) writeFileSync(join(made, name), `content of ${name}`);
      const built: Build = {
        filenames,
        path: (name) => join(made, name),
        place: async (name, out) => {
          mkdirSync(out, { recursive: true });
          writeFileSync(join(out, name), readFileSync(join(made, name)));
          return ok(undefined);
        },
        discard: async () => {
          builder.discarded += 1;
        },
        source: { dirty: false, sourceDateEpoch: 1_700_000_000 },
        metadata: request.metadata.version === undefined ? {} : { "project.version": "1.0" },
        backend: { name: "fake", requires: [] },
        python: { version: "3.12.0", implementation: "CPython", platform: "x" },
        resolved: [{ name: "build", version: "1" }],
      };
      return ok(built);
    },
  };
  return builder;
};

const run = async (
  t: TestContext,
  {
    filenames = [WHEEL, SDIST],
    before = {},
    metadata = {},
    files = systemFiles,
    inspect,
  }: {
    filenames?: readonly string[];
    before?: Record<string, string>;
    metadata?: BuildInput["metadata"];
    files?: Files;
    inspect?: (path: string) => ReturnType<Files["remove"]>;
  } = {},
) => {
  const root = folder(t);
  const out = join(root, "out");
  mkdirSync(out);
  for (const [name, text] of Object.entries(before)) writeFileSync(join(out, name), text);
  const builder = fakeBuilder(join(root, "made"), filenames);
  const events: StageEvent[] = [];
  let clock = 1_800_000_000_000;
  const result = await build(
    { project: root, out, reproducible: true, metadata },
    {
      builder,
      files,
      now: () => (clock += 1000),
      report: (event) => events.push(event),
      ...(inspect === undefined ? {} : { inspect }),
    },
  );
  assert.equal(builder.discarded, 1, "the temporary folder is removed in every case");
  assert.equal(events.at(-1)?.kind, result.ok ? "finished" : "failed");
  return { result, out, names: readdirSync(out).sort() };
};

const recordOf = (...filenames: string[]): string =>
  new TextDecoder().decode(
    formatBuildRecord({
      ...{ recordVersion: 1, name: "tiny-pkg", version: "0.9", startedOn: "", finishedOn: "" },
      source: { dirty: false, sourceDateEpoch: 1 },
      settings: { reproducible: false, metadata: {} },
      backend: { name: "fake", requires: [] },
      python: { version: "3.12.0", implementation: "CPython", platform: "x" },
      resolved: [],
      distributions: filenames.map((filename) => ({ filename, sha256: "0".repeat(64), size: 1 })),
    }),
  );

test("the record names the release, the tools, the time and each file's digest", async (t) => {
  const { result, out, names } = await run(t, { metadata: { version: "1.0.0" } });
  const record = unwrap(result);
  assert.deepEqual(names, [SDIST, WHEEL, "wheelseal-build.json"].sort());
  assert.deepEqual(JSON.parse(readFileSync(join(out, "wheelseal-build.json"), "utf8")), record);
  assert.equal(record.name, "tiny-pkg");
  assert.equal(record.startedOn, "2027-01-15T08:00:01.000Z");
  assert.deepEqual(record.settings, { reproducible: true, metadata: { "project.version": "1.0" } });
  assert.deepEqual(record.distributions[0], {
    filename: WHEEL,
    sha256: hex(sha256(utf8(`content of ${WHEEL}`))),
    size: `content of ${WHEEL}`.length,
  });
});

const refused: readonly [string, string, readonly string[], BuildInput["metadata"]?][] = [
  ["nothing", "BUILD_OUTPUT", []],
  ["no wheel", "BUILD_OUTPUT", [SDIST]],
  ["no sdist", "BUILD_OUTPUT", [WHEEL]],
  ["two wheels", "BUILD_OUTPUT", [WHEEL, "tiny_pkg-1.0-py2-none-any.whl"]],
  ["three files", "BUILD_OUTPUT", [WHEEL, SDIST, "tiny_pkg-1.0-py2-none-any.whl"]],
  ["another name", "BUILD_OUTPUT", [WHEEL, "other-1.0.tar.gz"]],
  ["another version", "BUILD_OUTPUT", [WHEEL, "tiny_pkg-1.1.tar.gz"]],
  ["a name that is not normal", "DIST_NAME", [WHEEL, "Tiny.Pkg-1.0.tar.gz"]],
  ["another name than was set", "BUILD_OUTPUT", [WHEEL, SDIST], { name: "other" }],
  ["another version than was set", "BUILD_OUTPUT", [WHEEL, SDIST], { version: "1.0.1" }],
];

for (const [what, code, filenames, metadata = {}] of refused) {
  test(`a backend that makes ${what} is refused, and nothing is written`, async (t) => {
    const { result, names } = await run(t, { filenames, metadata });
    assert.equal(result.ok ? "ok" : result.error.code, code);
    assert.deepEqual(names, []);
  });
}

test("a platform wheel, and a name set in another spelling, are fine", async (t) => {
  const wheel = "tiny_pkg-1.0-cp312-cp312-manylinux_2_17_x86_64.whl";
  const { result } = await run(t, {
    filenames: [wheel, SDIST],
    metadata: { name: "Tiny.Pkg", version: "1.0.0" },
  });
  unwrap(result);
});

test("a file that its inspection refuses is not delivered", async (t) => {
  const { result, names } = await run(t, {
    inspect: async (path) =>
      path.endsWith(".whl") ? fail("DIST_RECORD", "no RECORD") : ok(undefined),
  });
  assert.equal(result.ok ? "ok" : result.error.code, "DIST_RECORD");
  assert.deepEqual(names, []);
});

test("an earlier build's files go with their signatures; unrelated files stay", async (t) => {
  const { result, names } = await run(t, {
    before: {
      "wheelseal-build.json": recordOf("tiny_pkg-0.9.tar.gz", SDIST),
      "tiny_pkg-0.9.tar.gz": "old",
      "tiny_pkg-0.9.tar.gz.sig": "old",
      [`${SDIST}.sigstore.json`]: "old",
      [`.${SDIST}.123.4.tmp`]: "killed",
      "notes.txt": "mine",
    },
  });
  unwrap(result);
  assert.deepEqual(names, ["notes.txt", SDIST, WHEEL, "wheelseal-build.json"].sort());
});

test("a distribution that no record names is neither kept nor removed: the build stops", async (t) => {
  const { result, names } = await run(t, {
    before: { "wheelseal-build.json": recordOf(SDIST), "other-1.0.tar.gz": "?", [SDIST]: "old" },
  });
  assert.equal(result.ok ? "ok" : result.error.code, "BUILD_OUTPUT");
  assert.match(result.ok ? "" : result.error.message, /other-1\.0\.tar\.gz/);
  assert.equal(names.length, 3);
});

test("a run that was killed before its record is completed by the next", async (t) => {
  const { result, names } = await run(t, { before: { [WHEEL]: "whole, but not recorded" } });
  unwrap(result);
  assert.equal(names.length, 3);
});

test("a record that cannot be parsed covers nothing", async (t) => {
  const { result } = await run(t, {
    before: { "wheelseal-build.json": "{", "tiny_pkg-0.9.tar.gz": "?" },
  });
  assert.equal(result.ok ? "ok" : result.error.code, "BUILD_OUTPUT");
});

test("the record is written last", async (t) => {
  const order: string[] = [];
  const files: Files = {
    ...systemFiles,
    write: async (path, content) => {
      order.push(...readdirSync(join(path, "..")));
      return systemFiles.write(path, content);
    },
  };
  unwrap((await run(t, { files })).result);
  assert.deepEqual(order.sort(), [SDIST, WHEEL].sort());
});
