import { looseRelease, parseDistributionFilename } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, equalVersions, type Version } from "../dists/version.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import {
  highestLive,
  type ListedFile,
  type Listings,
  type ProjectListing,
} from "./gateway-listing.ts";
import type { KeptVerdict } from "./gateway-state.ts";
import { judgeFile } from "./gateway-verdict.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";

/** What a client gets for a file. */
export type Decision =
  /** `refusal`: it would have been refused, were this not a dry run. */
  | { readonly kind: "serve"; readonly verdict: KeptVerdict; readonly refusal?: Failure }
  | { readonly kind: "refuse"; readonly failure: Failure }
  /** The checks could not be made: nothing is served, and nothing is said about the file. */
  | { readonly kind: "unavailable"; readonly failure: Failure };

export type Decide = (project: NormalizedName, filename: string) => Promise<Decision>;

/**
 * Decides on files: everything that can be told from the listing first, then the verdict, which
 * is kept for as long as what it rests on stays the same. Requests for one file wait for one
 * decision; files of one project are decided one after the other, so that two cannot both be first.
 */
export const openDecisions = (world: GatewayWorld, listings: Listings): Decide => {
  const running = new Map<string, Promise<Decision>>();
  const queues = new Map<NormalizedName, Promise<unknown>>();
  const inTurn = <T>(project: NormalizedName, work: () => Promise<T>): Promise<T> => {
    const turn = (queues.get(project) ?? Promise.resolve()).then(work, work);
    queues.set(project, turn);
    const done = () => {
      if (queues.get(project) === turn) queues.delete(project);
    };
    turn.then(done, done);
    return turn;
  };
  return (project, filename) => {
    const key = `${project}/${filename}`;
    const decision =
      running.get(key) ?? inTurn(project, () => decide(world, listings, project, filename));
    running.set(key, decision);
    const done = () => running.delete(key);
    decision.then(done, done);
    return decision;
  };
};

const refuseOrWait = (error: Failure): Decision =>
  isOutage(error) ? { kind: "unavailable", failure: error } : { kind: "refuse", failure: error };

const decide = async (
  world: GatewayWorld,
  listings: Listings,
  project: NormalizedName,
  filename: string,
): Promise<Decision> => {
  const listing = await listings(project);
  if (!listing.ok) return refuseOrWait(listing.error);
  const file = listing.value.files.find((one) => one.filename === filename);
  if (file === undefined) {
    return refuseOrWait(failure("REGISTRY_NOT_FOUND", `the upstream has never listed ${filename}`));
  }
  const admitted = admit(world, listing.value, file);
  if (!admitted.ok && world.config.mode === "enforce") return turnAway(world, file, admitted.error);
  const verdict = await judgeFile(world, listing.value, file);
  if (!verdict.ok) return refuseOrWait(verdict.error);
  const refusal = admitted.ok ? refusalOf(verdict.value) : admitted.error;
  if (refusal === undefined) {
    if (file.version !== undefined) world.state.raiseMark(project, file.version);
    return { kind: "serve", verdict: verdict.value };
  }
  const served = world.config.mode === "dry-run" && verdict.value.size !== undefined;
  return served
    ? { kind: "serve", verdict: verdict.value, refusal }
    : { kind: "refuse", failure: refusal };
};

const refusalOf = ({ refusal }: KeptVerdict): Failure | undefined =>
  refusal === undefined ? undefined : failure(refusal.code, refusal.message);

/** A refusal before the file was looked at; it is on the trail when it begins, not each time. */
const turnAway = (world: GatewayWorld, file: ListedFile, error: Failure): Decision => {
  const { project, filename, sha256 } = file;
  const last = world.state.verdict(project, filename)?.refusal;
  if (last?.code === error.code && last.message === error.message) {
    return { kind: "refuse", failure: error };
  }
  // Valid at no time: it only says what was told last.
  const decided = { decidedAt: world.now(), validUntil: 0, fingerprint: "" };
  const refusal = { code: error.code, message: error.message };
  world.state.keepVerdict({ project, filename, sha256, refusal, ...decided });
  const alarming = error.code === "GATEWAY_ROLLBACK" || error.code === "GATEWAY_REPLACED";
  const kind = alarming ? "alarm" : "refused";
  tell(world, { kind, project, filename, sha256, code: error.code, message: error.message });
  return { kind: "refuse", failure: error };
};

/** Name and version by the file name, which must be in normal form unless the file is pinned. */
const releaseOf = (
  { policy }: GatewayWorld,
  { project, filename, sha256 }: ListedFile,
): ReturnType<typeof looseRelease> => {
  const strict = parseDistributionFilename(filename);
  if (strict.ok) return strict;
  const pinned = policy.policy.packages.get(project)?.pins?.includes(sha256) === true;
  return pinned ? looseRelease(filename) : strict;
};

/** What the listing alone tells against a file. */
const admit = (world: GatewayWorld, listing: ProjectListing, file: ListedFile): Result<void> => {
  const parsed = releaseOf(world, file);
  if (!parsed.ok) return parsed;
  if (parsed.value.name !== file.project) {
    return fail("INDEX_FILE", `the page of ${file.project} lists ${file.filename}`);
  }
  if (file.sha256 === "") {
    return fail("INDEX_DIGEST", `the index states no sha256 for ${file.filename}`);
  }
  if (file.live === undefined) {
    return fail("GATEWAY_WITHDRAWN", `${file.filename} is listed no more by the upstream`);
  }
  const { upstream } = listing;
  if (file.upstream !== upstream.config.name) {
    const owner = upstream.config.name;
    return fail(
      "GATEWAY_REPLACED",
      `${file.filename} came from ${file.upstream}, and ${owner} owns it now`,
    );
  }
  if (file.live.sha256 !== file.sha256) {
    const now = file.live.sha256 ?? "none";
    return fail(
      "GATEWAY_REPLACED",
      `${file.filename} had the digest ${file.sha256}, the upstream lists ${now} now`,
    );
  }
  const back = checkRollback(world, listing, parsed.value.version);
  return back.ok ? checkCooldown(world, listing, file) : back;
};

/** Fails where the upstream hides the highest version that was served, and this is a lower one. */
const checkRollback = (
  { config, state }: GatewayWorld,
  listing: ProjectListing,
  version: Version,
): Result<void> => {
  const { project } = listing;
  const mark = state.mark(project);
  const highest = highestLive(listing);
  if (mark === undefined || compareVersions(version, mark) >= 0) return ok(undefined);
  if (highest !== undefined && compareVersions(highest, mark) >= 0) return ok(undefined);
  const known = config.retracted.some(
    (one) => one.name === project && equalVersions(one.version, mark),
  );
  if (known) return ok(undefined);
  const said = `${project} ${mark} was served before, the upstream lists nothing above ${highest ?? "nothing"} now`;
  return fail("GATEWAY_ROLLBACK", said);
};

/** When a file may be served, by the clock of this gateway; milliseconds since 1970. */
export const coolAt = (listing: ProjectListing, file: ListedFile): number =>
  file.firstSeen + listing.upstream.config.cooldown;

const checkCooldown = (
  world: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
): Result<void> => {
  const at = coolAt(listing, file);
  if (world.now() >= at) return ok(undefined);
  const seen = rfc3339(file.firstSeen);
  return fail(
    "GATEWAY_COOLDOWN",
    `${file.filename} was first seen at ${seen}, and is served from ${rfc3339(at)} on`,
  );
};
