import type { Files } from "../clients/files.ts";
import { BUILD_RECORD_NAME, type BuildRecord, parseBuildRecord } from "../formats/build-record.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { all, fail, failure, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Expected } from "../verification/policy.ts";
import type { Report } from "./events.ts";
import { type Finding, type ReleaseVerdict, verifyRelease } from "./release.ts";
import { INSTALLABLE } from "./select-release.ts";
import { filesOfShard, type Shard, type ShardNote } from "./shard.ts";

/** Checks the distribution at `path` itself. */
export type Inspect = (
  path: string,
  /** What is in it, where it was read already; good until the answer. */
  content?: Uint8Array,
) => Promise<Result<{ readonly findings: readonly Finding[] }>>;

export type VerifyInput = FileVerifyInput & {
  /** The folder of distributions and their evidence. */
  readonly folder: string;
  /** Only this part of the folder's files; all where absent. */
  readonly shard?: Shard;
  /** Asked for others to verify with, once it is known how many files there are. */
  readonly helpers?: (files: number) => Helpers | undefined;
};

/** Verifies one file of the folder against the evidence beside it, and nothing else. */
export type JudgeFile = (name: string) => Promise<Result<ReleaseVerdict>>;

/** Others who verify as this process does: by the same expectation, trust and time. */
export type Helpers = {
  /** Each does one file at a time; one that could not do it throws. */
  readonly judges: readonly JudgeFile[];
  /** Lets them answer; waited for before each file that is verified here. */
  readonly turn: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export type FileVerifyInput = {
  readonly expect: Expected;
  readonly trust: TrustedRoot;
  readonly files: Files;
  readonly inspect: Inspect;
  readonly now: () => number;
  /** What is kept of each verdict; all of it where absent. A thousand whole ones take 50 MB. */
  readonly keep?: (verdict: ReleaseVerdict) => ReleaseVerdict;
  readonly report: Report;
};

/** What verifying a folder gave: verified only where every file is, and there is at least one. */
export type FolderVerdict = {
  readonly verdicts: readonly ReleaseVerdict[];
  /** The first failure, or that there was nothing to verify; absent when all is verified. */
  readonly failure?: ReleaseVerdict["failure"];
  /** Where only a part was asked for: which, and of what. A part may have no file. */
  readonly shard?: ShardNote;
};

const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Whether a file name is that of a wheel or an sdist. */
export const isDistribution = (name: string): boolean =>
  name.endsWith(".whl") || name.endsWith(".tar.gz");

/**
 * Stage 3: verifies every wheel and sdist in a folder against the evidence beside it, with no
 * network. Fails closed: an empty folder is DIST_EMPTY; a file the build record lists and that is
 * absent or changed is DIST_CHANGED.
 */
export const verifyFolder = async (input: VerifyInput): Promise<Result<FolderVerdict>> => {
  const { report, now } = input;
  report({ kind: "started", stage: "verify", at: now() });
  const outcome = await verifyAll(input);
  const failed = outcome.ok ? outcome.value.failure : outcome.error;
  if (failed !== undefined) report({ kind: "failed", stage: "verify", at: now(), failure: failed });
  else if (outcome.ok) {
    const proofs = outcome.value.verdicts.reduce((sum, { proofs }) => sum + proofs.length, 0);
    const summary = `${outcome.value.verdicts.length} files verified by ${proofs} proofs`;
    report({ kind: "finished", stage: "verify", at: now(), summary });
  }
  return outcome;
};

const verifyAll = async (input: VerifyInput): Promise<Result<FolderVerdict>> => {
  const { folder, files } = input;
  const names = await files.list(folder);
  if (!names.ok) return names;
  const distributions = names.value.filter(isDistribution);
  if (distributions.length === 0)
    return fail("DIST_EMPTY", `${folder} holds no wheel and no sdist`);
  const stray = names.value.find((name) => INSTALLABLE.test(name) && !isDistribution(name));
  if (stray !== undefined) {
    return fail("DIST_NAME", `${folder} holds ${stray}, which nothing here can vouch for`);
  }
  const record = await readBuildRecord(files, folder);
  if (!record.ok) return record;
  const complete = checkComplete(record.value, distributions, folder);
  if (!complete.ok) return complete;
  const { shard } = input;
  const chosen = shard === undefined ? distributions : filesOfShard(distributions, shard);
  const judged = await judgeAll(input, chosen, record.value);
  if (!judged.ok) return judged;
  const verdicts = judged.value;
  const failed = verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  return ok({
    verdicts,
    ...(failed === undefined ? {} : { failure: failed }),
    ...(shard === undefined ? {} : { shard: { ...shard, of: distributions } }),
  });
};

/** Verdicts in the order of the names, whoever gave them. */
const judgeAll = async (
  input: VerifyInput,
  names: readonly string[],
  record: BuildRecord | undefined,
): Promise<Result<ReleaseVerdict[]>> => {
  const helpers = input.helpers?.(names.length);
  const own: JudgeFile = async (name) => {
    await helpers?.turn();
    return judgeFile(input, input.folder, name);
  };
  const results: Result<ReleaseVerdict>[] = [];
  const waiting = names.entries();
  const work = async (judge: JudgeFile): Promise<void> => {
    for (const [at, name] of waiting) {
      const judged = await judge(name);
      const verdict = judged.ok ? ok(compareBuilt(judged.value, record)) : judged;
      results[at] = verdict;
      if (!verdict.ok) return;
      const { failure: refused } = verdict.value;
      const message = `${name}: ${refused === undefined ? "verified" : refused.code}`;
      input.report({ kind: "progress", stage: "verify", at: input.now(), message });
    }
  };
  try {
    await Promise.all([own, ...(helpers?.judges ?? [])].map(work));
  } finally {
    await helpers?.close();
  }
  return all(results);
};

/** The record that the build left in a folder, or `undefined` where there is none. */
const readBuildRecord = async (
  files: Files,
  folder: string,
): Promise<Result<BuildRecord | undefined>> => {
  const bytes = await files.readIfPresent(`${folder}/${BUILD_RECORD_NAME}`, MAX_RECORD_BYTES);
  if (!bytes.ok) return bytes;
  return bytes.value === undefined ? ok(undefined) : parseBuildRecord(bytes.value);
};

const checkComplete = (
  record: BuildRecord | undefined,
  present: readonly string[],
  folder: string,
): Result<void> => {
  const missing = record?.distributions.find(({ filename }) => !present.includes(filename));
  if (missing === undefined) return ok(undefined);
  return fail("DIST_CHANGED", `${folder} lacks ${missing.filename}, which the build record lists`);
};

/** Verifies one file of a folder against the evidence beside it; the build record is not asked. */
export const judgeFile = async (
  input: Omit<FileVerifyInput, "report">,
  folder: string,
  name: string,
): Promise<Result<ReleaseVerdict>> => {
  const { files, expect, trust, inspect } = input;
  const path = `${folder}/${name}`;
  return files.hold(path, async (artifact, content) => {
    const verdict = await verifyRelease({
      artifact,
      evidence: (file) => files.readIfPresent(`${folder}/${file}`, MAX_EVIDENCE_BYTES),
      inspect: () => inspect(path, content),
      expect,
      trust,
      now: input.now(),
    });
    return input.keep?.(verdict) ?? verdict;
  });
};

/** What verified must also be what was built, where a record says what that was. */
const compareBuilt = (verdict: ReleaseVerdict, record: BuildRecord | undefined): ReleaseVerdict => {
  if (verdict.failure !== undefined || record === undefined) return verdict;
  const { filename: name } = verdict;
  const built = record.distributions.find(({ filename }) => filename === name);
  if (built?.sha256 === verdict.sha256) return verdict;
  const what =
    built === undefined ? "is not in the build record" : "is not the file that was built";
  return { ...verdict, failure: failure("DIST_CHANGED", `${name} ${what}`) };
};

/** Verifies one file against the evidence and the build record beside it, with no network. */
export const verifyFile = async (
  path: string,
  input: FileVerifyInput,
): Promise<Result<FolderVerdict>> => {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "." : path.slice(0, slash);
  const record = await readBuildRecord(input.files, folder);
  if (!record.ok) return record;
  const judged = await judgeFile(input, folder, path.slice(slash + 1));
  if (!judged.ok) return judged;
  const verdict = compareBuilt(judged.value, record.value);
  const { failure: failed } = verdict;
  return ok({ verdicts: [verdict], ...(failed === undefined ? {} : { failure: failed }) });
};
