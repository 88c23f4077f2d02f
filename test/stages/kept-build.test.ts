import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { systemBuilder } from "../../src/clients/builder.ts";
import type { Environment } from "../../src/clients/environment.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { surroundingsDigest } from "../../src/clients/source-digest.ts";
import {
  type BuildRecord,
  formatBuildRecord,
  parseBuildRecord,
} from "../../src/formats/build-record.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { BuildInput } from "../../src/stages/1-build.ts";
import { keptBuild } from "../../src/stages/kept-build.ts";
import { commitAll, folder, ownBackend, runBuild, runGit, write } from "./build-support.ts";

type Place = { readonly root: string; readonly project: string; readonly out: string };

const SDIST = "tiny_pkg-1.0.tar.gz";

let first: string;

/** A project in a folder of a repository, built once: each test has a copy. */
before(async () => {
  first = mkdtempSync(join(tmpdir(), "wheelseal-test-"));
  const project = join(first, "packages", "tiny");
  write(first, { README: "one\n" });
  write(project, { ...ownBackend(), ".gitignore": "dist\n" });
  commitAll(first);
  const ran = await runBuild({ project, out: join(project, "dist"), keep: "same-source" });
  unwrap(ran.result);
});

after(() => rmSync(first, { recursive: true, force: true }));

const built = (t: TestContext): Place => {
  const root = folder(t);
  cpSync(first, root, { recursive: true });
  const project = join(root, "packages", "tiny");
  return { root, project, out: join(project, "dist") };
};

/** Whether the build that is there is kept. */
const isKept = async (
  place: Place,
  input: Partial<BuildInput> = {},
  environment: Environment = process.env,
): Promise<boolean> => {
  const builder = systemBuilder({ environment });
  const kept = await keptBuild(
    { ...place, reproducible: true, metadata: {}, keep: "same-source", ...input },
    { builder, files: systemFiles },
  );
  return unwrap(kept) !== undefined;
};

const commit = (root: string, path: string): void => {
  write(root, { [path]: `${Math.random()}\n` });
  runGit(root, "add", "-A");
  runGit(root, "commit", "-q", "-m", "more");
};

const alter = (place: Place, change: (record: BuildRecord) => unknown): void => {
  const path = join(place.out, "wheelseal-build.json");
  const record = unwrap(parseBuildRecord(readFileSync(path)));
  writeFileSync(path, formatBuildRecord({ ...record, ...(change(record) as object) }));
};

const KEPT: readonly (readonly [string, (place: Place) => void])[] = [
  ["nothing happened", () => undefined],
  ["another part of the repository was committed", ({ root }) => commit(root, "README")],
  [
    "a tag was set that the version does not come from",
    ({ root }) => void runGit(root, "tag", "v2"),
  ],
  ["files beside the distributions came", ({ out }) => write(out, { [`${SDIST}.sig`]: "s" })],
  ["a write was killed", ({ out }) => write(out, { [`.${SDIST}.sig.12.3.tmp`]: "s" })],
];

const BUILT: readonly (readonly [string, (place: Place) => void])[] = [
  ["a file changed", ({ project }) => appendFileSync(join(project, "tiny_pkg.py"), "# more\n")],
  ["a file came", ({ project }) => write(project, { "new.py": "" })],
  ["a file went", ({ project }) => rmSync(join(project, "backend.py"))],
  ["a mode changed", ({ project }) => chmodSync(join(project, "tiny_pkg.py"), 0o755)],
  ["a distribution was changed", ({ out }) => appendFileSync(join(out, SDIST), "x")],
  ["a distribution is missing", ({ out }) => rmSync(join(out, SDIST))],
  ["the record is broken", ({ out }) => writeFileSync(join(out, "wheelseal-build.json"), "{")],
  [
    "the record has no fingerprint",
    (place) => alter(place, ({ source: { digest: _, ...source } }) => ({ source })),
  ],
  [
    "another Python built it",
    (place) => alter(place, ({ python }) => ({ python: { ...python, version: "3.9.0" } })),
  ],
  [
    "other metadata was set",
    (place) =>
      alter(place, ({ settings }) => ({
        settings: { ...settings, metadata: { "project.name": "x" } },
      })),
  ],
];

describe("a build that is there", { concurrency: 2 }, () => {
  for (const [what, act] of KEPT) {
    test(`is kept when ${what}`, async (t) => {
      const place = built(t);
      act(place);
      assert.equal(await isKept(place), true);
      const left = readdirSync(place.out).filter((name) => name.endsWith(".tmp"));
      assert.deepEqual(left, []);
    });
  }
  for (const [what, act] of BUILT) {
    test(`is made anew when ${what}`, async (t) => {
      const place = built(t);
      act(place);
      assert.equal(await isKept(place), false);
    });
  }

  test("is made anew with other settings and in other surroundings", async (t) => {
    const place = built(t);
    assert.equal(await isKept(place, { reproducible: false }), false);
    assert.equal(await isKept(place, { metadata: { name: "other" } }), false);
    assert.equal(await isKept(place, {}, { ...process.env, CFLAGS: "-O1" }), false);
  });

  test("is made anew at another commit where the commit is certified", async (t) => {
    const place = built(t);
    assert.equal(await isKept(place, { keep: "same-commit" }), true);
    commit(place.root, "README");
    assert.equal(await isKept(place, { keep: "same-commit" }), false);
  });

  test("says so, and is built again on request alone", async (t) => {
    const place = built(t);
    const record = () => readFileSync(join(place.out, "wheelseal-build.json"), "utf8");
    const before = record();
    const kept = await runBuild({ ...place, keep: "same-source" });
    assert.equal(record(), before);
    assert.match(JSON.stringify(kept.events.at(-1)), /kept as it was built/);
    unwrap((await runBuild(place)).result);
    assert.notEqual(record(), before);
  });
});

test("surroundings hold commit and tags where the version comes from git", async (t) => {
  const { root, project } = built(t);
  const digest = (pyproject: string) => surroundingsDigest(project, pyproject, {});
  const stated = '[project]\nversion = "1"\n';
  const taken = [
    '[project]\ndynamic = ["version"]\n',
    `${stated}[build-system]\nrequires = ["hatch-vcs"]\n`,
  ];
  const before = await Promise.all([stated, ...taken].map(digest));
  runGit(root, "tag", "v3");
  const after = await Promise.all([stated, ...taken].map(digest));
  assert.deepEqual(
    after.map((now, at) => now === before[at]),
    [true, false, false],
  );
});
