import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Bench, Lab, Outcome } from "./bench.ts";
import { median, timed } from "./measure.ts";
import { local, offline, ours } from "./tool.ts";
import { makeWheels } from "./wheels.ts";

/** Prints the peak of a program's resident memory in kilobytes, as the kernel counted it. */
const PEAK = `
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
`;

const LIMIT = 150;

const peak = async (lab: Lab, args: readonly string[]): Promise<number> => {
  const { program, args: full, env = {} } = ours(lab, args);
  const told = await lab.world.run("python3", ["-c", PEAK, program, ...full], { env });
  if (told.code !== 0) throw new Error(told.output.slice(-500));
  return Number(told.stdout.trim()) / 1024;
};

const run = async (lab: Lab): Promise<Outcome> => {
  const { world } = lab;
  const count = lab.quick ? 100 : 1000;
  const folder = join(lab.folder, "dist");
  await makeWheels(folder, count, 1024 * 1024);
  await timed(ours(lab, ["sign", folder, ...local(lab)]));
  const large = join(lab.folder, "large.bin");
  const gigabytes = lab.quick ? 0.25 : 2;
  const file = await open(large, "w");
  await file.truncate(gigabytes * 1024 ** 3);
  await file.close();
  await timed(ours(lab, ["sign", large, ...local(lab)]));
  const wheel = join(world.release.folder, world.release.wheel);
  const cases = {
    "verify one wheel": [wheel, "--bundle", `${wheel}.sigstore.json`],
    [`verify ${count} wheels of 1 MB`]: [folder],
    [`verify a file of ${gigabytes} GB`]: [large, "--bundle", `${large}.sigstore.json`],
  };
  const findings = [];
  for (const [what, args] of Object.entries(cases)) {
    const peaks: number[] = [];
    for (let time = 0; time < (lab.quick ? 1 : 3); time += 1) {
      peaks.push(await peak(lab, ["verify", ...args, ...offline(world)]));
    }
    findings.push({
      what: `memory: ${what}`,
      measured: `${median(peaks).toFixed(0)} MB (to ${Math.max(...peaks).toFixed(0)})`,
      goal: `< ${LIMIT} MB`,
      reached: Math.max(...peaks) < LIMIT,
    });
  }
  return {
    findings,
    notes: ["The peak of resident memory of the whole process with its threads, of three runs."],
  };
};

export const memory: Bench = { name: "memory", title: "Memory", peers: [], run };
