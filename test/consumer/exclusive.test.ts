import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { claimFolder } from "../../src/consumer/exclusive.ts";
import { unwrap } from "../../src/formats/result.ts";
import { plainEnvironment } from "../cli/shell.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-exclusive-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const codeOf = () => {
  const claim = claimFolder(folder);
  if (claim.ok) claim.value.release();
  return claim.ok ? "claimed" : claim.error.code;
};

test("a folder is one claim's, until that is given up", () => {
  const claim = unwrap(claimFolder(folder));
  assert.equal(codeOf(), "STATE_LOCKED");
  claim.release();
  assert.equal(codeOf(), "claimed");
});

test("and another process's until that is killed", async (context) => {
  const module = new URL("../../src/consumer/exclusive.ts", import.meta.url).href;
  const script = `const { claimFolder } = await import(${JSON.stringify(module)});
    console.log(claimFolder(process.argv[1]).ok);
    setInterval(() => {}, 1000);`;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script];
  const child = spawn(process.execPath, [...args, folder], { env: plainEnvironment() });
  context.after(() => child.kill("SIGKILL"));
  const said = await new Promise<string>((done) => {
    child.stdout.once("data", (text) => done(String(text)));
  });
  assert.equal(said, "true\n");
  assert.equal(codeOf(), "STATE_LOCKED");
  const ended = new Promise((done) => child.once("close", done));
  child.kill("SIGKILL");
  await ended;
  assert.equal(codeOf(), "claimed");
});

test("a folder that cannot be made is no claim", () => {
  writeFileSync(join(folder, "file"), "");
  const claim = claimFolder(join(folder, "file", "below"));
  assert.ok(!claim.ok && claim.error.code === "FILE_UNWRITABLE");
});
