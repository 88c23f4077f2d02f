import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulatedLog } from "./simulated-log.ts";
import { simulatedRegistry } from "./simulated-registry.ts";
import { simulatedState } from "./simulated-state.ts";
import { noCounts, type Sabotage, type Simulated, simulate, Violation } from "./simulation.ts";

/** A slice of what `npm run faults` does with thousands of other seeds. */
const SEEDS: readonly (readonly [Simulated, number])[] = [
  [simulatedLog, 60],
  [simulatedRegistry, 12],
  [simulatedState, 60],
];

for (const [simulated, seeds] of SEEDS) {
  test(`the ${simulated.name} keeps its promises on ${seeds} failing disks`, async () => {
    const counts = noCounts();
    for (let seed = 1; seed <= seeds; seed += 1) {
      await simulate(simulated, seed, counts).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
    }
    assert.ok(counts.cuts > seeds && counts.answers > seeds, JSON.stringify(counts));
  });
}

/** Each mistake of a program, and one of the promises that it breaks. */
const MISTAKES: readonly (readonly [Simulated, Sabotage, RegExp])[] = [
  [simulatedLog, "answers-early", /was answered, and is gone/],
  [simulatedLog, "skips-file-sync", /no whole checkpoint/],
  [simulatedLog, "skips-folder-sync", /last checkpoint .* is missing/],
  [simulatedLog, "forgets-commits", /leaves of \d+ that were promised/],
  [simulatedLog, "forgets-everything", /leaves after \d+ were promised|have different roots/],
  [simulatedRegistry, "answers-early", /was answered, and now gets 404/],
  [simulatedRegistry, "skips-file-sync", /is served with other content/],
  [simulatedRegistry, "skips-folder-sync", /was answered, and now gets/],
  [simulatedRegistry, "forgets-commits", /was answered, and now gets 404/],
  [simulatedState, "skips-file-sync", /was kept, and now|holds neither|does not open/],
  [simulatedState, "skips-folder-sync", /was kept, and now|was exchanged|holds neither/],
];

describe("the simulation sees", () => {
  for (const [simulated, sabotage, promise] of MISTAKES) {
    test(`a ${simulated.name} that ${sabotage}`, async () => {
      const seen = new Set<string>();
      for (let seed = 1; seed <= 400; seed += 1) {
        try {
          await simulate(simulated, seed, noCounts(), sabotage);
        } catch (error) {
          assert.ok(error instanceof Violation, String(error));
          seen.add(error.message);
          if (promise.test(error.message)) return;
        }
      }
      assert.fail(`only seen: ${[...seen].join("; ")}`);
    });
  }
});
