import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { completionScript } from "../../src/cli/completion.ts";
import { ENTRIES } from "../../src/cli/entries.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openShell } from "./shell.ts";

const { run } = openShell();

/** What bash offers for the words that were typed; the last is incomplete. */
const offered = (...words: readonly string[]): string[] => {
  const script = [
    unwrap(completionScript(ENTRIES, "bash")),
    `COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")})`,
    `COMP_CWORD=${words.length - 1}`,
    "_wheelseal",
    `printf "%s\\n" "\${COMPREPLY[@]}"`,
  ].join("\n");
  const { stdout, status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
};

test("bash offers commands first, then the flags of the command", () => {
  assert.deepEqual(offered("wheelseal", "publ"), ["publish", "publish-signatures"]);
  const flags = offered("wheelseal", "consume", "--");
  const consume = ENTRIES.find(({ name }) => name === "consume");
  assert.deepEqual(flags, [
    ...(consume?.options ?? []).map(([flag]) => flag.split(" ")[0]),
    "--help",
  ]);
  assert.deepEqual(offered("wheelseal", "build", "--repro"), ["--reproducible"]);
});

for (const shell of ["bash", "zsh", "fish"]) {
  test(`the ${shell} script names every command and every flag`, () => {
    const { output, code } = run(`wheelseal completion ${shell}`);
    assert.equal(code, 0);
    for (const { name, options } of ENTRIES) {
      assert.ok(output.includes(name), name);
      for (const [flag] of options) {
        const word = /--[a-z0-9-]+/.exec(flag)?.[0] ?? "";
        assert.ok(output.includes(shell === "fish" ? `-l ${word.slice(2)}` : word), word);
      }
    }
  });

  test(`${shell} finds no fault in its script, where it is installed`, (context) => {
    const input = run(`wheelseal completion ${shell}`).output;
    const { status, stderr, error } = spawnSync(shell, ["-n"], { input, encoding: "utf8" });
    if (error !== undefined) return context.skip(`${shell} is not on this machine`);
    assert.equal(status, 0, stderr);
  });
}

test("another shell is refused, and an unknown command has no page", () => {
  assert.equal(run("wheelseal completion tcsh").code, 2);
  assert.equal(run("wheelseal help nothing").code, 2);
});

test("every command has a page with its options, their variables and the exit codes", () => {
  for (const { name, options } of ENTRIES) {
    const { output, code } = run(`wheelseal help ${name}`);
    assert.equal(code, 0, name);
    assert.ok(output.startsWith(`NAME\n       wheelseal ${name} - `));
    for (const [flag] of options) assert.ok(output.includes(`       ${flag}\n`), flag);
    assert.match(output, /EXIT STATUS\n {7}0 {2}verified/);
    const long = output.split("\n").filter((line) => line.length > 80);
    assert.deepEqual(long, []);
  }
  assert.match(run("wheelseal help sign").output, /certificate authority \(FULCIO_URL\)/);
});
