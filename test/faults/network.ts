import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemOutside } from "../../src/cli/world.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { temporary } from "../pipeline/command.ts";
import { codeOf, runHere, type Said } from "../pipeline/in-process.ts";
import { ownBackend, write } from "../stages/build-support.ts";
import { FAULTS, type Fault, type FaultProxy, openProxy } from "./network-proxy.ts";
import type { Part, Run } from "./part.ts";

/** The stages that use the network; building leaves it to pip. */
const STAGES = ["sign", "verify", "publish", "publish-signatures", "consume"] as const;
type Stage = (typeof STAGES)[number];

/** A call is tried four times, and perhaps made again for another file; a redirect is one more. */
const MAX_ATTEMPTS = 8;

type Place = {
  readonly path: string;
  readonly port: number;
  readonly origin: string;
  readonly secrets: readonly string[];
};

/** `verify` asks a TUF repository whom to trust, and nobody else. */
const argumentsOf = (stage: Stage, folder: string, origin: string): string[] => {
  const state = join(folder, "state");
  const local = ["--profile", "local", "--state", state];
  if (stage === "consume") return ["consume", "tiny_pkg==1.0", ...local];
  const tuf = ["--tuf-mirror", `${origin}/tuf`, "--tuf-root", join(state, "trust", "1.root.json")];
  return [stage, join(folder, "dist"), ...(stage === "verify" ? tuf : []), ...local];
};

/** What differs between files and runs is one call. */
const nameOf = (method: string, path: string): string =>
  `${method} ${path.replace(/[0-9a-f]{64,}/g, "DIGEST").replace(/tiny[-_]pkg-[^/]*?\.(whl|tar\.gz)/g, "FILE")}`;

type World = {
  readonly said: Said;
  readonly attempts: Map<string, number>;
  readonly waits: number[];
};

/** Runs a stage on a copy of what the stage before left: the first `spoilt` attempts of a call fail. */
const runStage = async (
  place: Place,
  stage: Stage,
  fault: { readonly call: string; readonly fault: Fault; readonly spoilt: number } | undefined,
  again: boolean,
): Promise<readonly World[]> => {
  const folder = join(place.path, "run");
  cpSync(join(place.path, `before-${stage}`), folder, { recursive: true });
  const stack = unwrap(await startStack({ folder: join(folder, "state"), port: place.port }));
  const proxy = await openProxy(place.origin);
  try {
    const first = await runOnce(place, proxy, stage, fault);
    return again ? [first, await runOnce(place, proxy, stage, undefined)] : [first];
  } finally {
    await proxy.close();
    await stack.close();
    const leaked = place.secrets.filter((secret) =>
      proxy.trapped.some((seen) => seen.includes(secret)),
    );
    assert.deepEqual(leaked, [], `${stage}: a secret went to another host`);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
};

const runOnce = async (
  place: Place,
  proxy: FaultProxy,
  stage: Stage,
  fault: { readonly call: string; readonly fault: Fault; readonly spoilt: number } | undefined,
): Promise<World> => {
  const attempts = new Map<string, number>();
  const waits: number[] = [];
  let left = fault?.spoilt ?? 0;
  proxy.choose = (method, path) => {
    const name = nameOf(method, path);
    attempts.set(`${method} ${path}`, (attempts.get(`${method} ${path}`) ?? 0) + 1);
    if (name !== fault?.call || left <= 0) return undefined;
    left -= 1;
    return fault.fault;
  };
  const folder = join(place.path, "run");
  const outside = {
    ...systemOutside(),
    fetch: proxy.fetch,
    sleep: async (milliseconds: number) => void waits.push(milliseconds),
  };
  // What a TUF client keeps stays in the folder.
  const env = { XDG_DATA_HOME: join(folder, "kept") };
  const args = argumentsOf(stage, folder, place.origin);
  const said = await runHere(args, { cwd: folder, outside, env });
  for (const secret of place.secrets) {
    assert.ok(!(said.out + said.err).includes(secret), `${stage}: a secret was printed`);
  }
  assert.ok(!/eyJ[\w-]{20,}\.eyJ/.test(said.out + said.err), `${stage}: a token was printed`);
  noSecretsIn(folder, place.secrets);
  return { said, attempts, waits };
};

/** Nothing that a command wrote has a secret in it, or a token. */
const noSecretsIn = (folder: string, secrets: readonly string[]): void => {
  const own = join(folder, "state");
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || path.startsWith(own)) continue;
    const text = readFileSync(path, "latin1");
    assert.ok(!secrets.some((secret) => text.includes(secret)), `${path} has a secret in it`);
    assert.ok(!/eyJ[\w-]{20,}\.eyJ/.test(text), `${path} has a token in it`);
  }
};

