import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import type { Proof, ReleaseVerdict, WaiverNote } from "../stages/release.ts";
import type { ShardNote } from "../stages/shard.ts";
import type { LevelReason } from "../stages/summary.ts";
import { describeWaiver } from "../verification/policy.ts";
import type { Check } from "../verification/verdict.ts";
import { paint, type Terminal } from "./terminal.ts";

/** What proves a file, in a few words: kinds of evidence, who signed, when it was logged. */
const summaryOf = (proofs: readonly Proof[]): string => {
  const kinds = proofs.map(({ kind }) => kind).join(", ");
  const verdict = proofs.find((proof) => proof.verdict.verified)?.verdict;
  if (verdict?.verified !== true) return kinds;
  const signer =
    verdict.signer.kind === "certificate" ? verdict.signer.san : `key ${verdict.signer.keyId}`;
  const when = verdict.times[0] === undefined ? "" : `, ${verdict.times[0]}`;
  return `${kinds}; signed by ${signer}${when}`;
};

/** One file, two or three lines: what it is, and what proves it or why not. */
export const showRelease = (
  terminal: Terminal,
  verdict: ReleaseVerdict,
  outcome = verdict.pinned === true ? "pinned" : "verified",
): void => {
  const good = verdict.failure === undefined;
  const colour = outcome === "verified" || outcome === "pinned" ? "green" : "yellow";
  const accepted = paint(terminal, colour, outcome.padEnd("verified".length));
  const mark = good ? accepted : paint(terminal, "red", "REFUSED ");
  terminal.out(`${mark} ${visible(verdict.filename)}  sha256:${verdict.sha256}`);
  if (verdict.failure !== undefined) {
    terminal.out(`         ${verdict.failure.code}: ${visible(verdict.failure.message)}`);
  } else if (verdict.pinned === true) {
    terminal.out("         the policy pins this digest; no signature was asked for");
  } else if (verdict.proofs.length === 0) {
    terminal.out("         nobody vouches for it");
  } else {
    terminal.out(`         ${visible(summaryOf(verdict.proofs))}`);
  }
  for (const finding of verdict.findings) {
    terminal.out(`         note: ${visible(`${finding.path}: ${finding.detail}`)}`);
  }
  for (const line of waiverLines(verdict)) {
    terminal.out(`         ${paint(terminal, "yellow", visible(line))}`);
  }
};

/** What part of a run this was: it says nothing about the other parts. */
export const shardLine = (
  { index, total, of }: ShardNote,
  judged: number,
  what: "files" | "packages" = "files",
): string =>
  `shard ${index} of ${total}: ${judged} of ${of.length} ${what}; join all shards with wheelseal report merge`;

/** The SLSA levels of a summary, each with the reason why it is or is not reached. */
export const showLevels = (terminal: Terminal, levels: readonly LevelReason[]): void => {
  for (const { level, reached, reason } of levels) {
    terminal.out(`${reached ? "reached " : "not     "} ${level}: ${visible(reason)}`);
  }
};

/** Every waiver about a file, and what it came to: printed on each run, needed or not. */
export const waiverLines = ({ waivers }: Pick<ReleaseVerdict, "waivers">): string[] =>
  waivers.map(waiverLine);

const waiverLine = ({ waiver, over, excused }: WaiverNote): string => {
  const use = excused.length === 0 ? "not needed" : `accepted without ${excused.join(" and ")}`;
  return `${describeWaiver(waiver)}: ${over ? "over, excuses nothing" : use}`;
};

/** The JSON document of a verification, the same for every command that verifies. */
export const releaseDocument = (
  verdicts: readonly ReleaseVerdict[],
  failed: Failure | undefined,
  levels?: readonly LevelReason[],
  shard?: ShardNote,
): string =>
  JSON.stringify(
    {
      ok: failed === undefined,
      ...(failed && { error: failed }),
      ...(shard && { shard }),
      files: verdicts,
      ...(levels && { levels }),
    },
    null,
    2,
  );

/** Text of somebody else, for an attribute or the content of an element. */
export const escapeXml = (text: string): string =>
  visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

/** A JUnit report: one suite a file, one case a check, as GitLab's test report shows them. */
export const junitDocument = (verdicts: readonly ReleaseVerdict[]): string => {
  const suites = verdicts.map(suite);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="wheelseal">\n${suites.join("\n")}\n</testsuites>\n`;
};

const suite = (verdict: ReleaseVerdict): string => {
  const cases = verdict.proofs.flatMap((proof) =>
    proof.verdict.checks
      .filter(({ status }) => status !== "absent")
      .map((check) => testCase(`${verdict.filename} ${proof.kind}`, check)),
  );
  // The file's own case carries failures that are about no single check, and is never missing.
  const own = ownCase(verdict);
  const failures = [...cases, own].filter((text) => text.includes("<failure")).length;
  const waivers = waiverLines(verdict).map((line) => waiverCase(verdict.filename, line));
  const tests = cases.length + 1 + waivers.length;
  return [
    `  <testsuite name="${escapeXml(verdict.filename)}" tests="${tests}" failures="${failures}" skipped="${waivers.length}">`,
    own,
    ...waivers,
    ...cases,
    "  </testsuite>",
  ].join("\n");
};

/** A check that was not demanded is shown as skipped, with who answers for it. */
const waiverCase = (filename: string, line: string): string =>
  `    <testcase classname="${escapeXml(filename)}" name="waiver"><skipped message="${escapeXml(line)}"/></testcase>`;

const ownCase = ({ filename, failure }: ReleaseVerdict): string => {
  const start = `    <testcase classname="${escapeXml(filename)}" name="release"`;
  if (failure === undefined) return `${start}/>`;
  const detail = escapeXml(`${failure.message}\n${failure.hint}`);
  return `${start}><failure type="${failure.code}" message="${escapeXml(failure.message)}">${detail}</failure></testcase>`;
};

const testCase = (classname: string, check: Check): string => {
  const start = `    <testcase classname="${escapeXml(classname)}" name="${check.name}"`;
  if (check.status !== "failed") return `${start}/>`;
  const values = `expected: ${check.expected ?? ""}\nactual: ${check.actual ?? ""}`;
  return `${start}><failure message="${escapeXml(check.detail)}">${escapeXml(values)}</failure></testcase>`;
};
