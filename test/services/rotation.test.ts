import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importPrivateKey } from "../../src/crypto/keys.ts";
import { parsePem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot, type TrustedRoot } from "../../src/formats/trusted-root.ts";
import { issuer } from "../../src/services/issuer.ts";
import { ROTATED_KEYS } from "../../src/services/rotations.ts";
import { type Stack, type StackOptions, startStack } from "../../src/services/server.ts";
import { fsckStack } from "../../src/services/stack-fsck.ts";
import { openSigner, signName, verifyName } from "../faults/rotation-stack.ts";

// One stack, whose keys are all replaced: `npm run faults` does it to each key and a real process.

const PROJECT = "local/packages";
const HOUR = 3600_000;

let folder = "";
let port = 0;
let clock = Date.now() - 2 * HOUR;

const start = async (options: Partial<StackOptions> = {}): Promise<Stack> => {
  const stack = unwrap(await startStack({ folder, port, now: () => clock, ...options }));
  port = Number(new URL(stack.urls.gitlab).port);
  return stack;
};

type Epoch = { readonly trust: TrustedRoot; readonly bundle: Uint8Array; readonly token: string };

const outside = {
  fetch: globalThis.fetch,
  now: () => clock,
  sleep: async () => undefined,
  random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
};

const signAt = async (stack: Stack, name: string): Promise<Epoch> => {
  const token = await stack.mintToken({ projectPath: PROJECT });
  const signer = unwrap(await openSigner({ urls: stack.urls, token, outside }));
  const bundle = unwrap(await signName(name, signer));
  const trust = unwrap(
    parseTrustedRoot(await readFile(join(folder, "trust", "trusted_root.json"))),
  );
  return { trust, bundle, token };
};

let old: Epoch;
let stack: Stack;
let current: Epoch;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-rotation-"));
  const first = await start();
  old = await signAt(first, "old");
  await first.close();
  clock += HOUR / 2;
  const rotated = await start({ rotate: [...ROTATED_KEYS, "tuf"] });
  await rotated.close();
  stack = await start();
  current = await signAt(stack, "new");
});

let closed = false;

after(async () => {
  if (!closed) await stack.close();
  await rm(folder, { recursive: true });
});

const verdictOf = async (name: string, { bundle }: Epoch, { trust }: Epoch): Promise<string> => {
  const by = { issuer: stack.urls.gitlab, project: PROJECT, trust };
  const verdict = await verifyName(name, bundle, by, clock);
  return verdict.verified ? "verified" : verdict.failure.code;
};

const json = async (path: string, init?: RequestInit): Promise<unknown> =>
  (await fetch(stack.urls.gitlab + path, init)).json();

test("old and new signatures verify by the new root, old ones by the old root", async () => {
  assert.equal(await verdictOf("old", old, current), "verified");
  assert.equal(await verdictOf("new", current, current), "verified");
  assert.equal(await verdictOf("old", old, old), "verified");
  assert.equal(await verdictOf("new", current, old), "TLOG_UNKNOWN_LOG");
});

test("each replaced key has a window that ends where the next one's begins", () => {
  const { tlogs, ctlogs, certificateAuthorities, timestampAuthorities } = current.trust;
  const rekor = tlogs.filter(({ publicKey }) => publicKey.algorithm === "ecdsa-p256");
  const rekorV2 = tlogs.filter(({ publicKey }) => publicKey.algorithm === "ed25519");
  for (const line of [rekor, rekorV2, ctlogs, certificateAuthorities, timestampAuthorities]) {
    const [first, second, ...more] = line.map(({ validity }) => validity);
    assert.equal(more.length, 0);
    assert.ok(first?.end !== undefined && second !== undefined && second.end === undefined);
    assert.ok(first.end - second.start <= 1000 && first.end >= second.start);
  }
});

test("a replaced key that goes on signing is refused", async (t) => {
  const stolen = await mkdtemp(join(tmpdir(), "wheelseal-stolen-"));
  t.after(() => rm(stolen, { recursive: true }));
  const first = unwrap(await startStack({ folder: stolen, port: 0, now: () => clock }));
  const token = await first.mintToken({ projectPath: PROJECT });
  const signer = unwrap(await openSigner({ urls: first.urls, token, outside }));
  clock += 60_000;
  const bundle = unwrap(await signName("forged", signer));
  await first.close();
  clock -= 30_000;
  const rotated = unwrap(
    await startStack({ folder: stolen, port: 0, now: () => clock, rotate: ["rekor"] }),
  );
  await rotated.close();
  clock += 30_000;
  const trust = unwrap(
    parseTrustedRoot(await readFile(join(stolen, "trust", "trusted_root.json"))),
  );
  const by = { issuer: first.urls.gitlab, project: PROJECT, trust };
  const verdict = await verifyName("forged", bundle, by, clock);
  assert.equal(verdict.verified ? "verified" : verdict.failure.code, "TLOG_TIME");
});

