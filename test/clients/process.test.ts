import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProgramRun, runProgram } from "../../src/clients/process.ts";
import { unwrap } from "../../src/formats/result.ts";

const sh = (script: string, more: Partial<ProgramRun> = {}) =>
  runProgram(
    { program: "/bin/sh", args: ["-c", script], env: {}, timeout: 10_000, ...more },
    "BUILD_FAILED",
  );

test("an exit code is an answer", async () => {
  const ended = unwrap(await sh("echo out; echo err >&2; exit 3"));
  assert.equal(ended.exitCode, 3);
  assert.equal(ended.stdout, "out\n");
  assert.deepEqual(ended.tail.split("\n").sort(), ["", "err", "out"]);
});

test("nothing is inherited from our environment", async () => {
  const ended = unwrap(await sh("/usr/bin/env", { env: { ONLY: "this" } }));
  assert.deepEqual(
    ended.stdout.split("\n").filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line)),
    ["ONLY=this", ""],
  );
});

test("arguments are not read by a shell", async () => {
  const run = { program: "/bin/echo", args: ["$(id)", "a;b"], env: {}, timeout: 10_000 };
  assert.equal(unwrap(await runProgram(run, "BUILD_FAILED")).stdout, "$(id) a;b\n");
});

test("input is given and then ends", async () => {
  assert.equal(unwrap(await sh("cat", { input: "text" })).stdout, "text");
});

test("a lifeline stays open after the input", async () => {
  const ended = await sh("read line; echo $line; cat", {
    input: "text\n",
    lifeline: true,
    timeout: 500,
  });
  assert.match(ended.ok ? "" : ended.error.message, /did not end within 0.5 s/);
});

test("a program that runs too long is killed with what it started", async () => {
  const started = performance.now();
  const ended = await sh("sleep 30 & sleep 30", { timeout: 300 });
  assert.equal(ended.ok ? "" : ended.error.code, "BUILD_FAILED");
  assert.ok(performance.now() - started < 5000);
});

test("more output than is allowed is a failure", async () => {
  const ended = await sh("while :; do echo xxxxxxxxxxxxxxxxxxxx; done", { maxOutput: 10_000 });
  assert.match(ended.ok ? "" : ended.error.message, /printed more than 10000 bytes/);
});

test("an absent program is a failure that names it", async () => {
  const run = { program: "no-such-program", args: ["x"], env: { PATH: "/bin" }, timeout: 1000 };
  const ended = await runProgram(run, "BUILD_PYTHON");
  assert.match(ended.ok ? "" : ended.error.message, /no-such-program cannot be started: ENOENT/);
});

test("output comes as it is printed, in whole characters", async () => {
  const seen: string[] = [];
  const script = "printf '\\303'; sleep 0.2; printf '\\251\\n'";
  unwrap(await sh(script, { onOutput: (text) => seen.push(text) }));
  assert.equal(seen.join(""), "é\n");
  assert.ok(!seen.join("").includes("\uFFFD"));
});
