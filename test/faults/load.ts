import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { sha256 } from "../../src/crypto/hash.ts";
import { parseBundle } from "../../src/formats/bundle.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseTrustedRoot } from "../../src/formats/trusted-root.ts";
import { verifyFile } from "../../src/library/verify-file.ts";
import { chanceFrom } from "../fuzz/mutate.ts";
import { type Running, startCommand, temporary } from "../pipeline/command.ts";
import { hashedRekord, testSigner } from "../services/signing.ts";
import type { Part, Run } from "./part.ts";

const CLIENTS = 3;
/** Signings in each second of FAULTS_SECONDS, where `--signings` does not say how many. */
const PER_SECOND = 20;
/** Of the stack's process, through all of it. */
const MAX_RSS = 400 * 1024 * 1024;
const CROWD = 1500;

const CLIENT = fileURLToPath(new URL("load-client.ts", import.meta.url));

const wantedFrom = ({ seconds }: Run): number => {
  const at = process.argv.indexOf("--signings");
  return at < 0 ? Math.max(100, seconds * PER_SECOND) : Number(process.argv[at + 1]);
};

type Up = { readonly running: Running; readonly origin: string };

const up = async (state: string): Promise<Up> => {
  const running = startCommand(["up", "--state", state, "--json"], { patience: 4 * 3600_000 });
  const line = await Promise.race([
    new Promise<string>((done) => running.child.stdout?.once("data", (text) => done(String(text)))),
    running.ended.then(({ stderr }) => assert.fail(`the stack does not start: ${stderr}`)),
  ]);
  return { running, origin: (JSON.parse(line) as { urls: { gitlab: string } }).urls.gitlab };
};

