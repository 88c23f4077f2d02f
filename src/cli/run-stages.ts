import { join } from "node:path";
import { inspectDistribution } from "../clients/archive.ts";
import type { GenericPackage } from "../clients/generic.ts";
import { systemInstaller } from "../clients/installer.ts";
import { temporaryFolder } from "../clients/temporary.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { evidenceNames, MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type FolderVerdict, verifyFolder } from "../stages/3-verify.ts";
import { type PublishOutcome, publish, type VerifiedDistribution } from "../stages/4-publish.ts";
import {
  type PublishSignaturesOutcome,
  publishSignatures,
} from "../stages/5-publish-signatures.ts";
import { type ConsumeOutcome, consume } from "../stages/6-consume.ts";
import type { Report } from "../stages/events.ts";
import { type EvidenceSource, type ReleaseVerdict, verifyRelease } from "../stages/release.ts";
import type { Invocation } from "./command.ts";
import { pythonWish } from "./command-build.ts";
import type { Session } from "./session.ts";

/** What a stage runs in: what was typed, what was opened, where its events go. */
export type Run = {
  readonly invocation: Invocation;
  readonly session: Session;
  readonly report: Report;
};

export const runVerify = (run: Run, folder: string): Promise<Result<FolderVerdict>> =>
  verifyFolder({
    folder,
    expect: run.session.expect,
    trust: run.session.trust.root,
    files: run.invocation.files,
    inspect: inspectDistribution,
    now: run.invocation.outside.now,
    report: run.report,
  });

/** The name and version of the release that a folder's files are of: one release only. */
const releaseOf = async (
  folder: string,
  verdicts: readonly ReleaseVerdict[],
): Promise<Result<{ name: string; version: string }>> => {
  const first = verdicts[0];
  if (first === undefined) return fail("DIST_EMPTY", `${folder} holds nothing that was verified`);
  const inspected = await inspectDistribution(join(folder, first.filename));
  if (!inspected.ok) return inspected;
  const { name, version } = inspected.value.distribution;
  return ok({ name, version });
};

export const runPublish = async (
  run: Run,
  folder: string,
  verdicts: readonly ReleaseVerdict[],
): Promise<Result<PublishOutcome>> => {
  const { session, invocation, report } = run;
  const { registry } = session;
  const target = registry.target();
  if (!target.ok) return target;
  const index = registry.index();
  if (!index.ok) return index;
  const distributions: VerifiedDistribution[] = [];
  for (const { filename, sha256 } of verdicts) {
    const attestations = registry.takesAttestations
      ? await attestationsOf(invocation, folder, filename)
      : ok([]);
    if (!attestations.ok) return attestations;
    const path = join(folder, filename);
    distributions.push({ path, filename, sha256, attestations: attestations.value });
  }
  return publish(
    { distributions },
    {
      files: invocation.files,
      target: target.value,
      index: index.value,
      inspect: inspectDistribution,
      now: invocation.outside.now,
      report,
    },
  );
};

/** PEP 740 allows one attestation of each kind: publish and provenance. */
const attestationsOf = async (
  { files }: Invocation,
  folder: string,
  filename: string,
): Promise<Result<Uint8Array[]>> => {
  const names = evidenceNames(filename);
  const found: Uint8Array[] = [];
  for (const name of [names.publishAttestation, names.provenanceAttestation]) {
    const bytes = await files.readIfPresent(join(folder, name), MAX_EVIDENCE_BYTES);
    if (!bytes.ok) return bytes;
    // What was verified just now lacks only what a waiver excuses.
    if (bytes.value !== undefined) found.push(bytes.value);
  }
  return ok(found);
};

export const runPublishSignatures = async (
  run: Run,
  folder: string,
  verdicts: readonly ReleaseVerdict[],
): Promise<Result<PublishSignaturesOutcome>> => {
  const { session, invocation, report } = run;
  const release = await releaseOf(folder, verdicts);
  if (!release.ok) return release;
  const registry = session.registry.evidence(release.value.name, release.value.version);
  if (!registry.ok) return registry;
  return publishSignatures(
    {
      folder,
      filenames: verdicts.map(({ filename }) => filename),
      excused: verdicts.flatMap(excusedFiles),
    },
    {
      files: invocation.files,
      registry: registry.value,
      vouched: (filename) => isVouched(run, join(folder, filename), registry.value),
      now: invocation.outside.now,
      report,
    },
  );
};

/** Whether the registry serves evidence already by which this very file verifies. */
const isVouched = async (run: Run, path: string, served: GenericPackage): Promise<boolean> => {
  const verdict = await verifyConsumed(run, path, (name) => served.get(name, MAX_EVIDENCE_BYTES));
  return verdict.ok && verdict.value.failure === undefined;
};

/** The evidence files that were absent and that a waiver excused. */
const excusedFiles = ({ filename, waivers }: ReleaseVerdict): string[] => {
  const names = evidenceNames(filename);
  const files = {
    provenance: [names.provenanceAttestation],
    publish: [names.publishAttestation],
    detached: [names.signature, names.certificate],
  };
  return waivers.flatMap(({ excused }) => excused).flatMap((what) => files[what]);
};

/** What is to be consumed, and where it was built here, the record that it must be the same as. */
export type WantedRelease = {
  readonly name: string;
  readonly version: string;
  readonly record?: BuildRecord;
};

/** Consumes a release into `folder`, or into a folder that is removed afterwards. */
export const runConsume = async (
  run: Run,
  release: WantedRelease,
  folder: string | undefined,
): Promise<Result<ConsumeOutcome>> => {
  const { registry, settings } = run.session;
  const { name, version, record } = release;
  const index = registry.index();
  if (!index.ok) return index;
  const evidence = registry.evidence(release.name, release.version);
  if (!evidence.ok) return evidence;
  const kept =
    folder === undefined
      ? await temporaryFolder("wheelseal-consume-")
      : { path: folder, discard: async () => undefined };
  try {
    return await consume(
      {
        ...{ name, version, folder: kept.path },
        ...(record === undefined ? {} : { built: record.distributions }),
      },
      {
        index: index.value,
        evidence: evidence.value,
        verifyFile: (path, source) => verifyConsumed(run, path, source),
        inspect: inspectDistribution,
        installer: systemInstaller(pythonWish(settings)),
        now: run.invocation.outside.now,
        report: run.report,
      },
    );
  } finally {
    await kept.discard();
  }
};

/** Verifies one downloaded file by the evidence that is given for it. */
export const verifyConsumed = async (
  { session, invocation }: Run,
  path: string,
  evidence: EvidenceSource,
): Promise<Result<ReleaseVerdict>> => {
  const artifact = await invocation.files.artifact(path);
  if (!artifact.ok) return artifact;
  return ok(
    await verifyRelease({
      artifact: artifact.value,
      evidence,
      inspect: () => inspectDistribution(path),
      expect: session.expect,
      trust: session.trust.root,
      now: invocation.outside.now(),
    }),
  );
};
