import type { IndexFile, ProjectPage } from "../clients/simple-index.ts";
import { type Distribution, parseDistributionFilename } from "../dists/filename.ts";
import { type NormalizedName, parseName, shown } from "../dists/name.ts";
import { equalVersions, parseVersion, type Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/** A file of the release, by the index's listing and by its name. */
export type ReleaseFile = { readonly listed: IndexFile; readonly distribution: Distribution };

export type ReleaseListing = {
  readonly name: NormalizedName;
  /** At least one; wheels first. */
  readonly files: readonly ReleaseFile[];
  /** The wheel to install, if there is one. */
  readonly wheel?: IndexFile;
  readonly notes: readonly string[];
};

export const INSTALLABLE =
  /\.(?:whl|tar\.gz|tgz|tar\.bz2|tar\.xz|tar\.Z|tar|zip|egg|exe|msi|rpm|deb|dmg)$/i;

/**
 * Whether an installer might take a name that is not in normal form for a file of this release:
 * read as leniently as any of them does.
 */
const mayBelong = (filename: string, name: NormalizedName, version: Version): boolean => {
  const stem = filename.replace(INSTALLABLE, "");
  if (stem === filename) return false;
  const parts = stem.split("-");
  return parts.some((_part, at) => {
    const stated = parseName(parts.slice(0, at).join("-"));
    if (at === 0 || !stated.ok || stated.value !== name) return false;
    // Wheels and installers go on with tags behind the version; sdists may hold `-` in it.
    return parts.slice(at).some((_rest, length) => {
      const text = parts
        .slice(at, at + length + 1)
        .join("-")
        .replaceAll("_", "+");
      const parsed = parseVersion(text);
      return parsed.ok && equalVersions(parsed.value, version);
    });
  });
};

const inOrder = (a: ReleaseFile, b: ReleaseFile): number =>
  Number(a.distribution.kind === "sdist") - Number(b.distribution.kind === "sdist") ||
  (a.listed.filename < b.listed.filename ? -1 : 1);

/** A wheel for every machine, else the first: whether it fits this one, the installer tells. */
const chooseWheel = (files: readonly ReleaseFile[]): IndexFile | undefined => {
  const wheels = files.filter((file) => file.distribution.kind === "wheel");
  const universal = wheels.find(({ distribution }) => {
    const tags = distribution.kind === "wheel" ? distribution.tags : undefined;
    return tags?.platform.includes("any") === true && tags.python.includes("py3");
  });
  return (universal ?? wheels[0])?.listed;
};

/**
 * The files of one release among those a page lists. A file that may belong to it and cannot be
 * read as a wheel or sdist is a failure, because an installer might choose it.
 * @returns INDEX_FILE, INDEX_YANKED or DIST_VERSION
 */
export const selectRelease = (page: ProjectPage, versionText: string): Result<ReleaseListing> => {
  const version = parseVersion(versionText);
  if (!version.ok) return version;
  const files: ReleaseFile[] = [];
  for (const listed of page.files) {
    const parsed = parseDistributionFilename(listed.filename);
    if (!parsed.ok) {
      if (!mayBelong(listed.filename, page.name, version.value)) continue;
      return fail(
        "INDEX_FILE",
        `the index lists ${shown(listed.filename)}, which cannot be verified`,
      );
    }
    const distribution = parsed.value;
    if (distribution.name !== page.name) {
      return fail("INDEX_FILE", `the page of ${page.name} lists ${shown(listed.filename)}`);
    }
    if (equalVersions(distribution.version, version.value)) files.push({ listed, distribution });
  }
  return describe(page.name, version.value, files.sort(inOrder));
};

const describe = (
  name: NormalizedName,
  version: Version,
  files: readonly ReleaseFile[],
): Result<ReleaseListing> => {
  if (files.length === 0)
    return fail("INDEX_FILE", `the index lists no file of ${name} ${version}`);
  const yanked = files.find((file) => file.listed.yanked !== undefined)?.listed;
  if (yanked !== undefined) {
    const reason = yanked.yanked === "" ? "" : `: ${shown(yanked.yanked ?? "")}`;
    return fail("INDEX_YANKED", `${yanked.filename} was yanked${reason}`);
  }
  const wheel = chooseWheel(files);
  const notes: string[] = [];
  if (wheel === undefined) notes.push("the release has no wheel, so nothing was installed");
  if (files.every((file) => file.distribution.kind === "wheel")) {
    notes.push("the release has no sdist");
  }
  return ok({ name, files, notes, ...(wheel === undefined ? {} : { wheel }) });
};
