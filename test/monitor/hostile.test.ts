import assert from "node:assert/strict";
import { describe } from "node:test";
import { utf8 } from "../../src/formats/bytes.ts";
import { forgeLeaf } from "../verification/forge.ts";
import { fakeTree, noteOf } from "./fake-log.ts";
import { codes, entryBy, failure, following, key, others } from "./scene.ts";

const leaf = forgeLeaf();

describe("a log that does not", () => {
  following(
    "forks at the same size: both checkpoints are kept, and it is followed no further",
    async (scene, tree, api) => {
      const fork = fakeTree([...others(4), utf8("another")], key(api));
      scene.serve([fork]);
      const pass = await scene.pass();
      assert.deepEqual([codes(pass), failure(pass)], [["TLOG_CONSISTENCY"], "TLOG_CONSISTENCY"]);
      const { kept = "", offered = "" } = pass.alarms[0]?.proof ?? {};
      const text = (note: string) => note.split("\n\n")[0];
      assert.deepEqual(
        [text(kept), text(offered)],
        [text(noteOf(tree, api)), text(noteOf(fork, api))],
      );
      // Not even when the log goes on as if nothing had been.
      scene.serve([tree]);
      tree.bodies.push(...others(1, 50));
      scene.restart();
      const later = await scene.pass();
      assert.deepEqual(
        [codes(later), failure(later), scene.tree()?.size],
        [[], "TLOG_CONSISTENCY", 5],
      );
    },
  );

  following("forks and grows", async (scene, _, api) => {
    scene.serve([fakeTree([...others(4), utf8("another"), ...others(3, 9)], key(api))]);
    const pass = await scene.pass();
    assert.deepEqual([codes(pass), failure(pass)], [["TLOG_CONSISTENCY"], "TLOG_CONSISTENCY"]);
    assert.ok((pass.alarms[0]?.proof?.consistency?.length ?? 0) > 0);
    assert.equal(scene.tree()?.size, 5);
  });

  following("forks and shrinks", async (scene, tree, api) => {
    const fork = fakeTree([...others(3), utf8("another"), ...others(4, 7)], key(api));
    fork.signedSize = 4;
    scene.serve([fork]);
    assert.deepEqual(codes(await scene.pass()), ["TLOG_CONSISTENCY"]);
    assert.equal(scene.tree()?.size, tree.bodies.length);
  });

  following(
    "rolls back: an alarm once, refused every time, and followed again once it is back",
    async (scene, tree) => {
      tree.signedSize = 4;
      const pass = await scene.pass();
      assert.deepEqual([codes(pass), failure(pass)], [["MONITOR_ROLLBACK"], "MONITOR_ROLLBACK"]);
      assert.ok(pass.alarms[0]?.proof?.kept?.includes("\n5\n"));
      assert.ok(pass.alarms[0]?.proof?.offered?.includes("\n4\n"));
      const again = await scene.pass();
      assert.deepEqual(
        [codes(again), failure(again), scene.tree()?.size],
        [[], "MONITOR_ROLLBACK", 5],
      );
      delete tree.signedSize;
      tree.bodies.push(entryBy(leaf, "after"));
      assert.deepEqual(codes(await scene.pass()), ["MONITOR_UNKNOWN"]);
    },
  );

  following("loses its last entries and grows again: that is a fork", async (scene, tree) => {
    tree.bodies.splice(3);
    assert.deepEqual(codes(await scene.pass()), ["MONITOR_ROLLBACK"]);
    tree.bodies.push(...others(6, 60));
    assert.deepEqual(codes(await scene.pass()), ["TLOG_CONSISTENCY"]);
  });

  following("answers from a server that is behind, for a moment", async (scene, tree) => {
    tree.signedSize = 4;
    let asked = 0;
    scene.meddle(({ url }) => {
      if (!/\/(log|checkpoint)$/.test(url)) return undefined;
      asked += 1;
      if (asked === 3) delete tree.signedSize;
      return undefined;
    });
    const pass = await scene.pass();
    assert.deepEqual([codes(pass), failure(pass)], [[], undefined]);
  });

  following("hides an entry: nothing behind it is read until it is there", async (scene, tree) => {
    tree.bodies.push(
      ...others(2, 30),
      entryBy(leaf, "hidden"),
      ...others(2, 40),
      entryBy(leaf, "behind"),
    );
    tree.missing.add(7);
    const pass = await scene.pass();
    assert.deepEqual([codes(pass), failure(pass)], [["MONITOR_GAP"], "MONITOR_GAP"]);
    const again = await scene.pass();
    assert.deepEqual([codes(again), failure(again)], [[], "MONITOR_GAP"]);
    tree.missing.clear();
    const late = await scene.pass();
    assert.deepEqual(codes(late), ["MONITOR_UNKNOWN", "MONITOR_UNKNOWN"]);
    assert.deepEqual(
      late.alarms.map(({ entry }) => entry?.index),
      [7, 10],
    );
  });

  following(
    "gives out another entry than it signed for: it is not believed",
    async (scene, tree) => {
      tree.bodies.push(entryBy(leaf, "mine"), ...others(1, 33));
      tree.altered.set(5, others(1, 77)[0] as Uint8Array);
      const pass = await scene.pass();
      assert.deepEqual([codes(pass), failure(pass)], [["MONITOR_ALTERED"], "MONITOR_ALTERED"]);
      assert.equal(scene.tree()?.range.size, 5);
      tree.altered.clear();
      assert.deepEqual(codes(await scene.pass()), ["MONITOR_UNKNOWN"]);
    },
  );

  following(
    "frames me with an entry that it did not sign for: no alarm about me",
    async (scene, tree) => {
      tree.bodies.push(...others(2, 33));
      tree.altered.set(5, entryBy(leaf, "framed"));
      assert.deepEqual(codes(await scene.pass()), ["MONITOR_ALTERED"]);
    },
  );

  following("signs with a key that is not trusted", async (scene, tree) => {
    tree.key = forgeLeaf().key;
    tree.bodies.push(...others(1, 44));
    const pass = await scene.pass();
    assert.deepEqual([codes(pass), failure(pass)], [["TLOG_CHECKPOINT"], "TLOG_CHECKPOINT"]);
    tree.key = key(scene.tree()?.api ?? 1);
    assert.equal(failure(await scene.pass()), undefined);
  });

  following(
    "does wrong, recovers, and does wrong again: that is told again",
    async (scene, tree, api) => {
      const pass = async (trusted: boolean) => {
        scene.later(1000);
        tree.key = trusted ? key(api) : forgeLeaf().key;
        return codes(await scene.pass());
      };
      assert.deepEqual([await pass(false), await pass(false)], [["TLOG_CHECKPOINT"], []]);
      assert.deepEqual(await pass(true), []);
      assert.deepEqual([await pass(false), await pass(false)], [["TLOG_CHECKPOINT"], []]);
      assert.equal(new Set(scene.told.map(({ id }) => id)).size, 2);
      assert.deepEqual(await pass(true), []);
      for (let times = 0; times < 2; times += 1) {
        scene.later(1000);
        tree.signedSize = 2;
        assert.deepEqual(
          [codes(await scene.pass()), codes(await scene.pass())],
          [["MONITOR_ROLLBACK"], []],
        );
        delete tree.signedSize;
        assert.deepEqual(codes(await scene.pass()), []);
      }
    },
  );

  following("stands still for longer than is allowed", async (scene, tree) => {
    scene.later(3_600_000);
    assert.equal(failure(await scene.pass({ maxAge: 7_200_000 })), undefined);
    assert.equal(failure(await scene.pass({ maxAge: 3_000_000 })), "MONITOR_STALE");
    tree.bodies.push(...others(1, 55));
    assert.equal(failure(await scene.pass({ maxAge: 3_000_000 })), undefined);
  });

  following("shows that it grows, and never gives out what by", async (scene, tree) => {
    const outage = () => new Error("no route");
    const stalls = (paths: RegExp) =>
      scene.meddle(({ url }) => (paths.test(url) ? outage() : undefined));
    const maxAge = 7_200_000;
    stalls(/entries/);
    tree.bodies.push(...others(1, 70));
    assert.equal(failure(await scene.pass({ maxAge })), "NETWORK_UNREACHABLE");
    scene.later(maxAge + 1);
    tree.bodies.push(...others(1, 71));
    const late = await scene.pass({ maxAge });
    assert.deepEqual([codes(late), failure(late)], [["MONITOR_STALE"], "MONITOR_STALE"]);
    // Told once, of the log as of its tree, as long as it goes on.
    assert.deepEqual(codes(await scene.pass({ maxAge })), []);
    scene.meddle(() => undefined);
    const well = await scene.pass({ maxAge });
    assert.deepEqual([codes(well), failure(well), well.trees[0]?.read], [[], undefined, 2]);
    stalls(/./);
    assert.equal(failure(await scene.pass({ maxAge })), "NETWORK_UNREACHABLE");
    scene.later(maxAge + 1);
    assert.deepEqual(codes(await scene.pass({ maxAge })), ["MONITOR_STALE"]);
    assert.deepEqual(codes(await scene.pass({ maxAge })), []);
    // Where nobody said how long, an outage is none of the log's doing.
    assert.equal(failure(await scene.pass()), "NETWORK_UNREACHABLE");
  });

  following(
    "has entries as large as it takes them: each is read, and none is left out",
    async (scene, tree, api) => {
      const large = new Uint8Array(api === 1 ? 9 * 1024 * 1024 : 0xffff).fill(0x20);
      tree.bodies.push(large, large.subarray(1), entryBy(leaf, "behind"));
      const pass = await scene.pass();
      assert.deepEqual(
        [codes(pass), failure(pass), pass.trees[0]?.read],
        [["MONITOR_UNKNOWN"], undefined, 3],
      );
    },
  );

  following("gives nonsense instead of entries", async (scene, tree) => {
    tree.bodies.push(...others(1, 66));
    scene.meddle(({ url }) =>
      /entries/.test(url) ? new Response("[[[", { status: 200 }) : undefined,
    );
    const pass = await scene.pass();
    assert.equal(failure(pass), "REKOR_RESPONSE");
    assert.equal(scene.tree()?.range.size, 5);
  });
});
