import { type Chance, mutate } from "./mutate.ts";
import type { Target } from "./target.ts";

/** An input that broke a rule. */
export type Finding = {
  readonly target: string;
  readonly input: Uint8Array;
  readonly why: string;
};

export type Campaign = {
  readonly runs: number;
  readonly outcomes: number;
  readonly finding?: Finding;
};

/** Longer than this for one input of 64 KiB is a hang. */
const MAX_MILLISECONDS = 1000;
const MAX_CORPUS = 512;

/**
 * Attacks one parser for a while, from its seeds on. Inputs that lead to outcomes not seen before
 * join the corpus, so that later ones get deeper. Ends at the first finding.
 */
export const attack = async (
  target: Target,
  milliseconds: number,
  chance: Chance,
): Promise<Campaign> => {
  const corpus = [...target.seeds];
  const outcomes = new Set<string>();
  const end = performance.now() + milliseconds;
  const found = (input: Uint8Array, why: string): Campaign => ({
    runs,
    outcomes: outcomes.size,
    finding: { target: target.name, input, why },
  });
  let runs = 0;
  for (; performance.now() < end; runs += 1) {
    const input = runs < target.seeds.length ? target.seeds[runs]! : mutate(corpus, chance);
    const start = process.cpuUsage();
    let outcome: string;
    try {
      outcome = await target.run(input);
    } catch (error) {
      return found(input, error instanceof Error ? `${error.stack}` : String(error));
    }
    const { user, system } = process.cpuUsage(start);
    const took = (user + system) / 1000;
    if (took > MAX_MILLISECONDS) return found(input, `took ${Math.round(took)} ms`);
    if (runs < target.seeds.length && outcome !== "ok") return found(input, `a seed: ${outcome}`);
    if (outcomes.has(outcome)) continue;
    outcomes.add(outcome);
    if (corpus.length < MAX_CORPUS) corpus.push(input);
  }
  return { runs, outcomes: outcomes.size };
};
