import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openState, type State } from "../../src/services/state.ts";

let parent = "";
let folder = "";

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "wheelseal-state-"));
  folder = join(parent, "state");
});
afterEach(() => rm(parent, { recursive: true }));

const using = async <T>(work: (state: State) => Promise<T>): Promise<T> => {
  const state = unwrap(await openState(folder));
  try {
    return await work(state);
  } finally {
    await state.close();
  }
};

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("a key is made once and kept, readable by its owner only", async () => {
  const first = await using(async (state) => unwrap(await state.key("k", "ecdsa-p256")));
  const again = await using(async (state) => unwrap(await state.key("k", "ecdsa-p256")));
  assert.deepEqual(again.publicKey.spki, first.publicKey.spki);
  assert.equal(await modeOf(folder), 0o700);
  for (const name of await readdir(folder))
    assert.equal(await modeOf(join(folder, name)), 0o600, name);
  assert.match(await readFile(join(folder, "k.key.pem"), "utf8"), /^-----BEGIN PRIVATE KEY-----/);
});

test("a folder that others could enter is closed to them", async () => {
  await using(async () => undefined);
  await chmod(folder, 0o755);
  await using(async () => assert.equal(await modeOf(folder), 0o700));
});

test("the same name asked for twice at once is made once", async () => {
  await using(async (state) => {
    let made = 0;
    const make = () => utf8(String(++made));
    const kept = await Promise.all([1, 2, 3].map(() => state.keep("n", make)));
    assert.deepEqual(
      kept.map((one) => [...unwrap(one)]),
      [[49], [49], [49]],
    );
  });
});

const SPOILT: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ["gone", (path) => rm(path)],
  ["changed", (path) => writeFile(path, "x")],
  [
    "exchanged for another good one",
    (path) =>
      using(async (state) => {
        unwrap(await state.key("other", "ecdsa-p256"));
        await copyFile(join(folder, "other.key.pem"), path);
      }),
  ],
  ["readable by others", (path) => chmod(path, 0o644)],
];

for (const [name, spoil] of SPOILT) {
  test(`a kept file that is ${name} is never replaced`, async () => {
    await using((state) => state.key("k", "ecdsa-p256"));
    await spoil(join(folder, "k.key.pem"));
    const again = await using((state) => state.key("k", "ecdsa-p256"));
    assert.equal(again.ok ? "a key" : again.error.code, "STATE_CORRUPT");
  });
}

test("a key of another kind under the name is refused", async () => {
  await using((state) => state.key("k", "ecdsa-p256"));
  const again = await using((state) => state.key("k", "rsa-pkcs1v15"));
  assert.equal(again.ok ? "a key" : again.error.code, "STATE_CORRUPT");
});

for (const content of ["{", "[]", '{"version":2,"kept":{}}', '{"version":1,"kept":{"a":1}}']) {
  test(`a manifest that says ${content} is refused, and the lock given back`, async () => {
    await using(async () => undefined);
    await writeFile(join(folder, "state.json"), content);
    for (let turn = 0; turn < 2; turn += 1) {
      const state = await openState(folder);
      assert.equal(state.ok ? "open" : state.error.code, "STATE_CORRUPT");
    }
  });
}

test("what a killed start left without record is made anew", async () => {
  await using(async () => undefined);
  await writeFile(join(folder, "k.key.pem"), "half a ke");
  unwrap(await using((state) => state.key("k", "ecdsa-p256")));
});

test("a folder is held by one at a time", async () => {
  const first = unwrap(await openState(folder));
  const second = await openState(folder);
  assert.equal(second.ok ? "open" : second.error.code, "STATE_LOCKED");
  await first.close();
  await using(async () => undefined);
});

test("another process that lives is respected, one that died is not", async () => {
  await using(async () => undefined);
  const script = `
    const { openState } = await import(${JSON.stringify(new URL("../../src/services/state.ts", import.meta.url).href)});
    const state = await openState(${JSON.stringify(folder)});
    console.log(state.ok);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  await once(child.stdout, "data");
  const locked = await openState(folder);
  assert.equal(locked.ok ? "open" : locked.error.code, "STATE_LOCKED");
  child.kill("SIGKILL");
  await once(child, "exit");
  await using(async () => undefined);
});

const STALE = [
  ["a process id that is free", "4194303 1\n"],
  ["our own id from an earlier life", `${process.pid} 1\n`],
  ["an id that now belongs to another program", "1 999999999\n"],
  ["nothing", ""],
  ["something else", "hello"],
] as const;

for (const [name, content] of STALE) {
  const skip = name.includes("another program") && !existsSync("/proc/1/stat");
  test(`a lock that names ${name} is taken over`, { skip }, async () => {
    await using(async () => undefined);
    await writeFile(join(folder, "lock"), content);
    await using(async () => undefined);
    assert.deepEqual(
      (await readdir(folder)).filter((file) => file.startsWith("lock")),
      [],
    );
  });
}

test("of many that want a stale lock at once, one gets it", async () => {
  await using(async () => undefined);
  await writeFile(join(folder, "lock"), "4194303 1\n");
  const all = await Promise.all(Array.from({ length: 8 }, () => openState(folder)));
  assert.equal(all.filter(({ ok }) => ok).length, 1);
  for (const state of all) if (state.ok) await state.value.close();
});
