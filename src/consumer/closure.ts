import { looseRelease } from "../dists/filename.ts";
import { type NormalizedName, shown } from "../dists/name.ts";
import { equalVersions, type Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { AttestationIdentity } from "./attestation-identity.ts";

/** A file that a lock names. */
export type ClosureFile = {
  readonly filename: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** http or https, without credentials; where the lock's maker found it. */
  readonly url?: string;
  /** Bytes. */
  readonly size?: number;
};

/** One package of a lock, at one version. Made by the readers of locks only. */
export type ClosureEntry = {
  readonly brand: "ClosureEntry";
  readonly name: NormalizedName;
  readonly version: Version;
  /** The environment marker, as it stands. */
  readonly marker?: string;
  /** Whether its files are an index's, or one archive that the lock knows by its address only. */
  readonly from: "index" | "archive";
  /** At least one, unless the lock states digests alone. */
  readonly files: readonly ClosureFile[];
  /** Where it names no files: lower-case hex of SHA-256 of any file that may be used. */
  readonly digests: readonly string[];
  /** Who signed, as the lock states it; empty where it states nobody. */
  readonly identities: readonly AttestationIdentity[];
};

/** A package of a lock that is no file with a digest: nothing can vouch for it. */
export type Unverifiable = {
  readonly name: NormalizedName;
  readonly kind: "vcs" | "directory" | "path";
};

/** All that a lock installs. */
export type Closure = {
  readonly format: "pylock" | "requirements";
  readonly entries: readonly ClosureEntry[];
  readonly unverifiable: readonly Unverifiable[];
  /** The one index that every package of an index names, where they all name it. */
  readonly index?: string;
};

/** Bytes of a lock at most. */
export const MAX_LOCK_BYTES = 16 * 1024 * 1024;
export const MAX_PACKAGES = 10_000;
/** Files, or digests, of one package. */
export const MAX_PACKAGE_FILES = 2_000;
const MAX_FILES = 100_000;
/** Versions of one package, each for another environment. */
const MAX_VERSIONS = 100;

/** Checks what no single entry can: nothing twice, and not too much. */
export const asClosure = (closure: Closure): Result<Closure> => {
  const versions = new Map<NormalizedName, Version[]>();
  const filenames = new Set<string>();
  for (const { name, version, files } of closure.entries) {
    const others = versions.get(name) ?? [];
    if (others.some((other) => equalVersions(other, version))) {
      return fail("LOCK_FORMAT", `the lock has ${name} ${version} twice`);
    }
    if (others.length >= MAX_VERSIONS) {
      return fail("FORMAT_SIZE", `the lock has more than ${MAX_VERSIONS} versions of ${name}`);
    }
    versions.set(name, [...others, version]);
    for (const { filename } of files) {
      if (filenames.has(filename)) {
        return fail("LOCK_FORMAT", `the lock has ${shown(filename)} twice`);
      }
      filenames.add(filename);
    }
  }
  const digests = closure.entries.flatMap((entry) => entry.digests).length;
  if (filenames.size + digests > MAX_FILES) {
    return fail("FORMAT_SIZE", `the lock has more than ${MAX_FILES} files`);
  }
  return closure.entries.length + closure.unverifiable.length === 0
    ? fail("LOCK_FORMAT", "the lock has no package")
    : ok(closure);
};

/** What PEP 508 markers are made of; no option or comment of a requirements file can hide there. */
const MARKER = /^(?!.*(?:^|\s)-)[A-Za-z0-9 \t_.'"<>=!~()+*,-]{1,1000}$/;

/** Checks that a marker is nothing but a marker, since installers are given it in a line of text. */
export const checkMarker = (text: string): Result<string> =>
  MARKER.test(text) ? ok(text.trim()) : fail("LOCK_FORMAT", `${shown(text)} is no marker`);

/** A file name must speak of the release that its entry is about. */
export const belongsTo = (
  filename: string,
  name: NormalizedName,
  version: Version | undefined,
): Result<Version> => {
  const release = looseRelease(filename);
  if (!release.ok) return fail("LOCK_FORMAT", release.error.message);
  const same =
    release.value.name === name &&
    (version === undefined || equalVersions(release.value.version, version));
  return same
    ? ok(version ?? release.value.version)
    : fail("LOCK_FORMAT", `${shown(filename)} is no file of ${name} ${version ?? ""}`.trimEnd());
};
