import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { visible } from "../formats/visible.ts";
import { verifyFile } from "../stages/3-verify.ts";
import { type Command, refuse } from "./command.ts";
import { describeExpectation, expectedFor } from "./expectation.ts";
import { explainLines } from "./render-explain.ts";
import { releaseDocument } from "./render-release.ts";
import { readSettings } from "./settings.ts";
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
    for (const line of verdicts.flatMap((each) => explainLines(terminal, each))) terminal.out(line);
  }
  return failure === undefined ? 0 : refuse({ ...invocation, flags: {} }, failure);
};
