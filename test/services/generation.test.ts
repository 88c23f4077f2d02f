import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { unwrap } from "../../src/formats/result.ts";
import { openGeneration, witnessOf } from "../../src/services/generation.ts";
import { startStack } from "../../src/services/server.ts";
import { openState } from "../../src/services/state.ts";
import { codeOf } from "../stages/sign-support.ts";

let parent = "";
let folder = "";
let backup = "";
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "wheelseal-generation-"));
  folder = join(parent, "state");
  backup = join(parent, "backup");
});
afterEach(() => rm(parent, { recursive: true }));

const start = () => startStack({ folder, port: 0, witness: witnessOf(folder) });
const restore = async (): Promise<void> => {
  await rm(folder, { recursive: true });
  await cp(backup, folder, { recursive: true });
};

test("a stack starts again and again, and not on an older copy of its folder", async () => {
  for (let n = 0; n < 2; n += 1) await unwrap(await start()).close();
  await cp(folder, backup, { recursive: true });
  await unwrap(await start()).close();
  await restore();
  const refused = await start();
  assert.equal(codeOf(refused), "STATE_ROLLED_BACK");
  assert.ok(!refused.ok && refused.error.message.includes(witnessOf(folder)));
  // It says no again, and lets go of the folder.
  assert.equal(codeOf(await start()), "STATE_ROLLED_BACK");
  await rm(witnessOf(folder));
  await unwrap(await start()).close();
});

test("what is copied from a running stack is older than what the stack leaves", async () => {
  const stack = unwrap(await start());
  await cp(folder, backup, { recursive: true });
  await stack.close();
  await restore();
  await rm(join(folder, "lock"), { force: true });
  assert.equal(codeOf(await start()), "STATE_ROLLED_BACK");
});

test("what a killed process had answered is missed", async () => {
  const state = unwrap(await openState(folder));
  const generation = unwrap(await openGeneration(state, witnessOf(folder), 1));
  await cp(folder, backup, { recursive: true });
  const before = await readFile(witnessOf(folder), "utf8");
  generation.changed();
  while ((await readFile(witnessOf(folder), "utf8")) === before) await wait(5);
  await state.close();
  await restore();
  await rm(join(folder, "lock"), { force: true });
  const again = unwrap(await openState(folder));
  assert.equal(codeOf(await openGeneration(again, witnessOf(folder))), "STATE_ROLLED_BACK");
  await again.close();
});

test("an answer to more than reading is counted, one to reading is not", async () => {
  const stack = unwrap(await start());
  const seen = () => readFile(witnessOf(folder), "utf8");
  const before = await seen();
  await (await fetch(`${stack.urls.gitlab}/oauth/discovery/keys`)).text();
  const minted = await fetch(`${stack.urls.gitlab}/wheelseal/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${stack.tokenSecret}` },
    body: JSON.stringify({ project_path: "a/b", ref: "main", ref_type: "branch", aud: "sigstore" }),
  });
  assert.equal(minted.status, 200, await minted.text());
  while ((await seen()) === before) await wait(20);
  const count = (text: string): number => JSON.parse(text).count;
  assert.equal(count(await seen()), count(before) + 1);
  await stack.close();
});

test("a new folder in the place of one that was removed is no older one", async () => {
  for (let n = 0; n < 2; n += 1) await unwrap(await start()).close();
  await rm(folder, { recursive: true });
  await unwrap(await start()).close();
});

test("a file that is none is not passed over", async () => {
  await unwrap(await start()).close();
  for (const content of ["", "{}", '{"version":2,"identity":"","count":1}', "nothing"]) {
    await writeFile(witnessOf(folder), content);
    assert.equal(codeOf(await start()), "STATE_ROLLED_BACK", content);
  }
});
