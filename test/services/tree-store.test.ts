import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import {
  emptyRoot,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { checkpointSigner } from "../../src/services/note-writer.ts";
import { openTreeStore, type TreeStore } from "../../src/services/tree-store.ts";

const folder = mkdtempSync(join(tmpdir(), "tree-store-"));
after(() => rmSync(folder, { recursive: true }));

const key = generateKey("ecdsa-p256");
const signer = checkpointSigner("log.example - 1", "log.example", key);
let logs = 0;
const newPath = () => join(folder, `log-${logs++}.db`);
const open = (path: string, options = {}) =>
  openTreeStore({ path, signer, now: () => 1_700_000_000_000, ...options });

const body = (n: number) => utf8(`leaf ${n}`);
const appendAll = (store: TreeStore, from: number, to: number) =>
  Promise.all(
    Array.from({ length: to - from }, async (_, i) =>
      unwrap(await store.append({ body: body(from + i), keys: [`key ${(from + i) % 10}`] })),
    ),
  );

const head = (store: TreeStore, size: number) => ({ size: BigInt(size), root: store.root(size) });

test("every leaf is proven at every size, and every pair of sizes is consistent", async () => {
  const store = unwrap(await open(newPath()));
  assert.deepEqual(store.head().root, emptyRoot());
  const size = 300;
  await appendAll(store, 0, size);
  assert.equal(store.head().size, size);
  for (let n = 1; n <= size; n += 1) {
    const root = store.root(n);
    // All leaves at the sizes around powers of two, some leaves at all others.
    const step = n < 70 || [127, 128, 129, 255, 256, 257, 300].includes(n) ? 1 : 17;
    for (let i = 0; i < n; i += step) {
      const proof = store.inclusionProof(i, n);
      unwrap(verifyInclusion(leafHash(body(i)), BigInt(i), BigInt(n), proof, root));
    }
  }
  for (let n = 0; n <= 64; n += 1) {
    for (let m = 0; m <= n; m += 1) {
      unwrap(verifyConsistency(head(store, m), head(store, n), store.consistencyProof(m, n)));
    }
  }
  await store.close();
});

test("a restart keeps leaves, keys and times, and the tree grows on", async () => {
  const path = newPath();
  let size = 0;
  for (const more of [1, 2, 5, 8, 13]) {
    const store = unwrap(await open(path));
    assert.equal(store.head().size, size);
    await appendAll(store, size, size + more);
    size += more;
    await store.close();
  }
  const store = unwrap(await open(path));
  assert.equal(store.head().size, 29);
  for (let i = 0; i < size; i += 1) {
    assert.deepEqual(store.leaf(i)?.body, body(i));
    assert.equal(store.leaf(i)?.at, 1_700_000_000_000);
    assert.equal(store.find(leafHash(body(i))), i);
    const proof = store.inclusionProof(i, size);
    unwrap(verifyInclusion(leafHash(body(i)), BigInt(i), 29n, proof, store.head().root));
  }
  assert.deepEqual(store.search("key 3", 2), [3, 13]);
  assert.equal(store.leaf(29), undefined);
  assert.equal(store.find(leafHash(utf8("other"))), undefined);
  assert.deepEqual(store.search("other", 9), []);
  assert.throws(() => store.root(30), /past the published/);
  await store.close();
});

test("a body is in the tree once, in one batch and over many", async () => {
  const store = unwrap(await open(newPath()));
  const leaf = { body: body(1), keys: [] };
  const [first, second] = await Promise.all([store.append(leaf), store.append(leaf)]);
  const third = await store.append(leaf);
  const answers = [first, second, third].map(unwrap);
  assert.deepEqual(
    answers.map(({ duplicate }) => duplicate),
    [false, true, true],
  );
  assert.deepEqual(
    answers.map(({ leaf: { index } }) => index),
    [0, 0, 0],
  );
  assert.equal(store.head().size, 1);
  await store.close();
});

test("concurrent appends get one index each, covered by the head they are answered with", async () => {
  const store = unwrap(await open(newPath()));
  const clients = Array.from({ length: 64 }, async (_, client) => {
    for (let i = 0; i < 5; i += 1) {
      const answer = unwrap(await store.append({ body: body(client * 100 + i), keys: [] }));
      assert.ok(answer.leaf.index < answer.head.size);
      assert.deepEqual(await signer.open(answer.head.note), {
        size: answer.head.size,
        root: answer.head.root,
      });
      assert.deepEqual(store.root(answer.head.size), answer.head.root);
    }
  });
  await Promise.all(clients);
  assert.equal(store.head().size, 320);
  await store.close();
});

test("a full queue refuses instead of growing", async () => {
  const store = unwrap(await open(newPath(), { queueLimit: 2 }));
  const answers = await Promise.all(
    [1, 2, 3].map((n) => store.append({ body: body(n), keys: [] })),
  );
  assert.deepEqual(
    answers.map((answer) => (answer.ok ? "ok" : answer.error.code)),
    ["ok", "ok", "STATE_BUSY"],
  );
  await store.close();
  const late = await store.append({ body: body(4), keys: [] });
  assert.equal(late.ok ? "ok" : late.error.code, "FILE_UNWRITABLE");
});

const codeOfOpening = async (path: string, options = {}): Promise<string> => {
  const opened = await open(path, options);
  if (opened.ok) await opened.value.close();
  return opened.ok ? `size ${opened.value.head().size}` : opened.error.code;
};

/** A log of 20 leaves, and copies of its files from when it had 10. */
const grown = async (): Promise<{ path: string; older: string }> => {
  const path = newPath();
  const older = `${path}.older`;
  const ten = unwrap(await open(path));
  await appendAll(ten, 0, 10);
  await ten.close();
  copyFileSync(path, older);
  copyFileSync(`${path}.checkpoint`, `${older}.checkpoint`);
  const twenty = unwrap(await open(path));
  await appendAll(twenty, 10, 20);
  await twenty.close();
  return { path, older };
};

test("a state that was rolled back or exchanged is refused", async (t) => {
  await t.test("an older database", async () => {
    const { path, older } = await grown();
    copyFileSync(older, path);
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("no database", async () => {
    const { path } = await grown();
    rmSync(path);
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("no checkpoint", async () => {
    const { path } = await grown();
    rmSync(`${path}.checkpoint`);
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("a spoilt checkpoint", async () => {
    const { path } = await grown();
    writeFileSync(`${path}.checkpoint`, "x".repeat(8192));
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("another log's database", async () => {
    const { path } = await grown();
    const other = newPath();
    const store = unwrap(await open(other));
    await appendAll(store, 100, 130);
    await store.close();
    copyFileSync(other, path);
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("another key", async () => {
    const { path } = await grown();
    const other = checkpointSigner("log.example - 1", "log.example", generateKey("ecdsa-p256"));
    assert.equal(await codeOfOpening(path, { signer: other }), "STATE_CORRUPT");
  });
  await t.test("not a database", async () => {
    const { path } = await grown();
    writeFileSync(path, "x".repeat(8192));
    assert.equal(await codeOfOpening(path), "STATE_CORRUPT");
  });
  await t.test("an older checkpoint alone is a crash before the last answer", async () => {
    const { path, older } = await grown();
    copyFileSync(`${older}.checkpoint`, `${path}.checkpoint`);
    assert.equal(await codeOfOpening(path), "size 20");
  });
  await t.test("untouched", async () => {
    const { path } = await grown();
    assert.equal(await codeOfOpening(path), "size 20");
  });
});

test("a second opener is told that the log is in use", async () => {
  const path = newPath();
  const store = unwrap(await open(path));
  assert.equal(await codeOfOpening(path), "STATE_LOCKED");
  await store.close();
  assert.equal(await codeOfOpening(path), "size 0");
});
