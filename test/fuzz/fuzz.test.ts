import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { failure } from "../../src/formats/result.ts";
import { attack } from "./fuzz.ts";
import { chanceFrom } from "./mutate.ts";
import { exact, oracle, target } from "./target.ts";
import { TARGETS } from "./targets.ts";

/** Milliseconds for all; the long version is `npm run fuzz`. */
const BUDGET = 10_000;

describe("every parser under random edits of good inputs", () => {
  for (const [index, one] of TARGETS.entries()) {
    it(one.name, async () => {
      const seed = Number(process.env.FUZZ_SEED ?? 1) + index;
      const { finding, runs } = await attack(one, BUDGET / TARGETS.length, chanceFrom(seed));
      const shown = Buffer.from(finding?.input ?? [])
        .toString("base64")
        .slice(0, 2000);
      assert.equal(finding?.why, undefined, `FUZZ_SEED=${seed - index}, base64 ${shown}`);
      assert.ok(runs >= one.seeds.length);
    });
  }
});

describe("the fuzzer", () => {
  const seeds = [new TextEncoder().encode("good text")];
  const broken = {
    "an exception": target("x", seeds, (input) => {
      if (input.length !== 9) throw new Error("a bug");
      return { ok: true, value: undefined };
    }),
    "an internal failure": target("x", seeds, (input) =>
      input.length === 9
        ? { ok: true, value: undefined }
        : { ok: false, error: failure("INTERNAL", "x") },
    ),
    "a hang": target("x", seeds, (input) => {
      // Of the process's own time, as it is measured: another's does not count.
      const start = process.cpuUsage();
      while (input.length > 20 && process.cpuUsage(start).user < 1_500_000);
      return { ok: true, value: undefined };
    }),
    "a value that is written otherwise": target(
      "x",
      seeds,
      (input) => ({ ok: true, value: input }),
      exact(() => "good text"),
    ),
    "what another reader refuses": target(
      "x",
      seeds,
      () => ({ ok: true, value: undefined }),
      oracle((input) => {
        if (input.length !== 9) throw new Error("no");
      }),
    ),
    "an input that is changed": target("x", seeds, (input) => {
      if (input.length !== 9) input.fill(1);
      return { ok: true, value: undefined };
    }),
    "a seed that is refused": target("x", seeds, () => ({
      ok: false,
      error: failure("FORMAT_JSON", "x"),
    })),
  };
  for (const [name, one] of Object.entries(broken)) {
    it(`finds ${name}`, async () => {
      assert.ok((await attack(one, 5000, chanceFrom(7))).finding);
    });
  }
});
