import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import { systemBuilder } from "../clients/builder.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { utf8 } from "../formats/bytes.ts";
import type { Result } from "../formats/result.ts";
import { build } from "../stages/1-build.ts";
import { type Report, STAGES, type StageName } from "../stages/events.ts";
import { type PipelineOutcome, runPipeline } from "../stages/pipeline.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { metadataWish, outFolder, pythonWish } from "./command-build.ts";
import { progressFor } from "./render-progress.ts";
import { junitDocument, showRelease } from "./render-release.ts";
import { runSign } from "./run-sign.ts";
import { type Run, runConsume, runPublish, runPublishSignatures, runVerify } from "./run-stages.ts";
import { inSession, openSession, type Session } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";

type Timings = Map<StageName, { began: number; took: number }>;

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
  const timings: Timings = new Map();
  const report: Report = (event) => {
    note(timings, event.stage, event.kind, event.at);
    progress.report(event);
  };
  const run = { invocation, session: session.value, report };
  const outcome = await inSession(session.value, () => pipeline(run, project));
  progress.close();
  if (!outcome.ok) return refuse(invocation, outcome.error);
  return conclude(invocation, session.value, outcome.value, timings);
};

const stageOrder = (settings: Settings): readonly StageName[] =>
  settings.on("signatures-first")
    ? ["build", "sign", "verify", "publish-signatures", "publish", "consume"]
    : STAGES;

const note = (timings: Timings, stage: StageName, kind: string, at: number): void => {
  const timing = timings.get(stage);
  if (kind === "started") timings.set(stage, { began: at, took: 0 });
  else if (timing !== undefined) timing.took = at - timing.began;
};

const pipeline = (run: Run, project: string): Promise<Result<PipelineOutcome>> => {
  const { settings } = run.session;
  const out = outFolder(settings, project, run.invocation.terminal.cwd);
  return runPipeline(
    {
      build: () => runBuild(run, project, out),
      sign: (record) => runSign(run, out, record),
      verify: () => runVerify(run, out),
      publish: (verdicts) => runPublish(run, out, verdicts),
      publishSignatures: (verdicts) => runPublishSignatures(run, out, verdicts),
      consume: (record) => runConsume(run, record, undefined),
    },
    settings.on("signatures-first"),
  );
};

const runBuild = (run: Run, project: string, out: string): Promise<Result<BuildRecord>> => {
  const { invocation, session, report } = run;
  return build(
    {
      project,
      out,
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
  outcome: PipelineOutcome,
  timings: Timings,
): Promise<number> => {
  const { terminal, flags, files } = invocation;
  const { junit } = flags;
  if (typeof junit === "string") {
    const report = utf8(junitDocument(outcome.verdicts));
    const written = await files.write(resolve(terminal.cwd, junit), report);
    if (!written.ok) return refuse(invocation, written.error);
  }
  if (flags.json === true) {
    terminal.out(JSON.stringify({ ok: true, ...outcome, timings: took(timings) }, null, 2));
    return 0;
  }
  const { name, version } = outcome.record;
  for (const verdict of outcome.verdicts) showRelease(terminal, verdict);
  const total = [...timings.values()].reduce((sum, timing) => sum + timing.took, 0);
  const { installed } = outcome.consumed;
  const imported =
    installed === undefined ? "" : `, installed and imported ${installed.imported.join(", ")}`;
  terminal.out(
    `${name} ${version}: built, signed, verified, published, fetched and verified again${imported}`,
  );
  terminal.out(`six stages in ${(total / 1000).toFixed(1)} s; trust: ${session.trust.from}`);
  return 0;
};

const took = (timings: Timings): Record<string, number> =>
  Object.fromEntries([...timings].map(([stage, timing]) => [stage, timing.took]));
