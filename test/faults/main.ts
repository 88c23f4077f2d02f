import type { Part } from "./part.ts";
import { PARTS } from "./parts.ts";

/**
 * The fault suite: `npm run faults`, `npm run faults -- --only NAME`, with FAULTS_SEED (the time),
 * FAULTS_SEEDS for each simulation (2000) and FAULTS_SECONDS for each loop (60). The exit code is
 * 1 as soon as one part saw a broken promise.
 */
const number = (name: string, fallback: number): number => {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} is not a number`);
  return value;
};

const wanted = process.argv.flatMap((argument, at, all) =>
  argument === "--only" ? (all[at + 1] ?? "").split(",") : [],
);
const unknown = wanted.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(", ")}`);
  console.error(PARTS.map(({ name, about }) => `  ${name.padEnd(24)}${about}`).join("\n"));
  process.exit(2);
}

const run = {
  seed: number("FAULTS_SEED", Date.now() % 2 ** 31),
  seeds: number("FAULTS_SEEDS", 2000),
  seconds: number("FAULTS_SECONDS", 60),
  say: (line: string) => console.log(`  ${line}`),
};

type Outcome = { readonly part: Part; readonly result: string; readonly took: number };

const attempt = async (part: Part): Promise<Outcome> => {
  const start = performance.now();
  const took = () => Math.round((performance.now() - start) / 1000);
  console.log(`${part.name}: ${part.about}`);
  try {
    return { part, result: await part.run(run), took: took() };
  } catch (error) {
    process.exitCode = 1;
    console.error(error instanceof Error ? error.stack : error);
    const what = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { part, result: `FAILED: ${what}`, took: took() };
  }
};

console.log(`FAULTS_SEED=${run.seed} FAULTS_SEEDS=${run.seeds} FAULTS_SECONDS=${run.seconds}`);
const outcomes: Outcome[] = [];
for (const part of PARTS) {
  if (wanted.length === 0 || wanted.includes(part.name)) outcomes.push(await attempt(part));
}
console.log("");
for (const { part, result, took } of outcomes) {
  console.log(`${part.name.padEnd(24)}${String(took).padStart(5)} s  ${result}`);
}
process.exit(process.exitCode ?? 0);
