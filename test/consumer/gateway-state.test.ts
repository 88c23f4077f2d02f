import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import postgres from "postgres";
import { openPostgresState } from "../../src/consumer/gateway-postgres.ts";
import { openSqliteState } from "../../src/consumer/gateway-sqlite.ts";
import {
  type GatewayEvent,
  type GatewayState,
  type KeptVerdict,
  type SeenFile,
  StateUnreachable,
} from "../../src/consumer/gateway-state.ts";
import type { NormalizedName } from "../../src/dists/name.ts";
import type { Version } from "../../src/dists/version.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { IdentityPolicy } from "../../src/verification/verdict.ts";
import { type Cluster, POSTGRES_MISSING, startCluster } from "./postgres-support.ts";

const PROJECT = "greeter" as NormalizedName;
const version = (text: string) => text as Version;

const seen = (filename: string, sha256 = "aa"): SeenFile => ({
  project: PROJECT,
  filename,
  upstream: "own",
  sha256,
  firstSeen: 1_700_000_000_123,
  listed: { filename, url: `https://a.test/${filename}`, sha256 },
});

const verdict = (filename: string, decidedAt: number): KeptVerdict => ({
  project: PROJECT,
  filename,
  sha256: "aa",
  decidedAt,
  validUntil: Number.MAX_SAFE_INTEGER,
  fingerprint: "f",
});

const event = (filename: string, at: number): GatewayEvent => ({
  kind: "accepted",
  at,
  project: PROJECT,
  filename,
  sha256: "aa",
  message: "quote ' and \u2028 line",
});

const identity = (email: string): IdentityPolicy => ({ kind: "email", email, issuer: "https://i" });

const eventsOf = async (state: GatewayState) => {
  const events: GatewayEvent[] = [];
  for await (const one of state.events()) events.push(one);
  return events;
};

/** What any memory must do; `open` gives one more view of the same memory. */
const contract = (open: () => Promise<GatewayState>, views: number) => {
  const opened: GatewayState[] = [];
  let first: GatewayState;
  before(async () => {
    // All at once, so that they meet over making the tables.
    opened.push(...(await Promise.all(Array.from({ length: views }, open))));
    first = opened[0]!;
  });
  after(() => Promise.all(opened.map((state) => state.close())));

  /** The same question from every view, several times, all at the same time. */
  const atOnce = <T>(ask: (state: GatewayState, index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: 24 }, (_, index) => ask(opened[index % views]!, index)));

  test("digest and first sight of a file never change, what is said of it does", async () => {
    assert.deepEqual(await first.see(PROJECT, [seen("a"), seen("b")]), []);
    const later = { ...seen("a", "bb"), firstSeen: 5, listed: { filename: "a", url: "https://x" } };
    assert.deepEqual(await first.see(PROJECT, [later]), [seen("a"), seen("b")]);
    const [a, b] = await first.files(PROJECT);
    assert.deepEqual(a, { ...seen("a"), listed: later.listed });
    assert.deepEqual(b, seen("b"));
    assert.deepEqual(await first.projects(), [PROJECT]);
    assert.deepEqual(await first.files("other" as NormalizedName), []);
  });

  test("of many that see a project first, one does", async () => {
    const project = "raced" as NormalizedName;
    const before = await atOnce((state, index) =>
      state.see(project, [{ ...seen("f", String(index)), project }]),
    );
    assert.equal(before.filter((files) => files.length === 0).length, 1);
    const [held] = await first.files(project);
    for (const [file] of before) if (file !== undefined) assert.equal(file.sha256, held?.sha256);
  });

  test("of many verdicts at once one is first, and the others see it", async () => {
    const kept: number[] = [];
    await atOnce(async (state, index) => {
      await state.settle(PROJECT, (known) => {
        if (known.has("v")) return undefined;
        kept.push(index);
        return { verdict: verdict("v", index), event: event("v", index) };
      });
    });
    assert.equal(kept.length, 1);
    assert.deepEqual(await first.verdict(PROJECT, "v"), verdict("v", kept[0]!));
    assert.deepEqual([...(await first.verdicts(PROJECT)).keys()], ["v"]);
    assert.deepEqual(await eventsOf(first), [event("v", kept[0]!)]);
  });

  test("a verdict that cannot be kept leaves no event", async () => {
    const known = (await eventsOf(first)).length;
    const settling = first.settle(PROJECT, () => {
      throw new Error("no");
    });
    await assert.rejects(settling);
    assert.equal((await eventsOf(first)).length, known);
    assert.equal(await first.verdict(PROJECT, "w"), undefined);
  });

  test("of many publishers one is first, for everybody", async () => {
    const held = await atOnce((state, index) =>
      state.pinPublisher(PROJECT, identity(`${index}@example.com`)),
    );
    for (const one of held) assert.deepEqual(one, held[0]);
    assert.deepEqual(await first.publisher(PROJECT), held[0]);
    await first.replacePublisher(PROJECT, identity("new@example.com"));
    assert.deepEqual(await first.publisher(PROJECT), identity("new@example.com"));
  });

  test("the mark only rises, whoever raises it", async () => {
    assert.equal(await first.mark(PROJECT), undefined);
    await atOnce((state, index) => state.raiseMark(PROJECT, version(`1.${(index * 7) % 24}`)));
    assert.equal(await first.mark(PROJECT), "1.23");
    await first.raiseMark(PROJECT, version("1.9"));
    assert.equal(await first.mark(PROJECT), "1.23");
  });

  test("the trail has every event once", async () => {
    const known = (await eventsOf(first)).length;
    await atOnce((state, index) => state.record(event("r", index)));
    const added = (await eventsOf(first)).slice(known);
    const at = added.map((one) => one.at).sort((a, b) => a - b);
    assert.deepEqual(
      at,
      Array.from({ length: 24 }, (_, index) => index),
    );
  });

  test("the trail is read in parts, each behind the last one's number", async () => {
    const whole = await eventsOf(first);
    const parts: GatewayEvent[] = [];
    for (let number = 0; ; ) {
      const part = await first.eventsAfter(number, 7);
      assert.ok(part.length <= 7 && part.every((one) => one.number > number));
      parts.push(...part.map((one) => one.event));
      const last = part.at(-1);
      if (last === undefined) break;
      number = last.number;
    }
    assert.deepEqual(parts, whole);
  });

  test("a project of thousands of files is remembered in their order", async () => {
    const project = "large" as NormalizedName;
    const files = Array.from({ length: 12_000 }, (_, index) => ({ ...seen(`f${index}`), project }));
    await first.see(project, files);
    assert.deepEqual(
      (await first.files(project)).map(({ filename }) => filename),
      files.map(({ filename }) => filename),
    );
  });
};

