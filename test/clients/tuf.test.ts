import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemFiles } from "../../src/clients/files.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { refreshTuf } from "../../src/clients/tuf.ts";
import { cachedTuf, unreachableAt } from "../../src/clients/tuf-cache.ts";
import { equal, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { ATTACKS, rootAt, target } from "./tuf-attacks.ts";
import { DAY, type Mirror, newTufKeys, openMirror } from "./tuf-mirror.ts";

/** A client of its own for one mirror, with its memory in a folder that goes with the test. */
const openClient = async (t: { after(done: () => unknown): void }, mirror: Mirror) => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-tuf-"));
  t.after(() => rm(folder, { recursive: true }));
  const source = { mirror: "http://mirror.test/tuf", firstRoot: mirror.firstRoot, folder };
  const outside: Outside = {
    fetch: mirror.fetch,
    now: () => Date.now(),
    sleep: async () => undefined,
    random: (length) => new Uint8Array(length),
  };
  const refresh = (changed: Partial<Outside> = {}) =>
    refreshTuf(source, { outside: { ...outside, ...changed }, files: systemFiles }, 1);
  const code = async (changed: Partial<Outside> = {}) => {
    const trust = await refresh(changed);
    return trust.ok ? "accepted" : trust.error.code;
  };
  return { source, refresh, code };
};

test("the trusted root and signing config of an honest repository", async (t) => {
  const mirror = openMirror();
  const { source, refresh } = await openClient(t, mirror);
  const trust = unwrap(await refresh());
  assert.ok(equal(trust.trustedRoot, mirror.targets.get("trusted_root.json")!.content));
  assert.ok(equal(trust.signingConfig!, mirror.targets.get("signing_config.v0.2.json")!.content));
  assert.equal(trust.rootVersion, 1);
  assert.ok(Math.abs(trust.expires - Date.now() - 10 * DAY) < DAY, "the first end counts");
  assert.deepEqual(unwrap(await cachedTuf(source, systemFiles)), trust);
  const left = (await readdir(source.folder)).filter((name) => name.startsWith("refresh-"));
  assert.deepEqual(left, [], "no work folder stays");
});

test("a second refresh fetches the timestamp and asks for a newer root, and no more metadata", async (t) => {
  const mirror = openMirror();
  const { refresh } = await openClient(t, mirror);
  unwrap(await refresh());
  mirror.asked.length = 0;
  unwrap(await refresh());
  assert.deepEqual(
    mirror.asked.filter((path) => !path.startsWith("targets/")),
    ["2.root.json", "timestamp.json"],
  );
});

for (const { name, code, fresh = false, attack } of ATTACKS) {
  test(`refused with ${code}: ${name}`, async (t) => {
    const mirror = openMirror();
    const client = await openClient(t, mirror);
    mirror.publish({ version: 2 });
    if (!fresh) assert.equal(await client.code(), "accepted");
    const before = unwrap(await cachedTuf(client.source, systemFiles));
    attack(mirror);
    assert.equal(await client.code(), code);
    const after = unwrap(await cachedTuf(client.source, systemFiles));
    assert.deepEqual(after?.trustedRoot, before?.trustedRoot, "what was trusted stays");
  });
}

test("a mirror that cannot be reached", async (t) => {
  const { code, source } = await openClient(t, openMirror());
  const fetch = async () => Promise.reject(new TypeError("fetch failed"));
  assert.equal(await code({ fetch }), "NETWORK_UNREACHABLE");
  assert.ok((await unreachableAt(source, systemFiles)) !== undefined);
  assert.equal(await code(), "accepted");
});

test("metadata that ended by the clock of the caller", async (t) => {
  const { code } = await openClient(t, openMirror());
  assert.equal(await code({ now: () => Date.now() + 11 * DAY }), "TRUST_EXPIRED");
});

test("what was verified before a failure counts against a later rollback", async (t) => {
  const mirror = openMirror();
  const { code } = await openClient(t, mirror);
  const old = new Map(mirror.files);
  mirror.publish({ version: 2 });
  mirror.files.set(target(mirror), utf8('{"trusted":"toor"}'));
  assert.equal(await code(), "TUF_INVALID");
  for (const [path, bytes] of old) mirror.files.set(path, bytes);
  assert.equal(await code(), "TUF_ROLLBACK");
});

test("new keys through a chain of roots, and back from a version run up by a stolen key", async (t) => {
  const mirror = openMirror();
  const { code, refresh } = await openClient(t, mirror);
  mirror.publish({ version: 1_000_000 });
  assert.equal(await code(), "accepted");
  const second = newTufKeys();
  const third = newTufKeys();
  mirror.files.set("2.root.json", rootAt(mirror, 2, mirror.keys.root, second));
  mirror.files.set("3.root.json", rootAt(mirror, 3, second.root, third));
  mirror.publish({ version: 2, keys: third });
  assert.equal(unwrap(await refresh()).rootVersion, 3);
  assert.equal(unwrap(await refresh()).rootVersion, 3);
});

test("an expired first root is where to start, not where to end", async (t) => {
  const mirror = openMirror(-DAY);
  const { code, refresh } = await openClient(t, mirror);
  assert.equal(await code(), "TRUST_EXPIRED");
  const keys = newTufKeys();
  mirror.files.set("2.root.json", rootAt(mirror, 2, mirror.keys.root, keys));
  mirror.publish({ version: 1, keys });
  assert.equal(unwrap(await refresh()).rootVersion, 2);
});

test("what was kept and then broken is told", async (t) => {
  const { source, refresh, code } = await openClient(t, openMirror());
  assert.equal(unwrap(await cachedTuf(source, systemFiles)), undefined);
  unwrap(await refresh());
  await writeFile(join(source.folder, "trust.json"), "{}");
  const cached = await cachedTuf(source, systemFiles);
  assert.equal(cached.ok ? "read" : cached.error.code, "STATE_CORRUPT");
  const root = await readFile(join(source.folder, "root.json"));
  await writeFile(join(source.folder, "root.json"), root.subarray(1));
  assert.equal(await code(), "STATE_CORRUPT");
});

test("a first root that is none", async (t) => {
  const { source } = await openClient(t, openMirror());
  const outside = { fetch, now: Date.now, sleep: async () => undefined, random: () => utf8("") };
  const broken = { ...source, firstRoot: utf8("{}") };
  const trust = await refreshTuf(broken, { outside, files: systemFiles }, 1);
  assert.equal(trust.ok ? "accepted" : trust.error.code, "TUF_INVALID");
});

test("two refreshes at once", async (t) => {
  const { refresh } = await openClient(t, openMirror());
  const [one, two] = await Promise.all([refresh(), refresh()]);
  assert.ok(one.ok && two.ok);
});
