import type { LimitFunction } from "p-limit";
import { sha256 } from "../crypto/hash.ts";
import { looseRelease } from "../dists/filename.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { Evaluation } from "./evaluate-file.ts";
import { bring } from "./gateway-bring.ts";
import { conclude, defined } from "./gateway-conclude.ts";
import { askEarly } from "./gateway-early.ts";
import { evaluate } from "./gateway-evaluate.ts";
import type { ListedFile, ProjectListing } from "./gateway-listing.ts";
import { provenanceFor } from "./gateway-provenance.ts";
import { type Examined, settle, stands } from "./gateway-settle.ts";
import type { KeptVerdict } from "./gateway-state.ts";
import type { Quarantine } from "./gateway-store.ts";
import { type GatewayWorld, isOutage } from "./gateway-world.ts";
import { keepFile, type Stated } from "./quarantined.ts";

const roots = new WeakMap<TrustedRoot, string>();

/** All that verdicts rest on: policy and configuration, and the trust root of this hour. */
const rulesOf = async (world: GatewayWorld): Promise<Result<string>> => {
  const trust = await world.trust();
  if (!trust.ok) return trust;
  const digest = roots.get(trust.value) ?? hex(sha256(formatTrustedRoot(trust.value)));
  roots.set(trust.value, digest);
  return ok(`${world.fingerprint} ${digest}`);
};

/** What a client can ask for beside a file and its metadata. */
export type Beside = "provenance";

/**
 * Whether it stands and its content is in this replica's own store. A provenance is asked of it
 * only where it is wanted: where the evidence changed since, another one is all there is to get.
 */
const isUsable = async (
  world: GatewayWorld,
  verdict: KeptVerdict,
  sha256: string,
  beside: Beside | undefined,
): Promise<boolean> => {
  const { size, metadata, provenance } = verdict;
  if (!stands(world, verdict, sha256)) return false;
  if (size === undefined) return true;
  const wanted = [metadata, beside === "provenance" ? provenance : undefined];
  if (!wanted.every((digest) => digest === undefined || world.store.has(digest))) return false;
  return (await world.store.sizeOf(sha256)) === size;
};

/**
 * The verdict on a listed file: a kept one that still stands, or a new one. A failure means that
 * none could be reached.
 */
export const judgeFile = async (
  general: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
  {
    limit,
    beside,
  }: { readonly limit: LimitFunction | undefined; readonly beside?: Beside | undefined },
): Promise<Result<KeptVerdict>> => {
  const { project, filename, sha256, live } = file;
  const fingerprint = await rulesOf(general);
  if (!fingerprint.ok) return fingerprint;
  const world = { ...general, fingerprint: fingerprint.value };
  const kept = await world.state.verdict(project, filename);
  if (kept !== undefined && (await isUsable(world, kept, sha256, beside))) return ok(kept);
  const stated = live?.sha256 === sha256 ? { ...live, sha256 } : undefined;
  if (stated === undefined) return fail("GATEWAY_REPLACED", `${filename} is not listed as before`);
  const judge = () => judgeAnew(world, listing, stated);
  return limit === undefined ? judge() : limit(judge);
};

const judgeAnew = async (
  world: GatewayWorld,
  listing: ProjectListing,
  stated: Stated,
): Promise<Result<KeptVerdict>> => {
  const started = world.now();
  const quarantine = await world.store.quarantine();
  if (!quarantine.ok) return quarantine;
  try {
    const examined = await examine(world, listing, stated, quarantine.value);
    return examined.ok ? await settle(world, listing, examined.value, quarantine.value) : examined;
  } finally {
    await quarantine.value.clear();
    const seconds = (world.now() - started) / 1000;
    world.metrics.count("wheelseal_gateway_verification_seconds_sum", {}, seconds);
    world.metrics.count("wheelseal_gateway_verification_seconds_count", {});
  }
};

const examine = async (
  world: GatewayWorld,
  listing: ProjectListing,
  listed: Stated,
  quarantine: Quarantine,
): Promise<Result<Examined>> => {
  const { project } = listing;
  const { filename, sha256 } = listed;
  const parsed = looseRelease(filename);
  if (!parsed.ok) return parsed;
  const { version } = parsed.value;
  const pinned = world.policy.policy.packages.get(project)?.pins?.includes(sha256) === true;
  const { upstream: asked } = listing;
  const upstream = pinned ? asked : askEarly(asked, project, version, listed);
  const path = quarantine.path(filename);
  const brought = await bring(world, listing, listed, path);
  if (!brought.ok) {
    return isOutage(brought.error) ? brought : ok(conclude(world, project, listed, brought.error));
  }
  const evaluation = await evaluate(world, { project, version, upstream, listed, path });
  const { failure, report, verdict } = evaluation;
  if (failure !== undefined && isOutage(failure)) return { ok: false, error: failure };
  if (failure !== undefined && world.config.mode === "enforce") {
    return ok({ ...conclude(world, project, listed, failure, verdict), ...defined({ report }) });
  }
  const size = await keepFile(world, path, sha256);
  if (!size.ok) return size;
  const beside = await keepBeside(world, filename, evaluation);
  if (!beside.ok) return beside;
  const metadata =
    report?.kind === "wheel" ? beside.value : { provenance: beside.value.provenance };
  const { event, verdict: reached } = conclude(world, project, listed, failure, verdict);
  const found = { ...reached, size: size.value, ...defined(metadata) };
  return ok({ event, verdict: found, ...(pinned ? {} : defined({ report })) });
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