describe("the memory in SQLite", () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-state-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  contract(async () => unwrap(openSqliteState(folder)), 1);
});

describe("a memory in SQLite of an earlier release", () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-state-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("is taken over, each file in its place", async () => {
    const files = ["b", "a", "c"].map((name) => seen(name));
    const old = new DatabaseSync(join(folder, "gateway.sqlite"));
    old.exec(`CREATE TABLE seen_file (
      project TEXT NOT NULL, filename TEXT NOT NULL, upstream TEXT NOT NULL, sha256 TEXT NOT NULL,
      first_seen INTEGER NOT NULL, listed TEXT NOT NULL, PRIMARY KEY (project, filename)
    ) STRICT; PRAGMA user_version = 1`);
    const insert = old.prepare("INSERT INTO seen_file VALUES (?, ?, ?, ?, ?, ?)");
    for (const one of files) {
      const { project, filename, upstream, sha256, firstSeen, listed } = one;
      insert.run(project, filename, upstream, sha256, firstSeen, JSON.stringify(listed));
    }
    old.close();
    for (let time = 0; time < 2; time += 1) {
      const state = unwrap(openSqliteState(folder));
      assert.deepEqual(await state.files(PROJECT), files);
      assert.deepEqual(await state.projects(), [PROJECT]);
      await state.close();
    }
  });

  test("of a later one it is left alone", () => {
    const later = new DatabaseSync(join(folder, "gateway.sqlite"));
    later.exec("PRAGMA user_version = 99");
    later.close();
    const opened = openSqliteState(folder);
    assert.ok(!opened.ok);
    assert.equal(opened.error.code, "STATE_CORRUPT");
  });
});

describe("the memory in PostgreSQL", { skip: POSTGRES_MISSING }, () => {
  let cluster: Cluster;
  let address: ReturnType<Cluster["database"]>;
  before(async () => {
    cluster = await startCluster();
    address = cluster.database();
  });
  after(() => cluster?.stop());
  const login = () => ({ password: cluster.password });

  contract(async () => unwrap(await openPostgresState(address, login())), 3);

  test("a login that is refused is no state, and its password is not shown", async () => {
    const opened = await openPostgresState(address, { password: "a-wrong-one" });
    assert.ok(!opened.ok);
    assert.equal(opened.error.code, "STATE_UNREACHABLE");
    assert.doesNotMatch(opened.error.message, /a-wrong-one/);
  });

  test("tables of a later release are left alone", async () => {
    const later = cluster.database();
    const state = unwrap(await openPostgresState(later, login()));
    await state.close();
    const { host, port, database, user: username } = later;
    const path = `${host}/.s.PGSQL.${port}`;
    const sql = postgres({ path, database, username, password: cluster.password, max: 1 });
    await sql`INSERT INTO wheelseal_gateway.migration (version) VALUES (99)`;
    await sql.end();
    const again = await openPostgresState(later, login());
    assert.ok(!again.ok);
    assert.equal(again.error.code, "STATE_CORRUPT");
  });

  test("a server that goes away is told as such, and taken up again when it is back", async () => {
    const state = unwrap(await openPostgresState(address, login()));
    const { host, port, database, user: username } = address;
    const path = `${host}/.s.PGSQL.${port}`;
    const sql = postgres({ path, database, username, password: cluster.password, max: 1 });
    await sql`ALTER TABLE wheelseal_gateway.version_mark RENAME TO gone`;
    await assert.rejects(state.mark(PROJECT), StateUnreachable);
    await sql`ALTER TABLE wheelseal_gateway.gone RENAME TO version_mark`;
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE pid <> pg_backend_pid() AND datname = ${database}`;
    await sql.end();
    await state.mark(PROJECT).catch(() => undefined);
    assert.equal(await state.mark(PROJECT), "1.23");
    await state.close();
  });
});
