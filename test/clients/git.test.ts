import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gitState, publicUri } from "../../src/clients/git.ts";
import { unwrap } from "../../src/formats/result.ts";
import { commitAll, folder, runGit } from "../stages/build-support.ts";

const uris: readonly [string, string | undefined][] = [
  ["https://gitlab-ci-token:SECRET@gitlab.example/a/b.git", "https://gitlab.example/a/b.git"],
  [
    "https://oauth2:SECRET@gitlab.example:8443/a/b?private_token=SECRET#SECRET",
    "https://gitlab.example:8443/a/b",
  ],
  ["git@gitlab.example:a/b.git", "git@gitlab.example:a/b.git"],
  ["ssh://git:SECRET@gitlab.example/a/b.git", "ssh://git@gitlab.example/a/b.git"],
  ["/home/somebody/b", undefined],
  ["../b", undefined],
  ["file:///home/somebody/b", undefined],
  ["ext::sh -c SECRET", undefined],
];

for (const [url, want] of uris) {
  test(`publicUri of ${url.replaceAll("SECRET", "…")}`, () => assert.equal(publicUri(url), want));
}

test("commit, time, ref, origin and changes", async (t) => {
  const root = folder(t);
  writeFileSync(join(root, "a"), "1");
  commitAll(root);
  runGit(root, "remote", "add", "origin", "https://u:SECRET@gitlab.example/a/b.git");
  const out = join(root, "dist");
  assert.deepEqual(unwrap(await gitState(root, process.env, out)), {
    top: root,
    commit: runGit(root, "rev-parse", "HEAD").trim(),
    commitTime: 1_700_000_000,
    ref: "refs/heads/main",
    uri: "https://gitlab.example/a/b.git",
    dirty: false,
  });
  mkdirSync(out);
  writeFileSync(join(out, "x.whl"), "");
  assert.equal(unwrap(await gitState(root, process.env, out))?.dirty, false);
  writeFileSync(join(root, "new"), "");
  assert.equal(unwrap(await gitState(root, process.env, out))?.dirty, true);
});

test("the time is that of the last commit that touched the folder, where it has no changes", async (t) => {
  const root = folder(t);
  mkdirSync(join(root, "one"));
  writeFileSync(join(root, "one", "a"), "1");
  commitAll(root);
  writeFileSync(join(root, "b"), "1");
  runGit(root, "add", "-A");
  runGit(root, "commit", "-q", "-m", "later", "--date=1800000000 +0000");
  execFileSync(
    "git",
    [
      "-C",
      root,
      "-c",
      "user.name=t",
      "-c",
      "user.email=t@t.invalid",
      "commit",
      "-q",
      "--amend",
      "--no-edit",
    ],
    {
      env: { PATH: process.env.PATH, HOME: root, GIT_COMMITTER_DATE: "1800000000 +0000" },
    },
  );
  const one = join(root, "one");
  const timeOf = async (path: string) =>
    unwrap(await gitState(path, process.env, join(path, "dist")))?.commitTime;
  assert.equal(await timeOf(one), 1_700_000_000);
  assert.equal(await timeOf(root), 1_800_000_000);
  writeFileSync(join(one, "new"), "");
  assert.equal(await timeOf(one), 1_800_000_000);
  const shallow = folder(t);
  execFileSync("git", ["clone", "-q", "--depth=1", `file://${root}`, shallow]);
  assert.equal(await timeOf(join(shallow, "one")), 1_800_000_000);
});

test("a detached head has no ref; a repository without a commit has none", async (t) => {
  const root = folder(t);
  runGit(root, "init", "-q");
  const empty = unwrap(await gitState(root, process.env, join(root, "dist")));
  assert.equal(empty?.commit, undefined);
  writeFileSync(join(root, "a"), "1");
  commitAll(root);
  runGit(root, "checkout", "-q", "--detach");
  const detached = unwrap(await gitState(root, process.env, join(root, "dist")));
  assert.equal(detached?.ref, undefined);
  assert.equal(detached?.commit?.length, 40);
});

test("outside git there is no state", async (t) => {
  const root = folder(t);
  assert.equal(unwrap(await gitState(root, process.env, join(root, "dist"))), undefined);
});

test("git that is not there or refuses is BUILD_SOURCE", async (t) => {
  const root = folder(t);
  mkdirSync(join(root, ".git"));
  for (const environment of [{ PATH: "/nonexistent" }, { PATH: process.env.PATH }]) {
    const state = await gitState(root, environment, join(root, "dist"));
    assert.equal(state.ok ? "" : state.error.code, "BUILD_SOURCE");
  }
});
