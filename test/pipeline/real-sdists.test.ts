import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { STAGES } from "../../src/stages/events.ts";
import { runCommand } from "./command.ts";
import { publishedSdist } from "./published-sdist.ts";

type Real = {
  readonly name: string;
  readonly version: string;
  readonly what: string;
  readonly imported: string;
  readonly wheel: RegExp;
};

const REAL: readonly Real[] = [
  {
    name: "packaging",
    version: "26.3",
    what: "pure Python, flit",
    imported: "packaging",
    wheel: /^packaging-26\.3-py3-none-any\.whl$/,
  },
  {
    name: "markupsafe",
    version: "3.0.4",
    what: "a C extension, setuptools",
    imported: "markupsafe",
    wheel: /^markupsafe-3\.0\.4-cp\d+-cp\d+-(?!any).+\.whl$/,
  },
  {
    name: "pluggy",
    version: "1.7.0",
    what: "a version that is dynamic, setuptools-scm",
    imported: "pluggy",
    wheel: /^pluggy-1\.7\.0-py3-none-any\.whl$/,
  },
];

/** The unpacked sdist; where no index answers the test is skipped, but in CI that is a failure. */
const fetched = async (t: TestContext, { name, version }: Real): Promise<string | undefined> => {
  try {
    const project = await publishedSdist(name, version);
    t.after(() => rmSync(dirname(project), { recursive: true, force: true }));
    return project;
  } catch (error) {
    const unreachable = error instanceof Error && error.message.startsWith("NETWORK_UNREACHABLE");
    if (!unreachable || process.env.CI !== undefined) throw error;
    t.skip("the package index cannot be reached");
    return undefined;
  }
};

describe("the six stages on published sdists", { concurrency: 2 }, () => {
  for (const real of REAL) {
    test(`${real.name} ${real.version}: ${real.what}`, async (t) => {
      const project = await fetched(t, real);
      if (project === undefined) return;
      const state = join(dirname(project), "state");
      const args = ["pipeline", project, "--profile", "local", "--state", state, "--json"];
      const { code, stdout, stderr } = await runCommand(args);
      assert.equal(code, 0, stderr);
      const report = JSON.parse(stdout);
      assert.equal(report.ok, true);
      const done = report.timeline.filter((stage: { state: string }) => stage.state === "done");
      assert.deepEqual(
        done.map(({ stage }: { stage: string }) => stage),
        STAGES,
      );
      assert.deepEqual([report.record.name, report.record.version], [real.name, real.version]);
      const filenames: string[] = report.files.map((file: { filename: string }) => file.filename);
      assert.equal(filenames.length, 2);
      assert.ok(filenames.includes(`${real.name}-${real.version}.tar.gz`));
      assert.ok(
        filenames.some((name) => real.wheel.test(name)),
        filenames.join(),
      );
      for (const file of report.files) {
        assert.equal(file.failure, undefined);
        const kinds = file.proofs.map((proof: { kind: string }) => proof.kind);
        assert.deepEqual(kinds, ["bundle", "publish", "provenance"]);
      }
      assert.ok(report.imported.includes(real.imported), report.imported.join());
    });
  }
});
