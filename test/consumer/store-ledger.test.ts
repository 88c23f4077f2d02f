import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openLedger } from "../../src/consumer/store-ledger.ts";

const digests = ["a", "b", "c"];
const digest = fc.constantFrom(...digests);

const step = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), digest, size: fc.integer({ min: 0, max: 9 }) }),
  fc.record({
    kind: fc.constantFrom("forget", "served", "use", "release", "overflow" as const),
    digest,
  }),
);

test("what goes is the least recently served that nobody uses, and no more than has to", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: "max" }),
      fc.integer({ max: 20, min: 0 }),
      (steps, limit) => {
        const ledger = openLedger(limit);
        /** The same in the plainest way: a list in the order of service. */
        let model: { digest: string; size: number }[] = [];
        const users: { digest: string; release: () => void }[] = [];
        const find = (wanted: string) => model.find((one) => one.digest === wanted);
        const without = (gone: string) => model.filter((one) => one.digest !== gone);
        const total = () => model.reduce((sum, { size }) => sum + size, 0);
        for (const one of steps) {
          const known = find(one.digest);
          switch (one.kind) {
            case "put":
              ledger.put(one);
              model = [...without(one.digest), { digest: one.digest, size: one.size }];
              break;
            case "forget":
              ledger.forget(one.digest);
              model = without(one.digest);
              break;
            case "served":
              ledger.served(one.digest);
              if (known !== undefined) model = [...without(one.digest), known];
              break;
            case "use":
              users.push({ digest: one.digest, release: ledger.use(one.digest) });
              break;
            case "release": {
              const at = users.findIndex((user) => user.digest === one.digest);
              const [user] = at < 0 ? [] : users.splice(at, 1);
              user?.release();
              // A second time says nothing.
              user?.release();
              break;
            }
            default: {
              const gone: object[] = [];
              for (const kept of model) {
                if (total() <= limit) break;
                if (users.some((user) => user.digest === kept.digest)) continue;
                gone.push(kept);
                model = without(kept.digest);
              }
              assert.deepEqual(ledger.overflow(), gone);
            }
          }
          assert.equal(ledger.bytes(), total());
          assert.ok(digests.every((name) => ledger.has(name) === (find(name) !== undefined)));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("without a limit nothing goes", () => {
  const ledger = openLedger(undefined);
  for (let at = 0; at < 100; at += 1) ledger.put({ digest: String(at), size: 2 ** 40 });
  assert.deepEqual(ledger.overflow(), []);
  assert.equal(ledger.bytes(), 100 * 2 ** 40);
});
