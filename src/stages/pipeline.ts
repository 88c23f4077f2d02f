import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { FolderVerdict } from "./3-verify.ts";
import type { PublishOutcome } from "./4-publish.ts";
import type { PublishSignaturesOutcome } from "./5-publish-signatures.ts";
import type { ConsumeOutcome } from "./6-consume.ts";
import type { ReleaseVerdict } from "./release.ts";

/** The six stages, each ready to run with its own clients. */
export type PipelineStages = {
  readonly build: () => Promise<Result<BuildRecord>>;
  readonly sign: (record: BuildRecord) => Promise<Result<unknown>>;
  readonly verify: () => Promise<Result<FolderVerdict>>;
  /** Takes only what verify passed, pinned by digest. */
  readonly publish: (verified: readonly ReleaseVerdict[]) => Promise<Result<PublishOutcome>>;
  readonly publishSignatures: (
    verified: readonly ReleaseVerdict[],
  ) => Promise<Result<PublishSignaturesOutcome>>;
  readonly consume: (record: BuildRecord) => Promise<Result<ConsumeOutcome>>;
};

export type PipelineOutcome = {
  readonly record: BuildRecord;
  readonly verdicts: readonly ReleaseVerdict[];
  readonly published: PublishOutcome;
  readonly evidence: PublishSignaturesOutcome;
  readonly consumed: ConsumeOutcome;
};

/**
 * Runs the six stages in order and stops at the first that fails. With `signaturesFirst` the
 * evidence is published before the packages, so that no unsigned moment exists.
 */
export const runPipeline = async (
  stages: PipelineStages,
  signaturesFirst: boolean,
): Promise<Result<PipelineOutcome>> => {
  const record = await stages.build();
  if (!record.ok) return record;
  const signed = await stages.sign(record.value);
  if (!signed.ok) return signed;
  const folder = await stages.verify();
  if (!folder.ok) return folder;
  const { verdicts, failure } = folder.value;
  if (failure !== undefined) return { ok: false, error: failure };
  if (verdicts.length === 0) return fail("DIST_EMPTY", "nothing was verified");
  const out = await publishBoth(stages, verdicts, signaturesFirst);
  if (!out.ok) return out;
  const consumed = await stages.consume(record.value);
  if (!consumed.ok) return consumed;
  return ok({ record: record.value, verdicts, ...out.value, consumed: consumed.value });
};

const publishBoth = async (
  stages: PipelineStages,
  verdicts: readonly ReleaseVerdict[],
  signaturesFirst: boolean,
): Promise<Result<Pick<PipelineOutcome, "published" | "evidence">>> => {
  const early = signaturesFirst ? await stages.publishSignatures(verdicts) : undefined;
  if (early !== undefined && !early.ok) return early;
  const published = await stages.publish(verdicts);
  if (!published.ok) return published;
  const evidence = early ?? (await stages.publishSignatures(verdicts));
  if (!evidence.ok) return evidence;
  return ok({ published: published.value, evidence: evidence.value });
};
