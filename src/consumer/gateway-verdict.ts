import type { IndexFile } from "../clients/simple-index.ts";
import { sha256 } from "../crypto/hash.ts";
import { looseRelease } from "../dists/filename.ts";
import { hex } from "../formats/bytes.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { Evaluation } from "./evaluate-file.ts";
import { evaluate } from "./gateway-evaluate.ts";
import type { ListedFile, ProjectListing } from "./gateway-listing.ts";
import { provenanceFor } from "./gateway-provenance.ts";
import type { KeptVerdict } from "./gateway-state.ts";
import type { Quarantine } from "./gateway-store.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";

const roots = new WeakMap<TrustedRoot, string>();

/** All that verdicts rest on: policy and configuration, and the trust root of this hour. */
const rulesOf = async (world: GatewayWorld): Promise<Result<string>> => {
  const trust = await world.trust();
  if (!trust.ok) return trust;
  const digest = roots.get(trust.value) ?? hex(sha256(formatTrustedRoot(trust.value)));
  roots.set(trust.value, digest);
  return ok(`${world.fingerprint} ${digest}`);
};

type Stated = IndexFile & { readonly sha256: string };

/** Whether a verdict still stands: same file, same rules, in time, and its content still here. */
const stands = async (
  world: GatewayWorld,
  verdict: KeptVerdict,
  sha256: string,
): Promise<boolean> =>
  verdict.sha256 === sha256 &&
  verdict.fingerprint === world.fingerprint &&
  world.now() < verdict.validUntil &&
  (verdict.size === undefined || (await world.store.sizeOf(sha256)) === verdict.size);

/**
 * The verdict on a listed file: a kept one that still stands, or a new one. A failure means that
 * none could be reached.
 */
export const judgeFile = async (
  general: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
): Promise<Result<KeptVerdict>> => {
  const { project, filename, sha256, live } = file;
  const fingerprint = await rulesOf(general);
  if (!fingerprint.ok) return fingerprint;
  const world = { ...general, fingerprint: fingerprint.value };
  const kept = world.state.verdict(project, filename);
  if (kept !== undefined && (await stands(world, kept, sha256))) return ok(kept);
  const stated = live?.sha256 === sha256 ? { ...live, sha256 } : undefined;
  if (stated === undefined) return fail("GATEWAY_REPLACED", `${filename} is not listed as before`);
  const started = world.now();
  const quarantine = await world.store.quarantine();
  if (!quarantine.ok) return quarantine;
  try {
    const fresh = await examine(world, listing, stated, quarantine.value);
    if (fresh.ok) world.state.keepVerdict(fresh.value);
    return fresh;
  } finally {
    await quarantine.value.clear();
    const seconds = (world.now() - started) / 1000;
    world.metrics.count("wheelseal_gateway_verification_seconds_sum", {}, seconds);
    world.metrics.count("wheelseal_gateway_verification_seconds_count", {});
  }
};

/** Brings the file into quarantine: from the store if it was accepted before, else from upstream. */
const bring = async (
  world: GatewayWorld,
  { upstream }: ProjectListing,
  listed: Stated,
  path: string,
): Promise<Result<void>> => {
  if (await world.store.takeOut(listed.sha256, path)) {
    const kept = await world.files.artifact(path);
    if (kept.ok && hex(kept.value.sha256) === listed.sha256) return ok(undefined);
    world.log({ level: "error", event: "store", sha256: listed.sha256, message: "was damaged" });
    const removed = await world.files.remove(path);
    if (!removed.ok) return removed;
  }
  const fetched = await upstream.index.download(listed, path, world.config.maxBytes);
  return fetched.ok ? ok(undefined) : fetched;
};

const examine = async (
  world: GatewayWorld,
  listing: ProjectListing,
  listed: Stated,
  quarantine: Quarantine,
): Promise<Result<KeptVerdict>> => {
  const { upstream, project } = listing;
  const { filename, sha256 } = listed;
  const parsed = looseRelease(filename);
  if (!parsed.ok) return parsed;
  const path = quarantine.path(filename);
  const brought = await bring(world, listing, listed, path);
  if (!brought.ok) {
    return isOutage(brought.error) ? brought : ok(conclude(world, listing, listed, brought.error));
  }
  const { version } = parsed.value;
  const evaluation = await evaluate(world, { project, version, upstream, listed, path });
  const { failure, report, verdict } = evaluation;
  if (failure !== undefined && isOutage(failure)) return { ok: false, error: failure };
  if (failure !== undefined && world.config.mode === "enforce") {
    return ok(conclude(world, listing, listed, failure, verdict));
  }
  const size = await keep(world, path, sha256);
  if (!size.ok) return size;
  const beside = await keepBeside(world, filename, evaluation);
  if (!beside.ok) return beside;
  const metadata =
    report?.kind === "wheel" ? beside.value : { provenance: beside.value.provenance };
  const concluded = conclude(world, listing, listed, failure, verdict);
  return ok({ ...concluded, size: size.value, ...defined(metadata) });
};

