import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Finding, Lab, Outcome } from "./bench.ts";
import { median, timed } from "./measure.ts";
import { local, offline, ours } from "./tool.ts";

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

/** The peak of three verifications, and whether all of them kept to the limit. */
export const verifyingTakes = async (
  lab: Lab,
  what: string,
  args: readonly string[],
): Promise<Finding> => {
  const peaks: number[] = [];
  for (let time = 0; time < (lab.quick ? 1 : 3); time += 1) {
    peaks.push(await peak(lab, ["verify", ...args, ...offline(lab.world)]));
  }
  return {
    what: `memory: verify ${what}`,
    measured: `${median(peaks).toFixed(0)} MB (to ${Math.max(...peaks).toFixed(0)})`,
    goal: `< ${LIMIT} MB`,
    reached: Math.max(...peaks) < LIMIT,
  };
};

const GATEWAY = fileURLToPath(new URL("gateway-memory.ts", import.meta.url));
const GATEWAY_LIMIT = 400;

/** The gateway's peak while a hundred clients download a large wheel that it did not know. */
const gatewayTakes = async (lab: Lab): Promise<Finding> => {
  const size = lab.quick ? ["--clients", "10", "--megabytes", "5"] : [];
  const args = ["--disable-warning=ExperimentalWarning", GATEWAY, ...size];
  const told = await lab.world.run(process.execPath, args, { timeout: 300_000 });
  const [, downloads, peak] = /^(.*?) whole in .* (\d+) MB at most$/m.exec(told.stdout) ?? [];
  if (downloads === undefined) throw new Error(told.output.slice(-500));
  return {
    what: `memory: gateway, ${downloads} at once`,
    measured: `${peak} MB`,
    goal: `< ${GATEWAY_LIMIT} MB`,
    reached: told.code === 0 && Number(peak) < GATEWAY_LIMIT,
  };
};

const run = async (lab: Lab): Promise<Outcome> => {
  const { release } = lab.world;
  const large = join(lab.folder, "large.bin");
  const gigabytes = lab.quick ? 0.25 : 2;
  const file = await open(large, "w");
  await file.truncate(gigabytes * 1024 ** 3);
  await file.close();
  await timed(ours(lab, ["sign", large, ...local(lab)]));
  const wheel = join(release.folder, release.wheel);
  return {
    findings: [
      await verifyingTakes(lab, "one wheel", [wheel, "--bundle", `${wheel}.sigstore.json`]),
      await verifyingTakes(lab, `a file of ${gigabytes} GB`, [
        ...[large, "--bundle", `${large}.sigstore.json`],
      ]),
      await gatewayTakes(lab),
    ],
    notes: [
      "The peak of resident memory of the whole process with its threads, of three runs. That of a thousand wheels stands with them above.",
    ],
  };
};

export const memory: Bench = { name: "memory", title: "Memory", peers: [], run };
