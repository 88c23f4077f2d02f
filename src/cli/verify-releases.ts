import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { utf8 } from "../formats/bytes.ts";
import { fail, failure, ok, type Result } from "../formats/result.ts";
import { type FolderVerdict, verifyFile, verifyFolder } from "../stages/3-verify.ts";
import { briefly } from "../stages/brief.ts";
import type { StageEvent } from "../stages/events.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { parseShard, type Shard, type ShardNote } from "../stages/shard.ts";
import type { Expected } from "../verification/policy.ts";
import { type Invocation, refuse } from "./command.ts";
import { expectedFor } from "./expectation.ts";
import { pinnedRecord } from "./pinned-record.ts";
import {
  junitDocument,
  releaseDocument,
  shardLine,
  showLevels,
  showRelease,
} from "./render-release.ts";
import type { Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import { type Trust, trustOf } from "./trust.ts";
import { verifyHelpers } from "./verify-pool.ts";
import type { Ended } from "./write-report.ts";

/** Whom to trust and to expect; the session where a summary is to be signed. */
type Against = { readonly trust: Trust; readonly expect: Expected; readonly session?: Session };

/** Folders and files with their evidence beside them; no service is needed but for a summary. */
export const verifyReleases = async (
  invocation: Invocation,
  settings: Settings,
): Promise<number> => {
  if (invocation.flags.summary !== undefined) {
    const { inSession, openSession } = await import("./session.ts");
    const session = await openSession(invocation, settings, "gitlab");
    if (!session.ok) return refuse(invocation, session.error);
    const { trust, expect } = session.value;
    const against = { trust, expect, session: session.value };
    return inSession(session.value, () =>
      verifyAgainst(invocation, session.value.settings, against),
    );
  }
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return refuse(invocation, trust.error);
  const expect = await expectedFor(invocation, settings, trust.value);
  if (!expect.ok) return refuse(invocation, expect.error);
  return verifyAgainst(invocation, settings, { trust: trust.value, expect: expect.value });
};

const verifyAgainst = async (
  invocation: Invocation,
  settings: Settings,
  against: Against,
): Promise<number> => {
  const { operands, terminal } = invocation;
  const part = shardOf(invocation, settings);
  if (!part.ok) return refuse(invocation, part.error);
  const verdicts: ReleaseVerdict[] = [];
  let built: BuildRecord | undefined;
  let shard: ShardNote | undefined;
  const events: StageEvent[] = [];
  for (const operand of operands.length === 0 ? ["dist"] : operands) {
    const path = resolve(terminal.cwd, operand);
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    const record = isFile ? ok(undefined) : await pinnedRecord(invocation, settings, path);
    if (!record.ok) return refuse(invocation, record.error);
    built ??= record.value?.record;
    const what = isFile ? "file" : part.value;
    const verdict = await verifyPath(invocation, against, { path, what, events });
    if (!verdict.ok) return refuse(invocation, verdict.error);
    verdicts.push(...verdict.value.verdicts);
    shard = verdict.value.shard;
  }
  if (part.value !== undefined && shard === undefined) {
    return refuse(invocation, failure("USAGE", "--shard is for a folder"));
  }
  const { session } = against;
  if (session !== undefined) {
    const run = { invocation, session, report: () => undefined };
    const { runSummary } = await import("./run-summary.ts");
    const signed = await runSummary(run, verdicts, built);
    if (!signed.ok) return refuse(invocation, signed.error);
  }
  const reported = await leaveReport(invocation, against, { events, verdicts, record: built });
  if (!reported.ok) return refuse(invocation, reported.error);
  return conclude(invocation, verdicts, shard);
};

/** The report of --report, where it is asked for: whether the files verified or not. */
const leaveReport = async (
  invocation: Invocation,
  against: Against,
  ended: Pick<Ended, "events" | "verdicts" | "record">,
): Promise<Result<void>> => {
  const { flags, terminal } = invocation;
  if (typeof flags.report !== "string") return ok(undefined);
  const failed = ended.verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  const { reportOf, writeReport } = await import("./write-report.ts");
  const report = reportOf(invocation, against, { ...ended, failure: failed, imported: [] });
  const folder = resolve(terminal.cwd, flags.report);
  const written = await writeReport(invocation, against, report, folder);
  return written.ok ? ok(undefined) : written;
};

/** The part that --shard asks for: I/N, or auto for this job's of CI_NODE_TOTAL. */
const shardOf = (invocation: Invocation, { env }: Settings): Result<Shard | undefined> => {
  const { shard } = invocation.flags;
  if (typeof shard !== "string") return ok(undefined);
  if (invocation.operands.length > 1) return fail("USAGE", "--shard is for one folder");
  if (shard !== "auto") return parseShard(shard);
  // GitLab sets CI_NODE_TOTAL to 1 and no CI_NODE_INDEX where a job is not parallel.
  return parseShard(`${env.CI_NODE_INDEX || "1"}/${env.CI_NODE_TOTAL || "1"}`);
};

/** Whether nothing but a line will be printed of each verdict. */
const isBrief = ({ json, report, summary, junit }: Invocation["flags"]): boolean =>
  [json, report, summary, junit].every((flag) => flag === undefined || flag === false);

const verifyPath = (
  { files, outside, flags }: Invocation,
  { trust, expect }: Against,
  { path, what, events }: { path: string; what: "file" | Shard | undefined; events: StageEvent[] },
): Promise<Result<FolderVerdict>> => {
  const brief = isBrief(flags);
  const input = {
    ...(brief ? { keep: briefly } : {}),
    expect,
    trust: trust.root,
    files,
    inspect: inspectDistribution,
    now: outside.now,
    report: (event: StageEvent) => {
      events.push(event);
    },
  };
  if (what === "file") return verifyFile(path, input);
  const by = { folder: path, expect, trust: trust.root, now: outside.now(), brief };
  const helpers = (count: number) => verifyHelpers(by, count);
  const part = what === undefined ? {} : { shard: what };
  return verifyFolder({ ...input, folder: path, helpers, ...part });
};

const levelsOf = async (verdicts: readonly ReleaseVerdict[]) =>
  (await import("../stages/summary.ts")).buildLevels(verdicts);

const conclude = async (
  invocation: Invocation,
  verdicts: readonly ReleaseVerdict[],
  shard: ShardNote | undefined,
): Promise<number> => {
  const { terminal, files, flags } = invocation;
  const { junit, summary } = flags;
  const failed = verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  if (typeof junit === "string") {
    const written = await files.write(resolve(terminal.cwd, junit), utf8(junitDocument(verdicts)));
    if (!written.ok) return refuse(invocation, written.error);
  }
  const levels = summary === undefined ? undefined : await levelsOf(verdicts);
  if (flags.json === true) terminal.out(releaseDocument(verdicts, failed, levels, shard));
  else {
    for (const verdict of verdicts) showRelease(terminal, verdict);
    if (shard !== undefined) terminal.out(shardLine(shard, verdicts.length));
    if (levels !== undefined) showLevels(terminal, levels);
  }
  return failed === undefined ? 0 : refuse({ ...invocation, flags: {} }, failed);
};
