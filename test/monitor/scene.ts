import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { systemFiles } from "../../src/clients/files.ts";
import { rekorReaderAt } from "../../src/clients/log-reader-rekor.ts";
import { tilesReaderAt } from "../../src/clients/log-reader-tiles.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { sign } from "../../src/crypto/sign.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { ok, type Result, unwrap } from "../../src/formats/result.ts";
import { certificateVerifier, expectedBody } from "../../src/formats/tlog-body.ts";
import type { Alarm } from "../../src/monitor/alarm.ts";
import type { FollowedLog } from "../../src/monitor/follower.ts";
import { closePass, type Monitor, makePass, type Pass } from "../../src/monitor/monitor.ts";
import { openMonitorState } from "../../src/monitor/monitor-state.ts";
import { noRecords } from "../../src/monitor/records.ts";
import type { IdentityPolicy } from "../../src/verification/verdict.ts";
import {
  forgeLeaf,
  ISSUER,
  LOG_HOST,
  LOG2_HOST,
  NOW,
  TRUST,
  WORLD,
} from "../verification/forge.ts";
import { answersOf, type FakeTree, fakeTree } from "./fake-log.ts";

export const MINE: IdentityPolicy = { kind: "gitlab", issuer: ISSUER, project: "acme/widgets" };

type Signing = ReturnType<typeof forgeLeaf>;

/** The body of an entry about `text`, signed with this certificate. */
export const entryBy = (
  { key, certificate }: Pick<Signing, "key" | "certificate">,
  text: string,
  version: "0.0.1" | "0.0.2" = "0.0.1",
): Uint8Array => {
  const message = utf8(text);
  const signature = sign(key, "sha256", message);
  const verifier = certificateVerifier(certificate);
  const digest = sha256(message);
  const logged = { kind: "artifact", hash: "sha256", digest, signature, verifier } as const;
  return unwrap(expectedBody("hashedrekord", version, logged));
};

const stranger = forgeLeaf({
  san: "https://gitlab.example/other/thing//.gitlab-ci.yml@refs/heads/main",
  claims: { 12: "https://gitlab.example/other/thing" },
});

/** Entries of others. */
export const others = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, n) => entryBy(stranger, `other ${from + n}`));

export const LOG_1: FollowedLog = {
  ...{ url: `https://${LOG_HOST}`, api: 1 },
  keys: TRUST.tlogs.slice(0, 1),
};
export const LOG_2: FollowedLog = {
  ...{ url: `https://${LOG2_HOST}`, api: 2 },
  keys: TRUST.tlogs.slice(1),
};

/** Stands between the monitor and the log: gives an answer of its own, or none. */
export type Meddling = (request: Request) => Response | Error | Promise<Response> | undefined;

/** One log, one monitor, and a network between them that does as it is told. */
export const openScene = (api: 1 | 2, trees: readonly FakeTree[]) => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-monitor-"));
  const told: Alarm[] = [];
  const records = noRecords();
  const calls: string[] = [];
  let clock = NOW;
  let meddle: Meddling = () => undefined;
  let answers = answersOf(api, trees);
  const fetch: Outside["fetch"] = async (input, init) => {
    const request = new Request(input, init);
    calls.push(new URL(request.url).pathname);
    const given = await meddle(request);
    if (given instanceof Error) throw given;
    return given ?? answers(request);
  };
  const outside: Outside = {
    fetch,
    now: () => clock,
    sleep: async (milliseconds) => {
      clock += milliseconds;
    },
    random: (length) => new Uint8Array(length),
  };
  let state = unwrap(openMonitorState(folder, clock));
  const monitorWith = (changes: Partial<Monitor>): Monitor => ({
    logs: [api === 1 ? LOG_1 : LOG_2],
    readerOf: (log) => (log.api === 1 ? rekorReaderAt : tilesReaderAt)(log.url, outside),
    records: async () => ok({ records, files: 0, malformed: [] }),
    strict: false,
    tell: async (alarms): Promise<Result<void>> => {
      told.push(...alarms);
      return ok(undefined);
    },
    state,
    watch: { identities: [MINE], authorities: TRUST.certificateAuthorities },
    witnesses: [],
    witnessThreshold: 0,
    start: { kind: "now" },
    grace: 0,
    maxAge: undefined,
    keep: (name, content) => systemFiles.write(join(folder, "unreadable", name), content),
    report: () => undefined,
    now: outside.now,
    sleep: outside.sleep,
    ...changes,
  });
  return {
    folder,
    told,
    records,
    calls,
    outside,
    /** One pass; what it alarmed of counts as told. */
    pass: async (changes: Partial<Monitor> = {}): Promise<Pass> => {
      const monitor = monitorWith(changes);
      const pass = unwrap(await makePass(monitor));
      closePass(monitor, pass);
      return pass;
    },
    meddle: (how: Meddling) => {
      meddle = how;
    },
    serve: (others: readonly FakeTree[]) => {
      answers = answersOf(api, others);
    },
    tree: () => state.trees()[0],
    /** As when the process ends and another begins. */
    restart: () => {
      state.close();
      state = unwrap(openMonitorState(folder, clock));
    },
    later: (milliseconds: number) => {
      clock += milliseconds;
    },
    kept: () => {
      try {
        return readdirSync(join(folder, "unreadable")).sort();
      } catch {
        return [];
      }
    },
    close: () => {
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const digestOf = (text: string): string => `sha256:${hex(sha256(utf8(text)))}`;

type Scene = ReturnType<typeof openScene>;

export const codes = ({ alarms }: Pass) => alarms.map(({ code }) => code);
export const failure = ({ trees }: Pass) => trees[0]?.failure?.code;

export const key = (api: 1 | 2) => (api === 1 ? WORLD.log : WORLD.log2);

/** A test for each kind of log, which a monitor followed up to `size` entries. */
export const following = (
  name: string,
  run: (scene: Scene, tree: FakeTree, api: 1 | 2) => Promise<void>,
  size = 5,
): void => {
  for (const api of [1, 2] as const) {
    it(`${name} (Rekor v${api})`, async () => {
      const tree = fakeTree(others(size), key(api));
      const scene = openScene(api, [tree]);
      try {
        assert.deepEqual(codes(await scene.pass()), []);
        await run(scene, tree, api);
      } finally {
        scene.close();
      }
    });
  }
};
