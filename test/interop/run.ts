import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Check } from "./check.ts";
import { COMPONENT_CHECKS, PEER_CHECKS } from "./checks.ts";
import { INTEROP_PAGE, interopPage } from "./docs.ts";
import { type Found, installPeers } from "./install.ts";
import { type PeerId, peer } from "./peers.ts";
import { makeRelease, openWorld, startStack } from "./world.ts";

// Runs what others wrote against the stack and the client, and prints what they made of it.
// INTEROP_MINUTES limits the time for getting the peers; a peer that is not there is "missing".

type Row = {
  readonly check: Check;
  readonly verdict: "pass" | "fail" | "missing";
  readonly seconds: number;
  readonly why?: string;
};

const options = {
  component: { type: "boolean" },
  only: { type: "string", multiple: true },
  "write-docs": { type: "boolean" },
} as const;
const { values } = parseArgs({ options });

const suite = values.component === true ? COMPONENT_CHECKS : PEER_CHECKS;
const chosen = suite.filter(
  ({ peers, does }) =>
    values.only === undefined ||
    values.only.some((word) => word === peers[0] || does.includes(word)),
);

const DEFAULT_MINUTES = 25;
const minutes = Number(process.env.INTEROP_MINUTES ?? DEFAULT_MINUTES);

const lacking = (check: Check, found: ReadonlyMap<PeerId, Found>): string | undefined => {
  for (const id of check.peers) {
    const at = found.get(id);
    if (at === undefined) return `${id} was not looked for`;
    if ("missing" in at) return `${id}: ${at.missing}`;
  }
  return undefined;
};

const runChecks = async (found: ReadonlyMap<PeerId, Found>): Promise<Row[]> => {
  const root = await mkdtemp(join(tmpdir(), "wheelseal-interop-"));
  const stack = await startStack(join(root, "state"));
  const rows: Row[] = [];
  try {
    const release = await makeRelease(root, stack);
    for (const [index, check] of chosen.entries()) {
      const absent = lacking(check, found);
      const started = Date.now();
      const end = (verdict: Row["verdict"], why?: string) => {
        const seconds = (Date.now() - started) / 1000;
        rows.push({ check, verdict, seconds, ...(why === undefined ? {} : { why }) });
        console.error(`${verdict.padEnd(8)}${nameOf(check)}: ${check.does}`);
      };
      if (absent !== undefined) {
        end("missing", absent);
        continue;
      }
      try {
        const name = `${index}-${check.peers[0].replace("/", "-")}`;
        await check.run(await openWorld(root, name, { stack, release, found }));
        end("pass");
      } catch (error) {
        end("fail", error instanceof Error ? error.message : String(error));
      }
    }
  } finally {
    await stack.close();
    await rm(root, { recursive: true, force: true });
  }
  return rows;
};

const nameOf = ({ peers }: Check): string => {
  const { name, version } = peer(peers[0]);
  return version === undefined ? name : `${name} ${version}`;
};

const print = (rows: readonly Row[]): void => {
  const width = Math.max(...rows.map(({ check }) => nameOf(check).length));
  for (const { check, why } of rows.filter(({ verdict }) => verdict === "fail")) {
    console.log(`\n--- ${nameOf(check)}: ${check.does}\n${why}`);
  }
  console.log("");
  for (const { check, verdict, seconds, why } of rows) {
    const reason = verdict === "missing" ? ` (${why})` : "";
    console.log(
      `${verdict.padEnd(8)}${nameOf(check).padEnd(width + 2)}${seconds.toFixed(1).padStart(6)} s  ${check.does}${reason}`,
    );
  }
  const count = (wanted: Row["verdict"]) => rows.filter(({ verdict }) => verdict === wanted).length;
  console.log(`\n${count("pass")} pass, ${count("fail")} fail, ${count("missing")} missing`);
};

if (values["write-docs"] === true) {
  await writeFile(INTEROP_PAGE, interopPage());
} else {
  const wanted = new Set(chosen.flatMap(({ peers }) => peers));
  if (wanted.size === 0) throw new Error("no check is about that");
  const found = await installPeers(wanted, Date.now() + minutes * 60_000);
  const rows = await runChecks(found);
  print(rows);
  process.exitCode = rows.some(({ verdict }) => verdict === "fail") ? 1 : 0;
}
