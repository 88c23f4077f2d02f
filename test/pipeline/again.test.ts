import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commitAll, runGit, write } from "../stages/build-support.ts";
import { runCommand, temporary } from "./command.ts";

/** The demo's project as a part of a repository that goes on: every run must succeed. */
test("the example is released again and again, from one commit to the next", async (t) => {
  const { path, remove } = temporary();
  t.after(remove);
  const project = join(path, "examples", "greeter");
  const dist = join(project, "dist");
  cpSync(new URL("../../examples/greeter", import.meta.url), project, {
    recursive: true,
    filter: (from) => !from.endsWith("/dist"),
  });
  write(path, { ".gitignore": "dist/\nstate/\n" });
  commitAll(path);
  const args = ["pipeline", project, "--profile", "local", "--state", join(path, "state")];
  const release = async (...more: string[]) => {
    const { code, stdout, stderr } = await runCommand([...args, ...more]);
    assert.equal(code, 0, stderr);
    const record = JSON.parse(readFileSync(join(dist, "wheelseal-build.json"), "utf8"));
    return { stdout, record };
  };

  const first = await release();
  for (const stage of ["build", "sign", "verify", "publish", "publish-signatures", "consume"]) {
    assert.match(first.stdout, new RegExp(`^${stage} +\\d+\\.\\d s  \\S`, "m"));
  }
  assert.match(first.stdout, /^publish +\d+\.\d s {2}.*: 2 uploaded, 0 already there$/m);
  assert.match(first.stdout, /installed and imported greeter\nreport: .*wheelseal-report\.html\n$/);

  const second = await release();
  assert.match(second.stdout, /^build .* kept as it was built$/m);
  assert.match(second.stdout, /^sign .* 0 signed, 2 kept$/m);
  assert.match(
    second.stdout,
    /^publish-signatures .* 0 uploaded and read back, 10 already there$/m,
  );
  assert.deepEqual(second.record, first.record);

  write(path, { "README.md": "Something else.\n" });
  runGit(path, "add", "-A");
  runGit(path, "commit", "-q", "-m", "elsewhere");
  const later = { GIT_COMMITTER_DATE: "1800000000 +0000", HOME: path, PATH: process.env.PATH };
  const who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"];
  execFileSync("git", ["-C", path, ...who, "commit", "-q", "--amend", "--no-edit"], { env: later });
  rmSync(dist, { recursive: true });
  const third = await release();
  assert.match(third.stdout, /^publish .* 0 uploaded, 2 already there$/m);
  assert.notEqual(third.record.source.commit, first.record.source.commit);
  assert.deepEqual(third.record.distributions, first.record.distributions);
});
