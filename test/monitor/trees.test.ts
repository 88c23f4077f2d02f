import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { cosignatureLine, noteKeyId, parseNote } from "../../src/formats/checkpoint.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { LogKey } from "../../src/formats/trusted-root.ts";
import { forgeLeaf, LOG_HOST, NOW, WORLD } from "../verification/forge.ts";
import { type FakeTree, fakeTree, noteOf } from "./fake-log.ts";
import { codes, entryBy, failure, LOG_1, LOG_2, openScene, others } from "./scene.ts";

const leaf = forgeLeaf();

/** Rekor v1 with two shards that no longer grow and one that does, each with a key of its own. */
const oldKey = generateKey("ecdsa-p256");
const logKey = (key: PrivateKey, start: number, end?: number): LogKey => ({
  baseUrl: `https://${LOG_HOST}`,
  logId: noteKeyId(LOG_HOST, key.publicKey),
  checkpointKeyId: undefined,
  publicKey: key.publicKey,
  validity: { start, end },
});
const rotated = { ...LOG_1, keys: [logKey(oldKey, 0, NOW - 1000), logKey(WORLD.log, NOW - 1000)] };

const shards = (): [FakeTree, FakeTree, FakeTree] => [
  fakeTree(others(7, 0), oldKey, "11"),
  fakeTree(others(5, 50), oldKey, "22"),
  fakeTree(others(3, 90), WORLD.log, "33"),
];

test("shards have keys of their own, and entries are numbered through all of them", async () => {
  const trees = shards();
  trees[0].bodies[2] = entryBy(leaf, "first shard");
  trees[1].bodies[4] = entryBy(leaf, "second shard");
  trees[2].bodies[1] = entryBy(leaf, "third shard");
  const scene = openScene(1, trees);
  const logs = [rotated];
  const pass = await scene.pass({ logs, start: { kind: "index", index: 9 } });
  assert.deepEqual(
    pass.alarms.map(({ entry }) => entry?.index),
    [11, 13],
  );
  assert.deepEqual(
    pass.trees.map(({ read }) => read),
    [0, 3, 3],
  );
  scene.close();
});

test("a shard that comes later is read from its first entry, and the one before to its last", async () => {
  const [first, second, third] = shards();
  first.key = WORLD.log;
  const scene = openScene(1, [first]);
  await scene.pass();
  first.bodies.push(entryBy(leaf, "last of the first"));
  second.key = WORLD.log;
  second.bodies[0] = entryBy(leaf, "first of the second");
  scene.serve([first, second]);
  const pass = await scene.pass();
  assert.deepEqual(
    pass.alarms.map(({ entry }) => entry?.index),
    [7, 8],
  );
  scene.serve([first, second, third]);
  assert.deepEqual(
    (await scene.pass()).trees.map(({ read }) => read),
    [0, 0, 3],
  );
  scene.close();
});

test("trees that were not all taken up at first begin where the first pass began with them", async () => {
  const [first, second] = shards();
  const scene = openScene(1, [first, second]);
  let down = true;
  scene.meddle(({ url }) =>
    down && url.endsWith("logIndex=11") ? new Response("", { status: 500 }) : undefined,
  );
  const broken = await scene.pass({ logs: [rotated] });
  assert.deepEqual(
    broken.trees.map(({ failure: failed }) => failed?.code),
    [undefined, "TLOG_CHECKPOINT"],
  );
  down = false;
  second.key = WORLD.log;
  const whole = await scene.pass({ logs: [rotated] });
  assert.deepEqual(
    whole.trees.map(({ read }) => read),
    [0, 0],
  );
  scene.close();
});

test("a shard that the log does not list any more is a rollback", async () => {
  const [first, second, third] = shards();
  const scene = openScene(1, [first, second, third]);
  await scene.pass({ logs: [rotated] });
  scene.serve([first, third]);
  const pass = await scene.pass({ logs: [rotated] });
  assert.deepEqual(codes(pass), ["MONITOR_ROLLBACK"]);
  assert.equal(pass.trees.at(-1)?.origin, `${LOG_HOST} - 22`);
  scene.close();
});

test("an old shard that nobody trusted signed is refused each time, and stands in nothing's way", async () => {
  const [first, second, third] = shards();
  first.key = generateKey("ecdsa-p256");
  second.key = WORLD.log;
  const scene = openScene(1, [first, second]);
  const refused = ["TLOG_CHECKPOINT", undefined];
  const failures = ({ trees }: Awaited<ReturnType<typeof scene.pass>>) =>
    trees.map(({ failure: failed }) => failed?.code);
  assert.deepEqual(failures(await scene.pass()), refused);
  third.bodies[0] = entryBy(leaf, "first of the third");
  scene.serve([first, second, third]);
  const pass = await scene.pass();
  assert.deepEqual(failures(pass), [...refused, undefined]);
  assert.deepEqual(codes(pass), ["MONITOR_UNKNOWN"]);
  scene.serve([first, third]);
  assert.deepEqual(failures(await scene.pass()), [
    "TLOG_CHECKPOINT",
    undefined,
    "MONITOR_ROLLBACK",
  ]);
  scene.close();
});

