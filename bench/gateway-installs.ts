import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, Finding, Lab, Outcome } from "./bench.ts";

const SCRIPT = fileURLToPath(new URL("gateway.ts", import.meta.url));
const QUICK = ["--pairs", "1"];
const FULL = ["--pairs", "10"];
const GOALS = { warm: 1.05, cold: 1.25 };

/** `LABEL: direct …, gateway …, ratio R (…)`, as gateway.ts prints it. */
const LINE = /^(.*?): direct (.*?), gateway (.*?), ratio ([\d.]+) \((.*?)\)$/;

const findingOf = (line: string, where: string): Finding | undefined => {
  const [, label = "", direct, gateway = "", ratio = "", spread] = LINE.exec(line) ?? [];
  if (direct === undefined) return undefined;
  const goal = label.includes("warm") ? GOALS.warm : GOALS.cold;
  return {
    what: `install through the gateway: ${label}, ${where}`,
    measured: gateway,
    against: `straight from the index: ${direct}`,
    ratio: `${ratio} × (${spread})`,
    goal: `≤ ${goal} ×`,
    reached: Number(ratio) <= goal,
  };
};

const WHERE = [
  ["pip's own index", ["--index", "pip"]],
  ["an index on this machine", []],
] as const;

const run = async (lab: Lab): Promise<Outcome> => {
  const findings: Finding[] = [];
  const notes = new Set<string>();
  const missing = lab.missing("uv");
  if (missing !== undefined) notes.add(`uv is missing: ${missing}`);
  const without = missing === undefined ? [] : ["--only", "pip"];
  const path = missing === undefined ? [dirname(lab.world.program("uv"))] : [];
  const env = { PATH: [...path, process.env.PATH].join(delimiter) };
  for (const [where, index] of WHERE) {
    const pairs = lab.quick ? QUICK : FULL;
    const args = ["--disable-warning=ExperimentalWarning", SCRIPT, ...pairs, ...without, ...index];
    const told = await lab.world.run(process.execPath, args, { timeout: 1_500_000, env });
    if (told.code !== 0) throw new Error(told.output.slice(-500));
    for (const line of told.stdout.trim().split("\n")) {
      const finding = findingOf(line, where);
      if (finding === undefined) notes.add(line);
      else findings.push(finding);
    }
  }
  return { findings, notes: [...notes].filter((line) => line !== "") };
};

export const gatewayInstalls: Bench = {
  name: "gateway",
  title: "Installing through the gateway",
  peers: ["uv"],
  run,
};