/** Builds once, and keeps the folder as it is before each stage. */
const prepare = async (path: string): Promise<Place> => {
  write(join(path, "project"), ownBackend());
  const folder = join(path, "run");
  const build = ["build", join(path, "project"), "--out", join(folder, "dist"), "--reproducible"];
  const built = await runHere(build, { cwd: path });
  assert.equal(built.code, 0, built.err);
  const started = unwrap(await startStack({ folder: join(folder, "state"), port: 0 }));
  const { urls, tokenSecret, jobToken } = started;
  await started.close();
  const port = Number(new URL(urls.gitlab).port);
  for (const stage of STAGES) {
    cpSync(folder, join(path, `before-${stage}`), { recursive: true });
    const stack = unwrap(await startStack({ folder: join(folder, "state"), port }));
    const args = argumentsOf(stage, folder, urls.gitlab);
    const env = { XDG_DATA_HOME: join(path, "kept") };
    const said = await runHere(args, { cwd: folder, env });
    await stack.close();
    assert.equal(said.code, 0, `${stage}: ${said.err}`);
  }
  rmSync(folder, { recursive: true });
  return { path, port, origin: urls.gitlab, secrets: [tokenSecret, jobToken] };
};

/** Faults of the network itself, which say nothing about what was asked. */
const PASSING: readonly Fault[] = [
  "refused",
  "reset",
  "reset-mid-body",
  "slow-loris",
  "429",
  "503",
];

/** What a stage asks when nothing is wrong, and how often. */
type Calls = {
  readonly stage: Stage;
  readonly names: readonly string[];
  readonly attempts: ReadonlyMap<string, number>;
};

const tryFault = async (
  place: Place,
  { stage, attempts: clean }: Calls,
  call: string,
  fault: Fault,
): Promise<string> => {
  const where = `${stage}, ${call}, ${fault}`;
  const always = { call, fault, spoilt: Number.POSITIVE_INFINITY };
  const [spoilt, after] = await runStage(place, stage, always, true);
  assert.ok(spoilt !== undefined && after !== undefined);
  const code = codeOf(spoilt.said);
  assert.ok(
    [0, 1, 3].includes(spoilt.said.code),
    `${where}: exit ${spoilt.said.code}: ${spoilt.said.err}`,
  );
  assert.ok(spoilt.said.code === 0 || code !== "none", `${where}: no code: ${spoilt.said.err}`);
  assert.ok(spoilt.said.code === 0 || /^hint: /m.test(spoilt.said.err), `${where}: no hint`);
  for (const [each, count] of spoilt.attempts) {
    const most = MAX_ATTEMPTS * Math.max(1, clean.get(each) ?? 1);
    assert.ok(count <= most, `${where}: ${count} attempts of ${each}`);
  }
  if (fault === "other-host-tls" && spoilt.said.code !== 0)
    assert.match(spoilt.said.err, /ERR_TLS_CERT_ALTNAME_INVALID/, where);
  if (fault === "429" && spoilt.said.code !== 0)
    assert.ok(spoilt.waits.includes(7000), `${where}: did not wait`);
  assert.equal(after.said.code, 0, `${where}: run again: ${after.said.err}`);
  if (PASSING.includes(fault)) {
    const [once] = await runStage(place, stage, { call, fault, spoilt: 2 }, false);
    assert.equal(once?.said.code, 0, `${where}, twice: ${once?.said.err}`);
  }
  return spoilt.said.code === 0 ? "done" : code;
};

/** Whether a local stack runs is asked once, and one that does not answer is started: no call of a stage. */
const PROBE = "GET /.well-known/openid-configuration";

const everyCall = async (place: Place, stage: Stage): Promise<Calls> => {
  const [world] = await runStage(place, stage, undefined, false);
  assert.equal(world?.said.code, 0, world?.said.err);
  const attempts = world?.attempts ?? new Map<string, number>();
  const paths = [...attempts.keys()].filter((each) => each !== PROBE);
  const names = paths.map((each) => nameOf(...(each.split(" ") as [string, string])));
  return { stage, attempts, names: [...new Set(names)] };
};

/** Every call of every stage, through a proxy that does it harm. */
export const network: Part = {
  name: "network",
  about: "faults of the network at every call of every stage",
  run: async ({ say }: Run) => {
    const { path, remove } = temporary();
    try {
      const place = await prepare(path);
      let tried = 0;
      const wrong: string[] = [];
      const only = process.env.FAULTS_CALL ?? "";
      for (const stage of STAGES) {
        const calls = await everyCall(place, stage);
        for (const call of calls.names.filter((each) => `${stage}, ${each}`.includes(only))) {
          const found: string[] = [];
          for (const fault of FAULTS) {
            tried += 1;
            await tryFault(place, calls, call, fault).then(
              (outcome) => found.push(`${fault} ${outcome}`),
              (error: Error) => wrong.push(error.message.slice(0, 400)),
            );
          }
          say(`${stage}, ${call}: ${found.join(", ")}`);
        }
      }
      assert.deepEqual(wrong, []);
      return `${tried} faults, each run again without it`;
    } finally {
      remove();
    }
  },
};
