import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CACHE_FOLDER, gitState } from "../../src/clients/git.ts";
import { copySource } from "../../src/clients/source-copy.ts";
import { unwrap } from "../../src/formats/result.ts";

const environment = process.env;

/** A project with a file, and with what a CI job's pip left in the cache folder. */
const makeProject = (inGit: boolean): { work: string; project: string } => {
  const work = realpathSync(mkdtempSync(join(tmpdir(), "wheelseal-cache-")));
  const project = join(work, "project");
  mkdirSync(join(project, CACHE_FOLDER, "pip"), { recursive: true });
  writeFileSync(join(project, "pyproject.toml"), "");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", project, "-c", "user.name=x", "-c", "user.email=x@y.z", ...args]);
  if (inGit) {
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message=x");
  }
  writeFileSync(join(project, CACHE_FOLDER, "pip", "download"), "x");
  return { work, project };
};

for (const inGit of [true, false]) {
  test(`${inGit ? "in git" : "outside git"} the CI cache is neither copied nor a change`, async () => {
    const { work, project } = makeProject(inGit);
    const out = join(project, "dist");
    const state = unwrap(await gitState(project, environment, out));
    assert.equal(state?.dirty, inGit ? false : undefined);
    const target = join(work, "target");
    mkdirSync(target);
    const copy = unwrap(await copySource({ project, out, target, state, environment }));
    const names = readdirSync(copy.folder).filter((name) => name !== ".git");
    assert.deepEqual(names, ["pyproject.toml"]);
    rmSync(work, { recursive: true });
  });
}