const defined = <T extends object>(object: T): { [K in keyof T]: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };

const keep = async (world: GatewayWorld, path: string, sha256: string): Promise<Result<number>> => {
  const artifact = await world.files.artifact(path);
  if (!artifact.ok) return artifact;
  if (hex(artifact.value.sha256) !== sha256) {
    return fail("DIST_CHANGED", `${artifact.value.name} changed in quarantine`);
  }
  const kept = await world.store.keep(path, sha256);
  return kept.ok ? ok(artifact.value.size) : kept;
};

/** What is served beside a file: the wheel's own METADATA, and the provenance that verified. */
const keepBeside = async (
  { store }: GatewayWorld,
  filename: string,
  { report, sources, failure, verdict }: Evaluation,
): Promise<Result<{ metadata?: string; provenance?: string }>> => {
  if (failure !== undefined) return ok({});
  const metadata =
    report?.kind === "wheel" ? await store.keepBytes(report.metadataFile) : undefined;
  if (metadata?.ok === false) return metadata;
  const bytes =
    verdict === undefined ? ok(undefined) : await provenanceFor(filename, sources, verdict);
  if (!bytes.ok) return bytes;
  const provenance = bytes.value === undefined ? undefined : await store.keepBytes(bytes.value);
  if (provenance?.ok === false) return provenance;
  return ok({
    ...(metadata === undefined ? {} : { metadata: metadata.value }),
    ...(provenance === undefined ? {} : { provenance: provenance.value }),
  });
};

/** Until when a verdict may be kept: refusals are asked again soon, waivers end. */
const validUntil = (
  world: GatewayWorld,
  failed: Failure | undefined,
  verdict: ReleaseVerdict | undefined,
): number => {
  if (failed !== undefined) return world.now() + world.config.refresh;
  const used = verdict?.waivers.filter(({ excused }) => excused.length > 0) ?? [];
  return Math.min(Number.MAX_SAFE_INTEGER, ...used.map(({ waiver }) => waiver.endsAt));
};

const ALARMING = ["GATEWAY_IDENTITY_CHANGED", "GATEWAY_ATTESTATION_LOST", "INDEX_DIGEST"];

/** Writes the verdict down, for the client and for the audit trail. */
const conclude = (
  world: GatewayWorld,
  { project }: ProjectListing,
  { filename, sha256 }: Stated,
  failed: Failure | undefined,
  verdict?: ReleaseVerdict,
): KeptVerdict => {
  const refusal = failed && { code: failed.code, message: failed.message };
  const detail = verdict === undefined ? {} : { detail: summaryOf(verdict) };
  const about = { project, filename, sha256, ...detail };
  if (refusal === undefined) tell(world, { ...about, kind: "accepted", message: saidOf(verdict) });
  else {
    const kind = ALARMING.includes(refusal.code) ? "alarm" : "refused";
    tell(world, { ...about, kind, ...refusal });
  }
  return {
    project,
    filename,
    sha256,
    decidedAt: world.now(),
    validUntil: validUntil(world, failed, verdict),
    fingerprint: world.fingerprint,
    ...(refusal === undefined ? {} : { refusal }),
  };
};

const saidOf = (verdict: ReleaseVerdict | undefined): string =>
  verdict?.pinned === true
    ? "accepted by its pinned digest; no evidence was asked for"
    : `verified by ${verdict?.proofs.map(({ kind }) => kind).join(", ") ?? "nothing"}`;

/** The verdict without the long proofs: who, when, by which evidence, under which waivers. */
const summaryOf = ({ proofs, waivers, pinned, size, findings }: ReleaseVerdict) => ({
  size,
  ...(pinned === undefined ? {} : { pinned }),
  findings,
  waivers: waivers.map(({ waiver, over, excused }) => ({ ...waiver, over, excused })),
  proofs: proofs.map(({ kind, file, sha256, verdict }) => ({
    kind,
    file,
    sha256,
    ...(verdict.verified
      ? {
          signer: verdict.signer,
          times: verdict.times,
          log: verdict.logged.map(({ logId, logIndex }) => ({ logId, logIndex })),
        }
      : { code: verdict.failure.code }),
  })),
});
