import { fileURLToPath } from "node:url";
import type { Bench, Lab, Outcome } from "./bench.ts";

const SCRIPT = fileURLToPath(new URL("gateway.ts", import.meta.url));
const QUICK = ["--pairs", "1"];
const FULL = ["--pairs", "10"];
const GOALS = { warm: 1.05, cold: 1.25 };

/** `LABEL: direct …, gateway …, ratio R (…)`, as gateway.ts prints it. */
const LINE = /^(.*?): direct (.*?), gateway (.*?), ratio ([\d.]+) \((.*?)\)$/;

const run = async (lab: Lab): Promise<Outcome> => {
  const args = ["--disable-warning=ExperimentalWarning", SCRIPT, ...(lab.quick ? QUICK : FULL)];
  const told = await lab.world.run(process.execPath, args, { timeout: 900_000 });
  if (told.code !== 0) throw new Error(told.output.slice(-500));
  const lines = told.stdout.trim().split("\n");
  const findings = lines.flatMap((line) => {
    const [, label = "", direct, gateway = "", ratio = "", spread] = LINE.exec(line) ?? [];
    if (direct === undefined) return [];
    const goal = label.includes("warm") ? GOALS.warm : GOALS.cold;
    return [
      {
        what: `install through the gateway: ${label}`,
        measured: gateway,
        against: `straight from the index: ${direct}`,
        ratio: `${ratio} × (${spread})`,
        goal: `≤ ${goal} ×`,
        reached: Number(ratio) <= goal,
      },
    ];
  });
  const other = lines.filter((line) => !LINE.test(line));
  return { findings, notes: other.filter((line) => line !== "") };
};

export const gatewayInstalls: Bench = {
  name: "gateway",
  title: "Installing through the gateway",
  peers: [],
  run,
};