/** Bytes; 0 where this system does not tell. */
const rssOf = (pid: number): number => {
  try {
    const [, kilobytes = "0"] =
      /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
};

type Done = { readonly path: string; readonly sha256: string; readonly bundle: string };
type Tally = {
  readonly done: Done[];
  readonly failed: Map<string, number>;
  kills: number;
  most: number;
};

/** Starts clients and kills them at random until enough was signed. */
const load = async (
  { origin, running }: Up,
  place: { readonly state: string; readonly folder: string },
  wanted: number,
  given: Run,
): Promise<Tally> => {
  const chance = chanceFrom(given.seed);
  const tally: Tally = { done: [], failed: new Map(), kills: 0, most: 0 };
  const secret = (name: string) => readFileSync(join(place.state, name), "utf8").trim();
  const env = {
    ...process.env,
    LOAD_JOB_TOKEN: secret("job-token"),
    LOAD_TOKEN_SECRET: secret("token-secret"),
  };
  let serial = 0;
  const start = (): ChildProcess => {
    serial += 1;
    const args = [
      "--disable-warning=ExperimentalWarning",
      CLIENT,
      String(serial),
      origin,
      place.folder,
    ];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    createInterface(child.stdout).on("line", (line) => {
      // A line that the kill cut off tells of nothing.
      if (!line.endsWith("}")) return;
      const told = JSON.parse(line) as Done | { failed: string };
      if ("failed" in told) tally.failed.set(told.failed, (tally.failed.get(told.failed) ?? 0) + 1);
      else tally.done.push(told);
    });
    return child;
  };
  const clients = Array.from({ length: CLIENTS }, start);
  let said = 0;
  while (tally.done.length < wanted) {
    await sleep(400 + chance(2500));
    tally.most = Math.max(tally.most, rssOf(running.child.pid ?? 0));
    const victim = chance(CLIENTS);
    clients[victim]?.kill("SIGKILL");
    tally.kills += 1;
    clients[victim] = start();
    if (running.child.exitCode !== null || running.child.signalCode !== null) {
      for (const client of clients) client.kill("SIGKILL");
      assert.fail("the stack is gone");
    }
    if (tally.done.length - said >= 1000) {
      said = tally.done.length;
      given.say(`${said} of ${wanted}, ${tally.kills} kills, ${tally.most >> 20} MiB`);
    }
  }
  for (const client of clients) client.kill("SIGKILL");
  await sleep(500);
  return tally;
};

/** Every one that succeeded is served with the same bytes, verifies, and is in the log. */
const check = async ({ origin }: Up, state: string, done: readonly Done[]): Promise<void> => {
  const trust = unwrap(parseTrustedRoot(readFileSync(join(state, "trust", "trusted_root.json"))));
  const jobToken = readFileSync(join(state, "job-token"), "utf8").trim();
  const san = `https://${new URL(origin).host}/local/packages//.gitlab-ci.yml@refs/heads/main`;
  const identity = { kind: "exact", san, issuer: origin } as const;
  await pLimit(8).map(done, async ({ path, sha256: digest, bundle }) => {
    const response = await fetch(origin + path, { headers: { "job-token": jobToken } });
    assert.equal(response.status, 200, `${path} was answered, and is gone`);
    const content = new Uint8Array(await response.arrayBuffer());
    assert.equal(hex(sha256(content)), digest, `${path} has other content`);
    const verdict = await verifyFile(content, { bundle }, { identity, trust });
    assert.ok(verdict.verified, `${path}: ${verdict.verified ? "" : verdict.failure.message}`);
    const [entry] = unwrap(parseBundle(new Uint8Array(readFileSync(bundle)))).entries;
    assert.ok(entry !== undefined);
    const logged = await fetch(`${origin}/api/v1/log/entries?logIndex=${entry.logIndex}`);
    const [found] = Object.values((await logged.json()) as Record<string, { body: string }>);
    assert.equal(found?.body, base64(entry.canonicalizedBody), `${path}: another log entry`);
  });
};

/** A crowd at the same moment: each is served or told when to come again, and none is dropped. */
const crowd = async ({ origin, running }: Up): Promise<{ taken: number; most: number }> => {
  const signer = testSigner();
  const bodies = Array.from({ length: CROWD }, (_, n) =>
    JSON.stringify(hashedRekord(signer, utf8(`crowd ${n}`))),
  );
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, rssOf(running.child.pid ?? 0));
  }, 50);
  const statuses = await Promise.all(
    bodies.map(async (body) => {
      const headers = { "content-type": "application/json" };
      const url = `${origin}/api/v1/log/entries`;
      const response = await fetch(url, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (response.status === 503) assert.ok(response.headers.has("retry-after"));
      return response.status;
    }),
  );
  clearInterval(watch);
  const odd = statuses.filter((status) => status !== 201 && status !== 503);
  assert.deepEqual(odd, []);
  assert.equal((await fetch(`${origin}/api/v1/log`)).status, 200);
  return { taken: statuses.filter((status) => status === 201).length, most };
};

/** Signs and uploads with clients that are killed, then looks at everything that succeeded. */
export const loadPart: Part = {
  name: "load",
  about: "signings and uploads of mixed size by clients that are killed at random",
  run: async (given) => {
    const wanted = wantedFrom(given);
    const { path, remove } = temporary();
    const state = join(path, "state");
    const folder = join(path, "bundles");
    mkdirSync(folder);
    try {
      const stack = await up(state);
      const { done, failed, kills, most } = await load(stack, { state, folder }, wanted, given);
      await check(stack, state, done);
      const { taken, most: later } = await crowd(stack);
      const peak = Math.max(most, later);
      assert.ok(peak < MAX_RSS, `the stack took ${peak >> 20} MiB`);
      stack.running.child.kill("SIGTERM");
      assert.equal((await stack.running.ended).code, 0);
      const refusals = [...failed].map(([code, count]) => `${count} ${code}`).join(", ") || "none";
      return `${done.length} signed, uploaded and verified, ${kills} kills, failed: ${refusals}; of a crowd of ${CROWD} ${taken} served at once; at most ${peak >> 20} MiB`;
    } finally {
      remove();
    }
  },
};
