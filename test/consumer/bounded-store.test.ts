import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { boundStore } from "../../src/consumer/bounded-store.ts";
import { type GatewayStore, openGatewayStore } from "../../src/consumer/gateway-store.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { fail, type Result, unwrap } from "../../src/formats/result.ts";

let folder: string;
let gone: [string, Result<void>][];
/** What was begun on the disk and nobody waits for. */
let running: Promise<unknown>[];
const clock = { now: 1_800_000_000_000 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wheelseal-bounded-"));
  gone = [];
  running = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const digestOf = (content: string) => hex(sha256(utf8(content)));

const open = async (limit: number | undefined, change = (store: GatewayStore) => store) => {
  const real = unwrap(await openGatewayStore(folder));
  const begun = <T>(work: Promise<T>): Promise<T> => {
    running.push(work);
    return work;
  };
  const store = change({
    ...real,
    remove: (digest) => begun(real.remove(digest)),
    mark: (digest, now) => begun(real.mark(digest, now)),
  });
  const evicted = ({ digest }: { digest: string }, removed: Result<void>) => {
    gone.push([digest, removed]);
  };
  return unwrap(await boundStore(store, { limit, evicted, now: () => clock.now }));
};

const keep = async (store: Pick<GatewayStore, "keepBytes">, content: string) =>
  unwrap(await store.keepBytes(utf8(content)));

/** Digests that lie on the disk. */
const onDisk = () =>
  readdirSync(join(folder, "objects"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.includes("/"))
    .map((path) => path.slice(3))
    .sort();

const settle = async () => {
  await Promise.all(running);
  await new Promise(setImmediate);
};

test("what was served least recently goes, and what is read or held stays", async () => {
  const store = await open(3);
  const [a, b, c] = [await keep(store, "a"), await keep(store, "b"), await keep(store, "c")];
  store.serve(a)?.();
  const reading = store.serve(b);
  const { store: held, end } = store.holding();
  assert.equal(held.has(c), true);
  const d = await keep(store, "d");
  await settle();
  assert.deepEqual(onDisk(), [b, c, d].sort(), "a was free");
  await keep(store, "e");
  await settle();
  assert.equal(store.has(d), false, "d was, then");
  assert.equal(await store.sizeOf(d), undefined);
  assert.equal(await store.takeOut(d, join(folder, "taken")), false);
  const f = await keep(held, "f");
  await settle();
  assert.deepEqual(onDisk(), [b, c, f].sort());
  await keep(held, "g");
  assert.equal(store.bytes(), 4, "in use is more than the limit");
  reading?.();
  reading?.();
  await settle();
  assert.deepEqual(onDisk().length, 3);
  assert.equal(store.has(b), false);
  end();
  for (const content of ["h", "i", "j", "k"]) await keep(held, content);
  await settle();
  assert.equal(store.bytes(), 3, "what has ended holds nothing");
  assert.deepEqual(
    onDisk()
      .map((digest) => readFileSync(join(folder, "objects", digest.slice(0, 2), digest), "utf8"))
      .sort(),
    ["i", "j", "k"],
  );
});

test("content that is kept again waits until it was removed", async () => {
  let remove = (): void => undefined;
  const asked = new Promise<void>((done) => {
    remove = done;
  });
  const store = await open(1, (real) => ({
    ...real,
    remove: async (digest) => {
      await asked;
      return real.remove(digest);
    },
  }));
  const a = await keep(store, "a");
  await keep(store, "b");
  const { store: held } = store.holding();
  const again = keep(held, "a");
  await settle();
  assert.equal(held.has(a), false);
  remove();
  await again;
  await settle();
  assert.equal(await held.sizeOf(a), 1);
});

test("whatever is kept and removed at the same time, what is held is there", async () => {
  const store = await open(1);
  for (let round = 0; round < 50; round += 1) {
    const [a] = await Promise.all([keep(store, "a"), keep(store, "b"), keep(store, "a")]);
    const { store: held, end } = store.holding();
    await keep(held, "a");
    await settle();
    assert.equal(await held.sizeOf(a), 1);
    assert.equal(readFileSync(store.pathOf(a), "utf8"), "a");
    end();
  }
  await settle();
  assert.equal(store.bytes(), 1);
  assert.equal(onDisk().length, 1);
});

test("a later process knows what is there, and in which order it was served", async () => {
  const earlier = await open(undefined);
  for (const content of ["a", "b", "c"]) await keep(earlier, content);
  const [a, b, c] = ["a", "b", "c"].map(digestOf) as [string, string, string];
  for (const [at, digest] of [a, b, c].entries()) utimesSync(earlier.pathOf(digest), at, at);
  clock.now += 2 * 60 * 60 * 1000;
  earlier.serve(a)?.();
  await settle();
  writeFileSync(join(folder, "objects", "no-digest"), "x");
  mkdirSync(join(folder, "objects", "zz"), { recursive: true });
  writeFileSync(join(folder, "objects", "zz", a), "not where it belongs");
  const later = await open(1);
  await settle();
  assert.equal(later.bytes(), 1);
  assert.deepEqual([a, b, c].map(later.has), [true, false, false]);
  assert.deepEqual(
    new Map(gone.map(([digest, removed]) => [digest, removed.ok])),
    new Map([
      [b, true],
      [c, true],
    ]),
  );
});

test("content that somebody else took away is absent, and counted no more", async () => {
  const store = await open(10);
  const a = await keep(store, "a");
  rmSync(dirname(store.pathOf(a)), { recursive: true });
  assert.equal(await store.sizeOf(a), undefined);
  assert.equal(store.has(a), false);
  assert.equal(store.serve(a), undefined);
  assert.equal(store.bytes(), 0);
});

test("that something cannot be removed is told, and it is not served", async () => {
  const store = await open(1, (real) => ({
    ...real,
    remove: async () => fail("FILE_UNWRITABLE", "store: EPERM"),
  }));
  const a = await keep(store, "a");
  await keep(store, "b");
  await settle();
  assert.equal(store.has(a), false);
  assert.deepEqual(
    gone.map(([digest, removed]) => [digest, removed.ok]),
    [[a, false]],
  );
  assert.equal(await keep(store, "a"), a);
  assert.equal(await store.sizeOf(a), 1);
});
