import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { forgeLeaf } from "../verification/forge.ts";
import { fakeTree } from "./fake-log.ts";
import { entryBy, key, openScene, others } from "./scene.ts";

/** What happens to a log between two passes, and to the pass. */
type Event =
  | { readonly kind: "grows"; readonly by: number }
  | { readonly kind: "mine" }
  | { readonly kind: "hides" | "alters" | "shrinks"; readonly at: number }
  | { readonly kind: "heals" }
  | { readonly kind: "fails"; readonly after: number }
  | { readonly kind: "restarts" };

/** An entry that comes next or soon, so that it is not yet read. */
const soon = fc.nat({ max: 2 });
const meddling = fc.constantFrom("hides" as const, "alters" as const, "shrinks" as const);
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ kind: meddling, at: soon }), weight: 4 },
    { arbitrary: fc.record({ kind: fc.constant("mine" as const) }), weight: 4 },
    fc.record({ kind: fc.constant("grows" as const), by: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant("heals" as const) }),
    fc.record({ kind: fc.constant("fails" as const), after: fc.nat({ max: 12 }) }),
    fc.record({ kind: fc.constant("restarts" as const) }),
  ),
  { minLength: 4, maxLength: 12 },
);

const leaf = forgeLeaf();
const stranger = others(400);
const own = Array.from({ length: 14 }, (_, n) => entryBy(leaf, `mine ${n}`));
const [odd] = others(1, 5000) as [Uint8Array];

const simulate = async (api: 1 | 2, happened: readonly Event[]): Promise<void> => {
  const tree = fakeTree(stranger.slice(0, 5), key(api));
  const scene = openScene(api, [tree]);
  try {
    await scene.pass();
    const mine: number[] = [];
    let grown = 5;
    let before = scene.tree();
    const heal = () => {
      delete tree.signedSize;
      tree.missing.clear();
      tree.altered.clear();
      scene.meddle(() => undefined);
    };
    for (const event of happened) {
      switch (event.kind) {
        case "grows":
          tree.bodies.push(...stranger.slice(grown, grown + event.by));
          grown += event.by;
          break;
        case "mine":
          tree.bodies.push(own[mine.length] as Uint8Array);
          mine.push(tree.bodies.length - 1);
          break;
        case "hides":
          tree.missing.add(tree.bodies.length + event.at);
          break;
        case "alters":
          tree.altered.set(tree.bodies.length + event.at, odd);
          break;
        case "shrinks":
          tree.signedSize = tree.bodies.length - event.at - 1;
          break;
        case "fails": {
          let calls = 0;
          scene.meddle(() => {
            calls += 1;
            return calls > event.after ? new Response("", { status: 503 }) : undefined;
          });
          break;
        }
        case "restarts":
          scene.restart();
          break;
        case "heals":
          heal();
          break;
        default:
          event satisfies never;
      }
      await scene.pass();
      const now = scene.tree();
      assert.ok((now?.size ?? 0) >= (before?.size ?? 0), "the checkpoint went back");
      assert.ok((now?.range.size ?? 0) >= (before?.range.size ?? 0), "entries are read again");
      before = now;
    }
    heal();
    await scene.pass();
    const told = scene.told.filter(({ code }) => code === "MONITOR_UNKNOWN");
    assert.deepEqual(
      told.map(({ entry }) => entry?.index),
      mine,
      "each once, none left out",
    );
    assert.equal(scene.tree()?.range.size, tree.bodies.length);
    assert.ok(!scene.told.some(({ code }) => code === "TLOG_CONSISTENCY"), "no fork was seen");
    assert.equal(new Set(scene.told.map(({ id }) => id)).size, scene.told.length, "each told once");
  } finally {
    scene.close();
  }
};

for (const api of [1, 2] as const) {
  test(`whatever a log does, what I sign is told once, when it comes to light (Rekor v${api})`, async () => {
    const runs = Number(process.env.SIMULATION_RUNS ?? 20);
    await fc.assert(
      fc.asyncProperty(events, (happened) => simulate(api, happened)),
      { numRuns: runs },
    );
  });
}
