import type { LimitFunction } from "p-limit";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { formatTrustedRoot, type TrustedRoot } from "../formats/trusted-root.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import type { Evaluation } from "./evaluate-file.ts";
import type { Ahead } from "./gateway-ahead.ts";
import { conclude, defined } from "./gateway-conclude.ts";
import { withPast } from "./gateway-evaluate.ts";
import type { ListedFile, ProjectListing } from "./gateway-listing.ts";
import { ask, type Prepared, prepare } from "./gateway-prepare.ts";
import { provenanceFor } from "./gateway-provenance.ts";
import { type Examined, settle, stands } from "./gateway-settle.ts";
import type { KeptVerdict } from "./gateway-state.ts";
import { type GatewayWorld, isOutage, isPinned } from "./gateway-world.ts";
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

/** For whom a file is judged, and by which means. */
export type Judging = {
  /** Of the upstream. */
  readonly limit: LimitFunction | undefined;
  readonly ahead: Ahead;
  readonly beside: Beside | undefined;
  /** `undefined` for one that does not say for what it installs. */
  readonly client: ClientEnvironment | undefined;
};

/**
 * The verdict on a listed file: a kept one that still stands, or a new one. A failure means that
 * none could be reached.
 */
export const judgeFile = async (
  general: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
  options: Judging,
): Promise<Result<KeptVerdict>> => {
  const { project, filename, sha256, live } = file;
  const fingerprint = await rulesOf(general);
  if (!fingerprint.ok) return fingerprint;
  const world = { ...general, fingerprint: fingerprint.value };
  const kept = await world.state.verdict(project, filename);
  if (kept !== undefined && (await isUsable(world, kept, sha256, options.beside))) return ok(kept);
  const stated = live?.sha256 === sha256 ? { ...live, sha256 } : undefined;
  if (stated === undefined) return fail("GATEWAY_REPLACED", `${filename} is not listed as before`);
  const prepared =
    (await options.ahead.take(world, stated)) ?? (await begin(world, listing, stated, options));
  return prepared.ok ? judge(world, listing, prepared.value) : prepared;
};

/** Prepares the file for this client, and looks ahead at what the client will ask for next. */
const begin = (
  world: GatewayWorld,
  listing: ProjectListing,
  stated: Stated,
  { limit, ahead, client }: Judging,
): Promise<Result<Prepared>> => {
  const run = async (): Promise<Result<Prepared>> => {
    const asked = ask(listing, stated);
    const prepared = prepare(world, asked);
    if (client !== undefined && world.config.lookAhead)
      ahead.follow(world, asked, prepared, client);
    return prepared;
  };
  return limit === undefined ? run() : limit(run);
};

const judge = async (
  world: GatewayWorld,
  listing: ProjectListing,
  prepared: Prepared,
): Promise<Result<KeptVerdict>> => {
  const { quarantine, took } = prepared;
  const began = world.now();
  try {
    const examined = await examine(world, prepared);
    return examined.ok ? await settle(world, listing, examined.value, quarantine) : examined;
  } finally {
    await quarantine.clear();
    const seconds = (took + world.now() - began) / 1000;
    world.metrics.count("wheelseal_gateway_verification_seconds_sum", {}, seconds);
    world.metrics.count("wheelseal_gateway_verification_seconds_count", {});
  }
};

const examine = async (
  world: GatewayWorld,
  { candidate, brought, evaluation: found }: Prepared,
): Promise<Result<Examined>> => {
  const { project, listed, path } = candidate;
  if (!brought.ok) {
    return isOutage(brought.error) ? brought : ok(conclude(world, project, listed, brought.error));
  }
  const evaluation = await withPast(world, candidate, found);
  const { failure, report, verdict } = evaluation;
  if (failure !== undefined && isOutage(failure)) return { ok: false, error: failure };
  if (failure !== undefined && world.config.mode === "enforce") {
    return ok({ ...conclude(world, project, listed, failure, verdict), ...defined({ report }) });
  }
  const size = await keepFile(world, path, listed.sha256);
  if (!size.ok) return size;
  const beside = await keepBeside(world, listed.filename, evaluation);
  if (!beside.ok) return beside;
  const metadata =
    report?.kind === "wheel" ? beside.value : { provenance: beside.value.provenance };
  const { event, verdict: reached } = conclude(world, project, listed, failure, verdict);
  const kept = { ...reached, size: size.value, ...defined(metadata) };
  const pinned = isPinned(world, { project, sha256: listed.sha256 });
  return ok({ event, verdict: kept, ...(pinned ? {} : defined({ report })) });
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
