import { looseRelease } from "../dists/filename.ts";
import type { Version } from "../dists/version.ts";
import { ok, type Result } from "../formats/result.ts";
import type { Candidate, Evaluation } from "./evaluate-file.ts";
import { bring } from "./gateway-bring.ts";
import { askEarly } from "./gateway-early.ts";
import { evaluate } from "./gateway-evaluate.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import type { Quarantine } from "./gateway-store.ts";
import { type GatewayWorld, isPinned } from "./gateway-world.ts";
import type { Stated } from "./quarantined.ts";
import type { Upstream } from "./upstreams.ts";

/** A file to be judged. */
export type Asked = {
  readonly listing: ProjectListing;
  readonly stated: Stated;
  /** What the upstream serves beside it. */
  readonly metadata: Promise<Result<Uint8Array | undefined>>;
};

/** Asks for what is beside a file, which is little, and says more of what will be asked for. */
export const ask = (listing: ProjectListing, stated: Stated): Asked => {
  const metadata = listing.upstream.index.coreMetadata(stated);
  // Who needs it sees it fail.
  metadata.catch(() => undefined);
  return { listing, stated, metadata };
};

/** A file in quarantine, and what the checks of the file alone gave. Nobody was told of it. */
export type Prepared = {
  readonly candidate: Candidate;
  readonly quarantine: Quarantine;
  /** Whether it could be brought. */
  readonly brought: Result<void>;
  readonly evaluation: Evaluation;
  /** Milliseconds that it took. */
  readonly took: number;
  /** The rules that it was checked by. */
  readonly fingerprint: string;
};

/** The upstream, already asked for the evidence unless the file needs none. */
const askedEarly = (
  world: GatewayWorld,
  { listing, stated, metadata }: Asked,
  version: Version,
): Upstream => {
  const { upstream, project } = listing;
  const known = { ...upstream, index: { ...upstream.index, coreMetadata: () => metadata } };
  return isPinned(world, { project, sha256: stated.sha256 })
    ? known
    : askEarly(known, project, version, stated);
};

/**
 * Brings a file into quarantine and checks it, without a word about it to anybody. Who has what
 * it gives clears the quarantine.
 */
export const prepare = async (world: GatewayWorld, asked: Asked): Promise<Result<Prepared>> => {
  const { listing, stated } = asked;
  const began = world.now();
  const parsed = looseRelease(stated.filename);
  if (!parsed.ok) return parsed;
  const made = await world.store.quarantine();
  if (!made.ok) return made;
  const quarantine = made.value;
  const path = quarantine.path(stated.filename);
  const { project } = listing;
  const { version } = parsed.value;
  const upstream = askedEarly(world, asked, version);
  const candidate = { project, version, upstream, listed: stated, path };
  try {
    const brought = await bring(world, listing, stated, path);
    const evaluation = brought.ok ? await evaluate(world, candidate) : { sources: [] };
    const { fingerprint } = world;
    const took = world.now() - began;
    return ok({ candidate, quarantine, brought, evaluation, took, fingerprint });
  } catch (error) {
    await quarantine.clear();
    throw error;
  }
};
