import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { visible } from "../formats/visible.ts";
import { verifyFile } from "../stages/3-verify.ts";
import type { Proof, ReleaseVerdict } from "../stages/release.ts";
import { type Command, refuse } from "./command.ts";
import { describeExpectation, expectedFor } from "./expectation.ts";
import { releaseDocument } from "./render-release.ts";
import { checkLines } from "./render-verdict.ts";
import { readSettings } from "./settings.ts";
import { paint, type Terminal } from "./terminal.ts";
import { trustOf } from "./trust.ts";

/** `wheelseal explain FILE` */
export const explainCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files, outside } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const trust = await trustOf(invocation, settings.value);
  if (!trust.ok) return refuse(invocation, trust.error);
  const expect = await expectedFor(invocation, settings.value, trust.value);
  if (!expect.ok) return refuse(invocation, expect.error);
  const verdict = await verifyFile(resolve(terminal.cwd, operands[0] ?? ""), {
    expect: expect.value,
    trust: trust.value.root,
    files,
    inspect: inspectDistribution,
    now: outside.now,
    report: () => undefined,
  });
  if (!verdict.ok) return refuse(invocation, verdict.error);
  const { verdicts, failure } = verdict.value;
  if (flags.json === true) terminal.out(releaseDocument(verdicts, failure));
  else {
    terminal.out(`expected: ${visible(describeExpectation(expect.value))}`);
    terminal.out(`trust:    ${visible(trust.value.from)}`);
    for (const each of verdicts) explain(terminal, each);
  }
  return failure === undefined ? 0 : refuse({ ...invocation, flags: {} }, failure);
};

const explain = (terminal: Terminal, verdict: ReleaseVerdict): void => {
  const { filename, sha256, size, proofs, findings, failure } = verdict;
  terminal.out(`${paint(terminal, "bold", visible(filename))}  ${size} bytes, sha256:${sha256}`);
  for (const proof of proofs) explainProof(terminal, proof);
  for (const finding of findings)
    terminal.out(`  note: ${visible(`${finding.path}: ${finding.detail}`)}`);
  terminal.out(failure === undefined ? "verified as a release" : "refused");
};

const explainProof = (terminal: Terminal, { kind, file, verdict }: Proof): void => {
  const state = verdict.verified
    ? paint(terminal, "green", "good")
    : paint(terminal, "red", "refused");
  terminal.out(`├─ ${kind} (${visible(file)}): ${state}`);
  for (const line of checkLines(terminal, verdict.checks)) terminal.out(`│  ${line}`);
};
