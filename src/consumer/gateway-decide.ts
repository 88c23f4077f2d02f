import pLimit, { type LimitFunction } from "p-limit";
import { looseRelease, parseDistributionFilename } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, equalVersions, type Version } from "../dists/version.ts";
import { derived } from "../formats/derived.ts";
import type { Code } from "../formats/errors.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { ClientEnvironment } from "./client-environment.ts";
import { type Ahead, openAhead } from "./gateway-ahead.ts";
import {
  highestLive,
  type ListedFile,
  type Listings,
  type ProjectListing,
} from "./gateway-listing.ts";
import type { GatewayEvent, KeptVerdict } from "./gateway-state.ts";
import { type Beside, judgeFile } from "./gateway-verdict.ts";
import { announce, type GatewayWorld, isOutage, isPinned } from "./gateway-world.ts";

/** What a client gets for a file. */
export type Decision =
  /** `refusal`: it would have been refused, were this not a dry run. */
  | { readonly kind: "serve"; readonly verdict: KeptVerdict; readonly refusal?: Failure }
  | { readonly kind: "refuse"; readonly failure: Failure }
  /** The checks could not be made: nothing is served, and nothing is said about the file. */
  | { readonly kind: "unavailable"; readonly failure: Failure };

/** What is asked for, and by whom. */
export type Question = {
  readonly project: NormalizedName;
  readonly filename: string;
  /** What has to be in the store with the file. */
  readonly beside?: Beside | undefined;
  /** For what the client installs, where it says so. */
  readonly client?: ClientEnvironment | undefined;
};

/**
 * What a decision rests on stays in the store until those who wait for it went on: who answers
 * with content takes it by `serve` before doing anything else.
 */
export type Decide = (question: Question) => Promise<Decision>;

/** Files of one upstream that are fetched and verified at the same time; more wait. */
const EXAMINED_AT_ONCE = 16;

/**
 * Decides on files: everything that can be told from the listing first, then the verdict, which
 * is kept for as long as what it rests on stays the same. Requests for one file wait for one
 * decision. Which publisher of a project was first is the state's to say, so files of one project
 * need not wait for each other.
 */
export const openDecisions = (world: GatewayWorld, listings: Listings): Decide => {
  const running = new Map<string, Promise<Decision>>();
  // Each has places of its own, so that one that is slow holds up nobody else's files.
  const limits = new Map(
    world.upstreams.all.map(({ config }) => [config.name, pLimit(EXAMINED_AT_ONCE)]),
  );
  const parts: Parts = { ...world, listings, limits, ahead: openAhead(listings, admit, limits) };
  return (question) => {
    const { project, filename, beside } = question;
    const key = `${project}/${filename}/${beside ?? ""}`;
    const begun = running.get(key);
    if (begun !== undefined) return begun;
    const { store, end } = world.store.holding();
    const decision = decide({ ...parts, store }, question);
    running.set(key, decision);
    const done = (): void => {
      running.delete(key);
      // After all that wait for the decision.
      setImmediate(end);
    };
    decision.then(done, done);
    return decision;
  };
};

const refuseOrWait = (error: Failure): Decision =>
  isOutage(error) ? { kind: "unavailable", failure: error } : { kind: "refuse", failure: error };

type Parts = GatewayWorld & {
  readonly listings: Listings;
  /** By the name of the upstream. */
  readonly limits: ReadonlyMap<string, LimitFunction>;
  readonly ahead: Ahead;
};

/** A listed file, the page that lists it, and whether that alone lets it through. */
type Found = {
  readonly listing: ProjectListing;
  readonly file: ListedFile;
  readonly admitted: Result<void>;
};

/** Of a name that stands twice on a page, the first counts. */
const byName = derived(
  ({ files }: ProjectListing) => new Map(files.toReversed().map((file) => [file.filename, file])),
);

const find = async (
  parts: Parts,
  project: NormalizedName,
  filename: string,
  anew?: "anew",
): Promise<Result<Found>> => {
  const listing = await parts.listings(project, anew);
  if (!listing.ok) return listing;
  const file = byName(listing.value).get(filename);
  if (file === undefined) {
    return fail("REGISTRY_NOT_FOUND", `the upstream has never listed ${filename}`);
  }
  const admitted = await admit(parts, listing.value, file);
  // Another replica may know of a version that is newer than the page which this one has.
  const behind = !admitted.ok && admitted.error.code === "GATEWAY_ROLLBACK" && anew === undefined;
  return behind
    ? find(parts, project, filename, "anew")
    : ok({ listing: listing.value, file, admitted });
};

