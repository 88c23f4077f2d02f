import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { PEERS, type PeerId } from "../test/interop/peers.ts";
import type { Bench, Finding, Outcome } from "./bench.ts";

const page = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

const BENCHMARKS = page("docs/benchmarks.md");
/** Pages whose text is written by hand, with measured tables in it. */
const PAGES = [BENCHMARKS, page("docs/scaling.md")];

const COLUMNS = ["what", "ours", "against", "ratio", "goal", "reached"];

const verdictOf = ({ reached }: Finding): string =>
  reached === undefined ? "" : reached ? "yes" : "**no**";

const rowOf = (finding: Finding): string[] => [
  ...[finding.what, finding.measured, finding.against, finding.ratio, finding.goal].map(
    (cell) => cell ?? "",
  ),
  verdictOf(finding),
];

/** A Markdown table without the columns that nothing stands in. */
const table = (findings: readonly Finding[]): string => {
  const rows = findings.map(rowOf);
  const used = COLUMNS.map((_, at) => at).filter((at) => rows.some((row) => row[at] !== ""));
  const line = (cells: readonly string[]): string =>
    `| ${used.map((at) => cells[at] ?? "").join(" | ")} |`;
  return [line(COLUMNS), `|${used.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
};

const section = ({ findings, notes }: Outcome): string =>
  [...(findings.length === 0 ? [] : [table(findings)]), ...notes].join("\n\n");

/** The outcome for a terminal. */
export const printed = (title: string, outcome: Outcome): string =>
  `\n## ${title}\n\n${section(outcome)}`;

const machine = (): string => {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} processors (${first?.model.trim() ?? "unknown"}), ${memory} GB of memory`;
};

const versions = (benches: readonly Bench[]): string => {
  const ids = new Set<PeerId>(benches.flatMap(({ peers }) => peers));
  const names = [...ids].map((id) => {
    const { name, version } = PEERS[id] as { name: string; version?: string };
    return version === undefined ? name : `${name} ${version}`;
  });
  return `Node ${process.versions.node}; ${names.join(", ")}`;
};

const measuredOn = (benches: readonly Bench[]): string =>
  `Last measured on ${new Date().toISOString().slice(0, 10)}: ${machine()}. ${versions(benches)}.`;

/** Puts `content` between the marks of that name, where a page has them. */
const put = (text: string, name: string, content: string): string => {
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  if (start < 0 || end < start) return text;
  return `${text.slice(0, start + from.length)}\n\n${content}\n\n${text.slice(end)}`;
};

/** Writes what was measured into the pages; what was not stays as it was. */
export const writeReport = async (
  benches: readonly Bench[],
  outcomes: ReadonlyMap<string, Outcome>,
): Promise<void> => {
  for (const path of PAGES) {
    let text = await readFile(path, "utf8");
    for (const [name, outcome] of outcomes) text = put(text, name, section(outcome));
    text = put(text, "machine", measuredOn(benches));
    await writeFile(path, text);
  }
};