type Entry = Record<string, { logIndex: number; verification: { inclusionProof: unknown } }>;

test("the log shows its shards, and numbers its entries over them", async () => {
  const state = (await json("/api/v1/log")) as {
    treeID: string;
    treeSize: number;
    inactiveShards: { treeID: string; treeSize: number }[];
  };
  assert.equal(state.treeSize, 1);
  assert.deepEqual(
    state.inactiveShards.map(({ treeSize }) => treeSize),
    [1],
  );
  const byIndex = await Promise.all(
    [0, 1].map((index) => json(`/api/v1/log/entries?logIndex=${index}`) as Promise<Entry>),
  );
  const ids = byIndex.map((entry) => Object.keys(entry)[0] ?? "");
  assert.deepEqual(
    ids.map((id) => BigInt(`0x${id.slice(0, 16)}`)),
    [BigInt(state.inactiveShards[0]!.treeID), BigInt(state.treeID)],
  );
  for (const [index, id] of ids.entries()) {
    for (const name of [id, id.slice(16)]) {
      const entry = (await json(`/api/v1/log/entries/${name}`)) as Entry;
      assert.equal(entry[id]?.logIndex, index, name);
    }
    const key = await fetch(
      `${stack.urls.rekor}/api/v1/log/publicKey?treeID=${BigInt(`0x${id.slice(0, 16)}`)}`,
    );
    assert.equal(key.status, 200);
  }
  assert.equal((await fetch(`${stack.urls.rekor}/api/v1/log/entries?logIndex=2`)).status, 404);
  const retrieved = (await json("/api/v1/log/entries/retrieve", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ logIndexes: [1, 0] }),
  })) as Entry[];
  assert.deepEqual(
    retrieved.map((entry) => Object.keys(entry)[0]),
    ids.toReversed(),
  );
  const proof = `/api/v1/log/proof?firstSize=1&lastSize=1&treeID=${state.inactiveShards[0]!.treeID}`;
  assert.equal((await fetch(stack.urls.rekor + proof)).status, 200);
});

test("certificate log and Rekor v2 of before are read where the trust root says, and take nothing", async () => {
  const [ctlog] = current.trust.ctlogs;
  const rekorV2 = current.trust.tlogs.find(({ publicKey }) => publicKey.algorithm === "ed25519");
  const head = (await (await fetch(`${ctlog?.baseUrl}/ct/v1/get-sth`)).json()) as object;
  assert.equal("tree_size" in head && head.tree_size, 1);
  assert.equal((await fetch(`${rekorV2?.baseUrl}/api/v2/checkpoint`)).status, 200);
  const write = await fetch(`${rekorV2?.baseUrl}/api/v2/log/entries`, { method: "POST" });
  assert.equal(write.status, 403);
  assert.equal((await fetch(`${stack.urls.gitlab}/shards/none/ct/v1/get-sth`)).status, 404);
});

test("tokens from before are taken while they live; the key mints no more", async () => {
  assert.ok((await openSigner({ urls: stack.urls, token: old.token, outside })).ok);
  const pem = await readFile(join(folder, "issuer.key.pem"), "utf8");
  const key = importPrivateKey(unwrap(parsePem(pem, "PRIVATE KEY"))[0]!);
  const random = outside.random;
  const former = await issuer({
    url: stack.urls.gitlab,
    keys: [key],
    secret: "",
    now: () => clock,
    random,
  });
  const token = await former.mintToken({ projectPath: PROJECT });
  const refused = await openSigner({ urls: stack.urls, token, outside });
  assert.ok(!refused.ok && refused.error.code === "FULCIO_REFUSED");
  assert.match(refused.error.message, /signed with a key that had been replaced/);
  const jwks = async () => ((await json("/oauth/discovery/keys")) as { keys: object[] }).keys;
  assert.equal((await jwks()).length, 2);
  const now = clock;
  clock += 25 * HOUR;
  assert.equal((await jwks()).length, 1);
  clock = now;
});

test("both shards are derived anew", async () => {
  await stack.close();
  closed = true;
  const reports = unwrap(await fsckStack(folder));
  assert.deepEqual(
    reports.map(({ log, leaves, findings }) => [log, leaves, findings.length]),
    [
      ["rekor", 1, 0],
      ["rekor", 1, 0],
      ["rekor-v2", 0, 0],
      ["rekor-v2", 0, 0],
      ["ctlog", 1, 0],
      ["ctlog", 2, 0],
    ],
  );
  clock -= 2 * HOUR;
  const early = await startStack({ folder, port, now: () => clock, rotate: ["tsa"] });
  assert.equal(early.ok ? "rotated" : early.error.code, "CLOCK_SKEW");
  clock += 2 * HOUR;
  await rm(join(folder, "rotation-1.json"));
  const gone = await startStack({ folder, port, now: () => clock });
  assert.equal(gone.ok ? "started" : gone.error.code, "STATE_CORRUPT");
});