const decide = async (world: Parts, question: Question): Promise<Decision> => {
  const { project, filename, beside, client } = question;
  const found = await find(world, project, filename);
  if (!found.ok) return refuseOrWait(found.error);
  const { listing, file, admitted } = found.value;
  if (!admitted.ok && world.config.mode === "enforce") return turnAway(world, file, admitted.error);
  const limit = world.limits.get(listing.upstream.config.name);
  const { ahead } = world;
  const verdict = await judgeFile(world, listing, file, { limit, ahead, beside, client });
  if (!verdict.ok) return refuseOrWait(verdict.error);
  const refusal = admitted.ok ? refusalOf(verdict.value) : admitted.error;
  if (refusal === undefined) {
    if (file.version !== undefined) await world.state.raiseMark(project, file.version);
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
const turnAway = async (
  world: GatewayWorld,
  file: ListedFile,
  error: Failure,
): Promise<Decision> => {
  const { project, filename, sha256 } = file;
  const { code, message } = error;
  const isKnown = (last: KeptVerdict | undefined): boolean =>
    last?.refusal?.code === code && last.refusal.message === message;
  if (isKnown(await world.state.verdict(project, filename)))
    return { kind: "refuse", failure: error };
  const at = world.now();
  const kind = ALARMING.includes(code) ? "alarm" : "refused";
  const event: GatewayEvent = { kind, at, project, filename, sha256, code, message };
  // Valid at no time: it only says what was told last.
  const decided = { decidedAt: at, validUntil: 0, fingerprint: "" };
  const verdict = { project, filename, sha256, refusal: { code, message }, ...decided };
  let isNew = false;
  await world.state.settle(project, (kept) => {
    isNew = !isKnown(kept.get(filename));
    return isNew ? { verdict, event } : undefined;
  });
  if (isNew) announce(world, event);
  return { kind: "refuse", failure: error };
};

const ALARMING: readonly Code[] = ["GATEWAY_ROLLBACK", "GATEWAY_REPLACED", "GATEWAY_LATE_FILE"];

/** Name and version by the file name, which must be in normal form unless the file is pinned. */
const releaseOf = (world: GatewayWorld, file: ListedFile): ReturnType<typeof looseRelease> => {
  const strict = parseDistributionFilename(file.filename);
  return strict.ok || !isPinned(world, file) ? strict : looseRelease(file.filename);
};

/** What the listing alone tells against a file. */
const admit = async (
  world: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
): Promise<Result<void>> => {
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
  const back = await checkRollback(world, listing, parsed.value.version);
  if (!back.ok) return back;
  const late = checkLate(world, listing, file, parsed.value.version);
  return late.ok ? checkCooldown(world, listing, file) : late;
};

/** When the first file of a release was first seen, by the version as a file name has it. */
const beginnings = derived((_: ProjectListing) => new Map<Version, number>());

const began = (listing: ProjectListing, version: Version): number => {
  const known = beginnings(listing).get(version);
  if (known !== undefined) return known;
  const first = listing.files.reduce(
    (least, { version: other, firstSeen }) =>
      other !== undefined && firstSeen < least && equalVersions(other, version) ? firstSeen : least,
    Number.POSITIVE_INFINITY,
  );
  beginnings(listing).set(version, first);
  return first;
};

/** Fails where the release was complete long before the file came. */
const checkLate = (
  world: GatewayWorld,
  listing: ProjectListing,
  file: ListedFile,
  version: Version,
): Result<void> => {
  const first = began(listing, version);
  const late = file.firstSeen - first > listing.upstream.config.lateFiles;
  if (!late || isPinned(world, file)) return ok(undefined);
  const seen = rfc3339(file.firstSeen);
  const said = `${file.filename} was first seen at ${seen}, its release at ${rfc3339(first)}`;
  return fail("GATEWAY_LATE_FILE", said);
};

/** Fails where the upstream hides the highest version that was served, and this is a lower one. */
const checkRollback = async (
  { config, state }: GatewayWorld,
  listing: ProjectListing,
  version: Version,
): Promise<Result<void>> => {
  const { project } = listing;
  const mark = await state.mark(project);
  if (mark === undefined || compareVersions(version, mark) >= 0) return ok(undefined);
  const highest = highestLive(listing);
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
