import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../../src/crypto/hash.ts";
import { fromHex, hex, utf8 } from "../../src/formats/bytes.ts";
import { verifyConsistency } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { chanceFrom } from "../fuzz/mutate.ts";
import { type Running, runCommand, startCommand, temporary } from "../pipeline/command.ts";
import { hashedRekord, testSigner } from "../services/signing.ts";
import type { Part } from "./part.ts";

type Head = { readonly size: number; readonly root: string };

/** What the stack answered with success. */
type Promised = {
  /** Paths of log entries, and the digest that each is about. */
  readonly entries: Map<string, string>;
  /** Paths of uploads, and their digests. */
  readonly uploads: Map<string, string>;
  readonly heads: Map<number, string>;
};

type Up = { readonly running: Running; readonly origin: string };

const up = async (state: string): Promise<Up> => {
  const running = startCommand(["up", "--state", state, "--json"]);
  const [line] = await Promise.race([
    new Promise<string[]>((done) =>
      running.child.stdout?.once("data", (text) => done([String(text)])),
    ),
    running.ended.then(({ stderr }) => assert.fail(`the stack does not start: ${stderr}`)),
  ]);
  const { urls } = JSON.parse(line ?? "") as { urls: { gitlab: string } };
  return { running, origin: urls.gitlab };
};

const CLIENTS = 8;

/** Clients that log and upload until the stack is gone. */
const load = async (
  { origin, running }: Up,
  state: string,
  promised: Promised,
  round: number,
): Promise<void> => {
  const token = readFileSync(join(state, "job-token"), "utf8").trim();
  const signer = testSigner();
  const isUp = () => running.child.exitCode === null && running.child.signalCode === null;
  const log = async (name: string): Promise<void> => {
    const response = await fetch(`${origin}/api/v1/log/entries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(hashedRekord(signer, utf8(name))),
    });
    const answer = (await response.json()) as Record<string, Answered>;
    assert.equal(response.status, 201, JSON.stringify(answer));
    const { inclusionProof } = Object.values(answer)[0]!.verification;
    promised.entries.set(response.headers.get("location") ?? "", hex(sha256(utf8(name))));
    see(promised, { size: inclusionProof.treeSize, root: inclusionProof.rootHash });
  };
  const upload = async (name: string): Promise<void> => {
    const path = `/api/v4/projects/1/packages/generic/kill/${round}.0/${name}`;
    const content = utf8(name.repeat(1 + (name.length % 7) * 900));
    const headers = { "job-token": token };
    const init = { method: "PUT", headers, body: new Uint8Array(content) };
    const response = await fetch(`${origin}${path}`, init);
    assert.equal(response.status, 201, await response.text());
    promised.uploads.set(path, hex(sha256(content)));
  };
  const client = async (who: number): Promise<void> => {
    for (let n = 0; isUp(); n += 1) {
      const name = `${round}-${who}-${n}`;
      try {
        await (n % 2 === 0 ? log(name) : upload(`${name}.bin`));
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        // Whatever the kill broke off was no answer.
        await sleep(5);
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, who) => client(who)));
};

type Answered = {
  readonly body: string;
  readonly verification: {
    readonly inclusionProof: { readonly treeSize: number; readonly rootHash: string };
  };
};

const see = ({ heads }: Promised, { size, root }: Head): void => {
  assert.equal(heads.get(size) ?? root, root, `two trees of ${size} entries`);
  heads.set(size, root);
};

const bytes = (text: string): Uint8Array => unwrap(fromHex(text));

/** Everything that was answered is there, and every head leads to the one of now. */
const check = async ({ origin }: Up, state: string, promised: Promised): Promise<void> => {
  for (const [path, digest] of promised.entries) {
    const response = await fetch(origin + path);
    assert.equal(response.status, 200, `${path} was answered, and is gone`);
    const [entry] = Object.values((await response.json()) as Record<string, Answered>);
    assert.ok(Buffer.from(entry?.body ?? "", "base64").includes(digest), `${path} is another`);
  }
  const token = readFileSync(join(state, "job-token"), "utf8").trim();
  for (const [path, digest] of promised.uploads) {
    const response = await fetch(origin + path, { headers: { "job-token": token } });
    assert.equal(response.status, 200, `${path} was answered, and is gone`);
    const served = new Uint8Array(await response.arrayBuffer());
    assert.equal(hex(sha256(served)), digest, `${path} has other content`);
  }
  const answer = await fetch(`${origin}/api/v1/log`);
  const now = (await answer.json()) as { treeSize: number; rootHash: string };
  for (const [size, root] of promised.heads) {
    const url = `${origin}/api/v1/log/proof?firstSize=${size}&lastSize=${now.treeSize}`;
    const { hashes } = (await (await fetch(url)).json()) as { hashes: string[] };
    const proven = verifyConsistency(
      { size: BigInt(size), root: bytes(root) },
      { size: BigInt(now.treeSize), root: bytes(now.rootHash) },
      hashes.map(bytes),
    );
    assert.ok(proven.ok, `the head of ${size} is not an earlier one of ${now.treeSize}`);
  }
};

const stop = async ({ running }: Up): Promise<void> => {
  running.child.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
};

/** An older log beside newer checkpoints: the stack says so, and does not start. */
const refusesRollback = async (state: string, promised: Promised): Promise<void> => {
  const database = join(state, "rekor.db");
  copyFileSync(database, join(state, "older"));
  const later = await up(state);
  const writing = load(later, state, promised, 1_000_000);
  writing.catch(() => undefined);
  await sleep(400);
  await stop(later);
  await writing;
  rmSync(`${database}-wal`, { force: true });
  copyFileSync(join(state, "older"), database);
  const { code, stderr } = await runCommand(["up", "--state", state]);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /error\[STATE_CORRUPT\].*promised/);
  assert.ok(!existsSync(join(state, "stack.json")));
};

export const kill: Part = {
  name: "kill",
  about: "SIGKILL for the stack under load, again and again; then an older log under it",
  run: async ({ seed, seconds }) => {
    const { path, remove } = temporary();
    const state = join(path, "state");
    const chance = chanceFrom(seed);
    const promised: Promised = { entries: new Map(), uploads: new Map(), heads: new Map() };
    const end = performance.now() + seconds * 1000;
    let kills = 0;
    while (kills === 0 || performance.now() < end) {
      const stack = await up(state);
      await check(stack, state, promised);
      const working = load(stack, state, promised, kills);
      working.catch(() => undefined);
      await sleep(300 + chance(2500));
      stack.running.child.kill("SIGKILL");
      await stack.running.ended;
      await working;
      const fsck = await runCommand(["log", "fsck", "--state", state, "--json"]);
      assert.equal(fsck.code, 0, fsck.stderr + fsck.stdout);
      kills += 1;
    }
    const last = await up(state);
    await check(last, state, promised);
    await stop(last);
    const counts = `${kills} kills, ${promised.entries.size} entries and ${promised.uploads.size} uploads kept`;
    await refusesRollback(state, promised);
    remove();
    return `${counts}, an older log refused`;
  },
};
