import { mkdirSync, writeFileSync } from "node:fs";
import { attack } from "./fuzz.ts";
import { chanceFrom } from "./mutate.ts";
import { TARGETS } from "./targets.ts";

/**
 * Attacks every parser for FUZZ_SECONDS in all (600), from FUZZ_SEED (the time), those named by
 * FUZZ_TARGET only. Findings go to .fuzz/, and make the exit code 1.
 */
const seconds = Number(process.env.FUZZ_SECONDS ?? 600);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const wanted = process.env.FUZZ_TARGET?.split(",");
const targets = TARGETS.filter(({ name }) => wanted?.includes(name) ?? true);

console.log(`${targets.length} parsers, ${seconds} s, FUZZ_SEED=${seed}`);
const chance = chanceFrom(seed);
for (const target of targets) {
  const { runs, outcomes, finding } = await attack(
    target,
    (seconds * 1000) / targets.length,
    chance,
  );
  console.log(`${target.name}: ${runs} inputs, ${outcomes} outcomes`);
  if (finding === undefined) continue;
  mkdirSync(".fuzz", { recursive: true });
  const path = `.fuzz/${target.name.replaceAll(" ", "-")}-${seed}`;
  writeFileSync(path, finding.input);
  console.error(`FOUND ${path}: ${finding.why}`);
  process.exitCode = 1;
}
