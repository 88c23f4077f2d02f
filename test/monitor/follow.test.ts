import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forgeLeaf } from "../verification/forge.ts";
import { fakeTree } from "./fake-log.ts";
import { codes, digestOf, entryBy, failure, following, key, openScene, others } from "./scene.ts";

const leaf = forgeLeaf();

describe("a log that behaves", () => {
  following(
    "begins at its size, and alarms of what I sign from then on, once",
    async (scene, tree) => {
      tree.bodies.push(...others(3, 100), entryBy(leaf, "mine"), ...others(2, 200));
      const pass = await scene.pass();
      assert.deepEqual(codes(pass), ["MONITOR_UNKNOWN"]);
      const [alarm] = pass.alarms;
      assert.equal(alarm?.entry?.index, 8);
      assert.equal(alarm?.entry?.digest, digestOf("mine"));
      assert.equal(
        alarm?.entry?.certificate.claims["21"],
        "https://gitlab.example/acme/widgets/-/jobs/302",
      );
      assert.deepEqual(
        [pass.trees[0]?.read, pass.trees[0]?.followed, pass.trees[0]?.size],
        [6, 11, 11],
      );
      scene.restart();
      const again = await scene.pass();
      assert.deepEqual([codes(again), failure(again), again.trees[0]?.read], [[], undefined, 0]);
      assert.equal(scene.told.length, 1);
    },
  );

  following("is silent about what is on record", async (scene, tree) => {
    scene.records.digests.add(digestOf("mine"));
    tree.bodies.push(entryBy(leaf, "mine"));
    const pass = await scene.pass();
    assert.deepEqual([codes(pass), pass.trees[0]?.counts.known], [[], 1]);
    assert.deepEqual(codes(await scene.pass()), []);
  });

  following("is read over many chunks and tiles, from any entry", async (scene, tree, api) => {
    tree.bodies.push(...others(700 - 5, 1000));
    tree.bodies[650] = entryBy(leaf, "late");
    for (const index of [0, 257, 650]) {
      const fresh = openScene(api, [tree]);
      const pass = await fresh.pass({ start: { kind: "index", index } });
      assert.deepEqual(codes(pass), ["MONITOR_UNKNOWN"], `from ${index}`);
      assert.deepEqual(
        [pass.trees[0]?.read, failure(pass)],
        [700 - index, undefined],
        `from ${index}`,
      );
      fresh.close();
    }
    scene.restart();
  });

  it("has an empty tree at first", async () => {
    for (const api of [1, 2] as const) {
      const tree = fakeTree([], key(api));
      const scene = openScene(api, [tree]);
      assert.deepEqual(codes(await scene.pass()), []);
      tree.bodies.push(entryBy(leaf, "first"));
      assert.deepEqual(codes(await scene.pass()), ["MONITOR_UNKNOWN"]);
      scene.close();
    }
  });
});

describe("a log out of reach", () => {
  const OUTAGES: readonly [string, () => Response | Error][] = [
    ["answers 503", () => new Response("", { status: 503 })],
    ["refuses connections", () => new TypeError("fetch failed")],
    ["takes too long", () => new DOMException("timed out", "TimeoutError")],
    ["breaks off", () => new Response("{", { headers: { "content-length": "100" } })],
  ];
  const backlog = [...others(330, 300), entryBy(leaf, "a"), ...others(9, 700), entryBy(leaf, "b")];
  for (const [name, answer] of OUTAGES) {
    following(
      `${name}: no alarm, and nothing is read twice or left out after it`,
      async (scene, tree, api) => {
        tree.bodies.push(...backlog);
        // Rekor v1 is read in steps of 320 entries: this is in the second one.
        let left = api === 1 ? 36 : 4;
        scene.meddle(() => {
          left -= 1;
          return left < 0 ? answer() : undefined;
        });
        const during = await scene.pass();
        assert.equal(failure(during), "NETWORK_UNREACHABLE");
        scene.restart();
        scene.meddle(() => undefined);
        const after = await scene.pass();
        assert.deepEqual(
          [...codes(during), ...codes(after)],
          ["MONITOR_UNKNOWN", "MONITOR_UNKNOWN"],
        );
        assert.equal((during.trees[0]?.read ?? 0) + (after.trees[0]?.read ?? 0), backlog.length);
      },
    );
  }

  following(
    "whatever call fails, every alarm comes once and every entry is read once",
    async (scene, tree, api) => {
      tree.bodies.push(
        ...others(30, 300),
        entryBy(leaf, "a"),
        ...others(10, 700),
        entryBy(leaf, "b"),
      );
      scene.restart();
      const total = 42;
      for (let failing = 0; failing < 12; failing += 1) {
        const fresh = openScene(api, [fakeTree(tree.bodies.slice(0, 5), key(api))]);
        await fresh.pass();
        fresh.serve([tree]);
        let at = -1;
        fresh.meddle(() => {
          at += 1;
          return at >= failing && at < failing + 4 ? new Response("", { status: 500 }) : undefined;
        });
        const passes = [await fresh.pass(), await fresh.pass(), await fresh.pass()];
        assert.deepEqual(
          passes.flatMap(codes),
          ["MONITOR_UNKNOWN", "MONITOR_UNKNOWN"],
          `${failing}`,
        );
        assert.equal(
          passes.reduce((sum, pass) => sum + (pass.trees[0]?.read ?? 0), 0),
          total,
        );
        fresh.close();
      }
    },
  );
});
