import type { OfflineRelease } from "../clients/offline-install.ts";
import type { Fitness } from "../clients/target-python.ts";
import { expandTags, parseDistributionFilename } from "../dists/filename.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { describeIdentity } from "./attestation-identity.ts";
import type { Closure, ClosureEntry } from "./closure.ts";
import { type ClosureVerdict, failureOf, filesOf } from "./closure-verdict.ts";
import type { ClosureWorld } from "./closure-world.ts";

/** What of a lock an environment needs. */
export type Need = {
  /** The lock without packages whose marker does not hold there. */
  readonly closure: Closure;
  /** Whether an installer may choose that file there. */
  readonly wanted: (filename: string) => boolean;
};

/** Markers of a lock, each once. */
export const markersOf = ({ entries }: Closure): string[] => [
  ...new Set(entries.flatMap(({ marker }) => marker ?? [])),
];

const isWheel = (filename: string): boolean => filename.endsWith(".whl");

const fits = (filename: string, tags: ReadonlySet<string>): boolean => {
  const parsed = parseDistributionFilename(filename);
  // What cannot be read is verified, rather than passed over.
  if (!parsed.ok || parsed.value.kind === "sdist") return true;
  return expandTags(parsed.value.tags).some((tag) => tags.has(tag));
};

/**
 * Leaves out what an environment does not need. It decides only what is verified: the installer
 * chooses by its own rules, and finds nothing that was left out.
 *
 * @returns LOCK_FORMAT for a marker that cannot be decided, LOCK_NO_FILE where nothing is left
 */
export const neededBy = (closure: Closure, fitness: Fitness, sdists: boolean): Result<Need> => {
  const { tags, markers } = fitness;
  const holds = new Map(markersOf(closure).map((marker, at) => [marker, markers[at]]));
  const undecided = [...holds].find(([, value]) => value === undefined);
  if (tags !== undefined && undecided !== undefined) {
    return fail("LOCK_FORMAT", `the marker ${JSON.stringify(undecided[0])} cannot be decided`);
  }
  const entries = closure.entries.filter(
    ({ marker }) => marker === undefined || holds.get(marker) !== false,
  );
  // Nothing is no success: the installers would install nothing, and end well.
  if (entries.length === 0 && closure.entries.length > 0) {
    return fail("LOCK_NO_FILE", "the lock has no package for this Python");
  }
  const wanted = (filename: string) =>
    isWheel(filename) ? tags === undefined || fits(filename, tags) : sdists;
  return ok({ closure: { ...closure, entries }, wanted });
};

/** Files whose signer nobody named are not installed unless that is allowed. */
const unnamed = (verdict: ClosureVerdict): Failure | undefined => {
  const file = filesOf(verdict).find(
    ({ outcome }) => outcome === "unattested" || outcome === "signed",
  );
  if (file === undefined) return undefined;
  const { filename, name, identity } = file;
  const message =
    identity === undefined
      ? `nobody vouches for ${filename}`
      : `nobody is named as the signer of ${name}; ${describeIdentity(identity)} signed ${filename}`;
  return failure("LOCK_UNATTESTED", message);
};

/** Whether a policy, or the caller, lets files be installed that nobody vouches for. */
export const allowsUnattested = ({ expect }: ClosureWorld, flag: boolean): boolean =>
  flag || (expect?.kind === "policy" && expect.policy.unattested === "allow");

/** Why nothing of a lock is installed: the first thing that is wrong with any of its files. */
export const installRefusal = (
  verdict: ClosureVerdict,
  unattested: boolean,
): Failure | undefined => {
  const [tree] = verdict.unverifiable;
  if (tree !== undefined) {
    return failure("LOCK_UNVERIFIABLE", `${tree.name} is a source (${tree.kind}), not a file`);
  }
  const failed = failureOf(verdict);
  if (failed !== undefined) return failed;
  const empty = verdict.entries.find(({ files }) => files.length === 0);
  if (empty !== undefined) {
    const { name, version } = empty.entry;
    return failure("LOCK_NO_FILE", `the lock has no file of ${name} ${version} for this Python`);
  }
  return unattested ? undefined : unnamed(verdict);
};

/** What is given to the installer, from a verdict that {@link installRefusal} has let pass. */
export const releasesOf = (
  verdict: ClosureVerdict,
  { store }: ClosureWorld,
  fitness: Fitness,
): OfflineRelease[] =>
  verdict.entries.map(({ entry, files }) => ({
    name: entry.name,
    version: entry.version,
    ...undecidedMarker(entry, fitness),
    files: files.map(({ filename, sha256 }) => ({ filename, sha256, path: store.pathOf(sha256) })),
  }));

const undecidedMarker = ({ marker }: ClosureEntry, { tags }: Fitness) =>
  marker === undefined || tags !== undefined ? {} : { marker };
