import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { openMetrics } from "../../src/consumer/gateway-metrics.ts";
import { openPool } from "../../src/consumer/gateway-pool.ts";
import type { Asked } from "../../src/consumer/gateway-prepare.ts";
import type { Quarantine } from "../../src/consumer/gateway-store.ts";
import type { GatewayWorld } from "../../src/consumer/gateway-world.ts";
import { fail, ok, type Result } from "../../src/formats/result.ts";

/** Quarantines that were made and cleared. */
let made: number;
let cleared: number;
/** Downloads that wait for the test. */
let waiting: (() => void)[];
let metrics: ReturnType<typeof openMetrics>;

const quarantine = async (): Promise<Result<Quarantine>> => {
  made += 1;
  const clear = async () => {
    cleared += 1;
  };
  return ok({ path: (name: string) => `/quarantine/${made}/${name}`, clear } as Quarantine);
};

const download = () => new Promise<Result<void>>((done) => waiting.push(() => done(ok(undefined))));

const world = (fingerprint = "rules"): GatewayWorld =>
  ({
    fingerprint,
    metrics,
    now: () => 0,
    policy: { policy: { packages: new Map([["acme", { pins: ["00"] }]]) } },
    config: { maxBytes: 1 },
    store: { quarantine, takeOut: async () => false },
    // What is checked does not matter here.
    files: { hold: async () => fail("FILE_UNREADABLE", "not looked at") },
  }) as unknown as GatewayWorld;

const asked = (version: number): Asked => {
  const filename = `acme-${version}-py3-none-any.whl`;
  const stated = { filename, url: `https://index.test/${filename}`, sha256: "00" };
  const upstream = { config: { name: "test" }, index: { download } };
  const listing = { project: "acme", upstream, files: [] };
  return { listing, stated, metadata: Promise.resolve(ok(undefined)) } as unknown as Asked;
};

const tick = () => new Promise(setImmediate);
const bring = async (): Promise<void> => {
  for (const done of waiting.splice(0)) done();
  await tick();
};

beforeEach(() => {
  [made, cleared, waiting, metrics] = [0, 0, [], openMetrics()];
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => mock.timers.reset());

describe("what is prepared before anybody asked", () => {
  test("is for the first who asks, even on its way", async () => {
    const pool = openPool(new Map());
    void pool.begin(world(), asked(1));
    await tick();
    const first = pool.take(world(), asked(1).stated);
    assert.equal(await pool.take(world(), asked(1).stated), undefined);
    await bring();
    assert.equal((await first)?.ok, true);
    assert.deepEqual([made, cleared], [1, 0]);
    assert.match(metrics.text(), /ahead_total\{outcome="asked"\} 1/);
  });

  test("is not begun again for what somebody asked for", async () => {
    const pool = openPool(new Map());
    assert.equal(await pool.take(world(), asked(1).stated), undefined);
    assert.equal(await pool.begin(world(), asked(1)), undefined);
    assert.equal(made, 0);
  });

  test("goes after a minute, with its quarantine", async () => {
    const pool = openPool(new Map());
    void pool.begin(world(), asked(1));
    await tick();
    await bring();
    mock.timers.tick(59_999);
    await tick();
    assert.equal(cleared, 0);
    mock.timers.tick(1);
    await tick();
    assert.deepEqual([made, cleared], [1, 1]);
    assert.equal(await pool.take(world(), asked(1).stated), undefined);
    assert.match(metrics.text(), /ahead_total\{outcome="unasked"\} 1/);
  });

  test("is thrown away where other rules hold now", async () => {
    const pool = openPool(new Map());
    void pool.begin(world(), asked(1));
    await tick();
    await bring();
    assert.equal(await pool.take(world("other rules"), asked(1).stated), undefined);
    assert.deepEqual([made, cleared], [1, 1]);
  });

  test("waits for its turn, and is left to who asks before that", async () => {
    const pool = openPool(new Map());
    for (let version = 0; version < 20; version += 1) void pool.begin(world(), asked(version));
    await tick();
    assert.equal(made, 8);
    assert.equal(await pool.take(world(), asked(15).stated), undefined);
    for (let round = 0; round < 5; round += 1) await bring();
    assert.equal(made, 19);
  });

  test("has its bounds", async () => {
    const pool = openPool(new Map());
    for (let version = 0; version < 100; version += 1) void pool.begin(world(), asked(version));
    for (let round = 0; round < 20; round += 1) await bring();
    assert.equal(made, 64);
    assert.equal(pool.hasRoom(), false);
    mock.timers.tick(60_000);
    await tick();
    assert.equal(pool.hasRoom(), true);
    assert.equal(cleared, 64);
  });
});
