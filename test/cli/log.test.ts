import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openShell } from "./shell.ts";

test("log fsck finds a sound log sound, and a log with a node that no entry makes damaged", () => {
  const shell = openShell();
  const token = shell.run("wheelseal token --state state --json > token.json");
  assert.equal(token.code, 0, token.output);
  const sound = shell.run("wheelseal log fsck --state state");
  assert.equal(sound.code, 0, sound.output);
  const lines = sound.output.split("\n");
  for (const [at, log] of ["rekor", "rekor-v2", "ctlog"].entries()) {
    assert.match(lines[at] ?? "", new RegExp(`^${log} +0 leaves.*0 findings$`));
    const path = `${shell.folder}/state/${log}.db`;
    const kept = readFileSync(path);
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO node VALUES (0, x'00')");
    database.close();
    const damaged = shell.run("wheelseal log fsck --state state");
    assert.equal(damaged.code, 1, damaged.output);
    assert.match(damaged.output, new RegExp(`error\\[STATE_CORRUPT\\]: .*/${log}\\.db`));
    writeFileSync(path, kept);
  }
});
