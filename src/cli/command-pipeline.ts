import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { systemBuilder } from "../clients/builder.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { utf8 } from "../formats/bytes.ts";
import type { Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { build } from "../stages/1-build.ts";
import { type Report, STAGES, type StageEvent, type StageName } from "../stages/events.ts";
import type { KeepRule } from "../stages/kept-build.ts";
import { type PipelineOutcome, runPipeline } from "../stages/pipeline.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { PipelineReport } from "../web/report.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { metadataWish, outFolder, pythonWish } from "./command-build.ts";
import { progressFor } from "./render-progress.ts";
import { junitDocument, showRelease } from "./render-release.ts";
import { runSign } from "./run-sign.ts";
import { type Run, runConsume, runPublish, runPublishSignatures, runVerify } from "./run-stages.ts";
import { runSummary } from "./run-summary.ts";
import { inSession, openSession, type Session } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { reportOf, writeReport } from "./write-report.ts";

/** `wheelseal pipeline [DIR]`: local outside a GitLab job, unless --profile says otherwise. */
export const pipelineCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const project = resolve(terminal.cwd, operands[0] ?? ".");
  const settings = await readSettings({ flags, env: terminal.env, project, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const inJob = terminal.env.GITLAB_CI === "true";
  const session = await openSession(invocation, settings.value, inJob ? "gitlab" : "local");
  if (!session.ok) return refuse(invocation, session.error);
  const progress = progressFor(terminal, stageOrder(settings.value));
  const seen: Seen = { events: [], verdicts: [] };
  const report: Report = (event) => {
    seen.events.push(event);
    progress.report(event);
  };
  const run = { invocation, session: session.value, report };
  const out = outFolder(settings.value, project, terminal.cwd);
  const outcome = await inSession(session.value, () => pipeline(run, project, out, seen));
  progress.close();
  return conclude(invocation, session.value, outcome, seen, out);
};

/** What a run has seen so far: kept for the report, also when it fails. */
type Seen = {
  readonly events: StageEvent[];
  verdicts: readonly ReleaseVerdict[];
  record?: BuildRecord;
};

const stageOrder = (settings: Settings): readonly StageName[] =>
  settings.on("signatures-first")
    ? ["build", "sign", "verify", "publish-signatures", "publish", "consume"]
    : STAGES;

const pipeline = (
  run: Run,
  project: string,
  out: string,
  seen: Seen,
): Promise<Result<PipelineOutcome>> =>
  runPipeline(
    {
      build: async () => {
        const record = await runBuild(run, project, out);
        if (record.ok) seen.record = record.value;
        return record;
      },
      sign: (record) => runSign(run, out, record),
      verify: async () => {
        const folder = await runVerify(run, out);
        if (!folder.ok) return folder;
        seen.verdicts = folder.value.verdicts;
        const signed = await runSummary(run, folder.value.verdicts, seen.record);
        return signed.ok ? folder : signed;
      },
      publish: (verdicts) => runPublish(run, out, verdicts),
      publishSignatures: (verdicts) => runPublishSignatures(run, out, verdicts),
      consume: (record) => runConsume(run, { ...record, record }, undefined),
    },
    run.session.settings.on("signatures-first"),
  );

/** A job's certificate names its commit, and the record must name the same. */
const keepRule = (inJob: boolean): KeepRule => (inJob ? "same-commit" : "same-source");

const runBuild = (run: Run, project: string, out: string): Promise<Result<BuildRecord>> => {
  const { invocation, session, report } = run;
  const inJob = invocation.terminal.env.GITLAB_CI === "true";
  const keep = invocation.flags.rebuild === true ? undefined : keepRule(inJob);
  return build(
    {
      project,
      out,
      ...(keep === undefined ? {} : { keep }),
      reproducible: session.settings.on("reproducible"),
      metadata: metadataWish(session.settings),
    },
    {
      builder: systemBuilder(pythonWish(session.settings)),
      files: invocation.files,
      now: invocation.outside.now,
      report,
      inspect: inspectDistribution,
    },
  );
};

const conclude = async (
  invocation: Invocation,
  session: Session,
  outcome: Result<PipelineOutcome>,
  seen: Seen,
  out: string,
): Promise<number> => {
  const { terminal, flags, files } = invocation;
  const failure = outcome.ok ? undefined : outcome.error;
  const imported = outcome.ok ? (outcome.value.consumed.installed?.imported ?? []) : [];
  const ended = {
    failure,
    record: seen.record,
    events: seen.events,
    verdicts: seen.verdicts,
    imported,
  };
  const report = reportOf(invocation, session, ended);
  const page = await writeReport(invocation, session, report, out);
  if (!page.ok && failure === undefined) return refuse(invocation, page.error);
  if (typeof flags.junit === "string") {
    const junit = utf8(junitDocument(seen.verdicts));
    const written = await files.write(resolve(terminal.cwd, flags.junit), junit);
    if (!written.ok && failure === undefined) return refuse(invocation, written.error);
  }
  if (failure !== undefined) {
    if (page.ok) terminal.err(`report: ${page.value}`);
    return refuse(invocation, failure);
  }
  if (flags.json === true) terminal.out(JSON.stringify(report, null, 2));
  else summarise(terminal, report, page.ok ? page.value : "");
  return 0;
};

const summarise = (terminal: Terminal, report: PipelineReport, page: string): void => {
  for (const verdict of report.files) showRelease(terminal, verdict);
  for (const { stage, startedAt, endedAt, summary } of report.timeline) {
    const took = (((endedAt ?? 0) - (startedAt ?? 0)) / 1000).toFixed(1);
    terminal.out(`${stage.padEnd(19)} ${took.padStart(6)} s  ${visible(summary ?? "")}`);
  }
  const { record, imported } = report;
  const installed = imported.length === 0 ? "" : `, installed and imported ${imported.join(", ")}`;
  terminal.out(
    `${record?.name} ${record?.version}: built, signed, verified, published, fetched and verified again${installed}`,
  );
  terminal.out(`report: ${page}`);
};
