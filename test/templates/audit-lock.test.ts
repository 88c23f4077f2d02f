import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { openAudits } from "../cli/audit-support.ts";
import { main, plainEnvironment } from "../cli/shell.ts";
import { expand, readComponent } from "./component.ts";

const audits = await openAudits();
after(() => audits.close());
const [, index = "", , trust = ""] = audits.flags;

/** Runs a job's script as GitLab's runner does, in the folder of the locks. */
const runJob = (
  name: string,
  inputs: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; output: string }> => {
  const jobs = expand(readComponent("audit-lock"), {
    index_url: index,
    wheelseal: `"${process.execPath}" --disable-warning=ExperimentalWarning "${main}"`,
    ...inputs,
  });
  const variables = { ...jobs[".wheelseal-audit-lock"]?.variables, ...jobs[name]?.variables };
  return new Promise((done) =>
    execFile(
      "sh",
      ["-e", "-c", (jobs[name]?.script ?? []).join("\n")],
      {
        cwd: audits.folder,
        env: { ...plainEnvironment(), ...variables, WHEELSEAL_TRUST_CONFIG: trust, ...env },
        timeout: 60_000,
      },
      (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    ),
  );
};

const SHARD = "wheelseal-audit-lock-shard";
const inputs = { lock: "both.toml", policy: "policy.toml", since: "both.toml", shards: 2 };

test("the shards of a lock's audit, and the verdict on the whole", async () => {
  for (const node of ["1", "2"]) {
    const env = { CI_NODE_INDEX: node, CI_NODE_TOTAL: "2" };
    const { code, output } = await runJob(SHARD, inputs, env);
    assert.equal(code, 0, output);
    assert.ok(existsSync(join(audits.folder, `wheelseal-audit-lock-${node}.kit`)));
  }
  const { code, output } = await runJob("wheelseal-audit-lock", inputs);
  assert.equal(code, 0, output);
  assert.match(output, /2 files: 1 verified, 1 unattested/);
  const junit = readFileSync(join(audits.folder, "wheelseal-audit-lock-junit.xml"), "utf8");
  assert.match(junit, /<testsuite name="greeter 1\.0\.0"/);
});

test("unattested: refuse", async () => {
  const { code, output } = await runJob(SHARD, { ...inputs, unattested: "refuse", since: "" });
  assert.equal(code, 1);
  assert.match(output, /error\[LOCK_UNATTESTED\]/);
});
