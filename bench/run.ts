import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installPeers } from "../test/interop/install.ts";
import type { PeerId } from "../test/interop/peers.ts";
import { makeRelease, openWorld, startStack } from "../test/interop/world.ts";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { cold } from "./cold.ts";

import { gatewayInstalls } from "./gateway-installs.ts";
import { growth } from "./growth.ts";
import { log } from "./log.ts";
import { many } from "./many.ts";
import { memory } from "./memory.ts";
import { rekor } from "./rekor.ts";
import { printed, writeReport } from "./report.ts";
import { sign } from "./sign.ts";
import { stages } from "./stages.ts";
import { warm } from "./warm.ts";

// Measures ours and what others wrote side by side in the same run, and writes docs/benchmarks.md.
// BENCH_MINUTES limits the time for getting the peers; one that is not there is "missing".

const BENCHES: readonly Bench[] = [
  ...[cold, warm, many, sign, stages, log, rekor, memory, growth, gatewayInstalls],
];

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const RUNS = 10;
const QUICK_RUNS = 3;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    /** A bundle that is made already. */
    bundle: { type: "string" },
  },
});

const bundle = (folder: string): string => {
  const rolldown = join(ROOT, "node_modules", ".bin", "rolldown");
  execFileSync(rolldown, ["-c", "-d", folder], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return folder;
};

const chosen = BENCHES.filter(({ name }) => values.only?.includes(name) ?? true);
if (chosen.length === 0) throw new Error(`there are ${BENCHES.map(({ name }) => name).join(", ")}`);

const say = (line: string): void => console.error(line);

const measure = async (): Promise<Map<string, Outcome>> => {
  const wanted = new Set<PeerId>(chosen.flatMap(({ peers }) => peers));
  const minutes = Number(process.env.BENCH_MINUTES ?? 10);
  const found = await installPeers(wanted, Date.now() + minutes * 60_000);
  const root = await mkdtemp(join(tmpdir(), "wheelseal-bench-"));
  const dist = values.bundle ?? bundle(join(root, "dist"));
  await writeFile(join(root, "package.json"), '{ "type": "module" }\n');
  const tool = join(dist, "wheelseal.js");
  const stack = await startStack(join(root, "state"));
  const outcomes = new Map<string, Outcome>();
  try {
    const release = await makeRelease(root, stack);
    for (const { name, run } of chosen) {
      const started = performance.now();
      const world = await openWorld(root, name, { stack, release, found });
      const { folder } = world;
      const missing = (id: PeerId): string | undefined => {
        const at = found.get(id);
        if (at === undefined) return "it was not looked for";
        return "missing" in at ? at.missing : undefined;
      };
      const runs = values.quick ? QUICK_RUNS : RUNS;
      const lab: Lab = { world, folder, runs, quick: values.quick, tool, missing, say };
      await mkdir(folder, { recursive: true });
      try {
        outcomes.set(name, await run(lab));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        outcomes.set(name, { findings: [], notes: [`It failed: ${why.slice(0, 500)}`] });
        process.exitCode = 1;
      }
      say(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
      await rm(folder, { recursive: true, force: true });
    }
  } finally {
    await stack.close();
    await rm(root, { recursive: true, force: true });
  }
  return outcomes;
};

const outcomes = await measure();
for (const { name, title } of chosen) {
  console.log(printed(title, outcomes.get(name) ?? { findings: [], notes: [] }));
}
// A part, and smaller numbers, are no report.
if (!values.quick) await writeReport(BENCHES, outcomes);