test("a log that could not be taken up at first begins where it is taken up", async () => {
  const tree = fakeTree([entryBy(leaf, "before"), ...others(2)], oldKey);
  const scene = openScene(1, [tree]);
  assert.equal(failure(await scene.pass()), "TLOG_CHECKPOINT");
  tree.key = WORLD.log;
  const pass = await scene.pass();
  assert.deepEqual([codes(pass), failure(pass), pass.trees[0]?.read], [[], undefined, 0]);
  scene.close();
});

test("a key that has ended does not speak for a tree that grows", async () => {
  const tree = fakeTree(others(3), oldKey);
  const scene = openScene(1, [tree]);
  assert.equal(failure(await scene.pass({ logs: [rotated] })), "TLOG_CHECKPOINT");
  scene.close();
});

test("one tree does not stand for another", async () => {
  const [first, second] = shards();
  const scene = openScene(1, [first, second]);
  scene.meddle(({ url }) => {
    if (!url.endsWith("/api/v1/log")) return undefined;
    const shard = { rootHash: "", signedTreeHead: noteOf(first, 1), treeID: "22", treeSize: 7 };
    return Response.json(shard);
  });
  const logs = [{ ...rotated, keys: [logKey(oldKey, 0)] }];
  assert.equal(failure(await scene.pass({ logs })), "TLOG_CHECKPOINT");
  scene.close();
});

const shard2 = (start: number, end?: number) => ({
  ...LOG_2,
  keys: LOG_2.keys.map((key) => ({ ...key, validity: { start, end } })),
});

test("a log of the trust root that came after the monitor began is read from its first entry", async () => {
  const scene = openScene(2, [fakeTree([entryBy(leaf, "new shard")], WORLD.log2)]);
  scene.later(2000);
  const pass = await scene.pass({ logs: [shard2(NOW + 1000)] });
  assert.deepEqual(codes(pass), ["MONITOR_UNKNOWN"]);
  scene.close();
});

test("a log is asked neither before its key begins nor, after one last time, when it has ended", async () => {
  const tree = fakeTree(others(2), WORLD.log2);
  const scene = openScene(2, [tree]);
  assert.deepEqual((await scene.pass({ logs: [shard2(NOW + 1000)] })).trees, []);
  assert.deepEqual((await scene.pass({ logs: [shard2(0, NOW - 1)] })).trees, []);
  const logs = [shard2(0, NOW + 1000)];
  await scene.pass({ logs });
  tree.bodies.push(entryBy(leaf, "last"));
  scene.later(2000);
  assert.deepEqual(codes(await scene.pass({ logs })), ["MONITOR_UNKNOWN"]);
  assert.equal(scene.calls.length > 0, true);
  const calls = scene.calls.length;
  assert.deepEqual((await scene.pass({ logs })).trees, []);
  assert.equal(scene.calls.length, calls);
  scene.close();
});

test("witnesses must vouch for what is accepted", async () => {
  const tree = fakeTree(others(4), WORLD.log2);
  const keys = [generateKey("ed25519"), generateKey("ed25519")];
  const witnesses = keys.map((key, at) => ({ name: `w${at}.example`, key: key.publicKey }));
  const demand = { witnesses, witnessThreshold: 2 };
  const scene = openScene(2, [tree]);
  let lines: (text: string) => string = () => "";
  scene.meddle(({ url }) => {
    if (!url.endsWith("/checkpoint")) return undefined;
    const note = noteOf(tree, 2);
    return new Response(note + lines(unwrap(parseNote(note)).text));
  });
  const [one, two] = keys as [PrivateKey, PrivateKey];
  lines = (text) => cosignatureLine(text, "w0.example", one, 5n);
  assert.equal(failure(await scene.pass(demand)), "TLOG_WITNESSES");
  lines = (text) =>
    cosignatureLine(text, "w0.example", one, 5n) + cosignatureLine(text, "w1.example", two, 6n);
  assert.equal(failure(await scene.pass(demand)), undefined);
  lines = (text) =>
    cosignatureLine(text, "w0.example", one, 5n) +
    cosignatureLine(`${text}more\n`, "w1.example", two, 6n);
  assert.equal(failure(await scene.pass(demand)), "TLOG_CHECKPOINT");
  scene.close();
});

test("a checkpoint above the cap is refused", async () => {
  const tree = fakeTree(others(1), WORLD.log2);
  const scene = openScene(2, [tree]);
  scene.meddle(({ url }) =>
    url.endsWith("/checkpoint")
      ? new Response(utf8("x".repeat(70_000)) as Uint8Array<ArrayBuffer>)
      : undefined,
  );
  assert.equal(failure(await scene.pass()), "FORMAT_SIZE");
  scene.close();
});
