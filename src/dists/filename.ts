import { fail, ok, type Result } from "../formats/result.ts";
import { escapeName, type NormalizedName, parseName, shown } from "./name.ts";
import { equalVersions, parseVersion, type Version } from "./version.ts";

/** What a wheel says it runs on: the three sets of a file name, uncompressed (PEP 425). */
export type WheelTags = {
  readonly python: readonly string[];
  readonly abi: readonly string[];
  readonly platform: readonly string[];
};

export type WheelFilename = {
  readonly kind: "wheel";
  readonly filename: string;
  readonly name: NormalizedName;
  readonly version: Version;
  /** Digits, then letters: breaks ties between wheels of the same version. */
  readonly build?: string;
  readonly tags: WheelTags;
};

export type SdistFilename = {
  readonly kind: "sdist";
  readonly filename: string;
  readonly name: NormalizedName;
  readonly version: Version;
};

/** A file name that an index would take for a wheel or an sdist, taken apart. */
export type Distribution = WheelFilename | SdistFilename;

const MAX_LENGTH = 255;
const BUILD = /^[0-9][0-9A-Za-z_.]*$/;
const TAGS = /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/;
const MAX_TAGS = 64;

/**
 * Takes a file name apart. Only normal forms are accepted, as PyPI does for uploads: the name
 * lower case with single `_`, the version as PEP 440 writes it, sdists as `.tar.gz`.
 * @param text - the name alone, without folders
 * @returns DIST_NAME, or DIST_VERSION for a version that is none or not in normal form
 * @see PEP 427, PEP 625, PEP 425
 */
export const parseDistributionFilename = (text: string): Result<Distribution> => {
  if (text.length > MAX_LENGTH) return refuse(text, "is too long");
  if (text.endsWith(".whl")) return parseWheel(text, text.slice(0, -4).split("-"));
  if (text.endsWith(".tar.gz")) return parseSdist(text, text.slice(0, -7).split("-"));
  return refuse(text, "ends neither in .whl nor in .tar.gz");
};

/**
 * Name and version of a file name of earlier times too, such as `Zope.Interface-5.0.tar.gz`: in any
 * spelling, for who has another reason to trust the file than its name.
 * @returns DIST_NAME, DIST_VERSION
 */
export const looseRelease = (
  text: string,
): Result<{ readonly name: NormalizedName; readonly version: Version }> => {
  const stem = /^(.{1,250})\.(?:whl|tar\.gz|zip)$/.exec(text)?.[1];
  if (stem === undefined) return refuse(text, "is not the name of a wheel or an sdist");
  const parts = stem.split("-");
  const wheel = text.endsWith(".whl");
  if (wheel && parts.length !== 5 && parts.length !== 6) return refuse(text, "is no wheel's name");
  const name = parseName(wheel ? (parts[0] ?? "") : parts.slice(0, -1).join("-"));
  if (!name.ok) return name;
  const version = parseVersion((wheel ? parts[1] : parts.at(-1)) ?? "");
  return version.ok ? ok({ name: name.value, version: version.value }) : version;
};

const refuse = (text: string, why: string) => fail("DIST_NAME", `${shown(text)} ${why}`);

const parseSdist = (filename: string, parts: readonly string[]): Result<SdistFilename> => {
  const [name, version] = parts;
  if (name === undefined || version === undefined || parts.length !== 2) {
    return refuse(filename, "is not of the form name-version.tar.gz");
  }
  const release = parseRelease(filename, name, version);
  return release.ok ? ok({ kind: "sdist", filename, ...release.value }) : release;
};

const parseWheel = (filename: string, parts: readonly string[]): Result<WheelFilename> => {
  const [name = "", version = ""] = parts;
  if (parts.length !== 5 && parts.length !== 6) {
    return refuse(filename, "is not of the form name-version[-build]-python-abi-platform.whl");
  }
  const release = parseRelease(filename, name, version);
  if (!release.ok) return release;
  const build = parts.length === 6 ? parts[2] : undefined;
  if (build !== undefined && !BUILD.test(build)) return refuse(filename, "has a bad build tag");
  const [python, abi, platform] = parts.slice(-3).map(parseTagSet);
  if (python === undefined || abi === undefined || platform === undefined) {
    return refuse(filename, "has a bad compatibility tag");
  }
  const tags = { python, abi, platform };
  const numbered = build === undefined ? {} : { build };
  return ok({ kind: "wheel", filename, ...release.value, ...numbered, tags });
};

const parseRelease = (
  filename: string,
  escaped: string,
  text: string,
): Result<{ name: NormalizedName; version: Version }> => {
  const name = parseName(escaped);
  if (!name.ok) return refuse(filename, "does not begin with a project name");
  const normal = escapeName(name.value);
  if (normal !== escaped) return refuse(filename, `must begin with ${normal}`);
  const version = parseVersion(text);
  if (!version.ok) return version;
  if (version.value !== text) {
    return fail("DIST_VERSION", `${shown(filename)} must write its version as ${version.value}`);
  }
  return ok({ name: name.value, version: version.value });
};

const parseTagSet = (text: string): string[] | undefined => {
  if (!TAGS.test(text)) return undefined;
  const set = text.split(".");
  return set.length <= MAX_TAGS && new Set(set).size === set.length ? set : undefined;
};

/** Every `python-abi-platform` that the compressed tags stand for, sorted (PEP 425). */
export const expandTags = (tags: WheelTags): string[] =>
  tags.python
    .flatMap((python) => tags.abi.map((abi) => `${python}-${abi}`))
    .flatMap((start) => tags.platform.map((platform) => `${start}-${platform}`))
    .sort();

/**
 * Whether two file names speak of the same distribution: compared after parsing, so the order of
 * compressed tags does not matter. A name that does not parse is the same as nothing.
 */
export const sameFilename = (a: string, b: string): boolean => {
  const left = parseDistributionFilename(a);
  const right = parseDistributionFilename(b);
  if (!left.ok || !right.ok) return false;
  return (
    left.value.name === right.value.name &&
    equalVersions(left.value.version, right.value.version) &&
    variant(left.value) === variant(right.value)
  );
};

/** What tells the files of one release apart. */
const variant = (distribution: Distribution): string => {
  switch (distribution.kind) {
    case "sdist":
      return "sdist";
    case "wheel":
      return `${distribution.build ?? ""} ${expandTags(distribution.tags).join(" ")}`;
    default:
      return distribution satisfies never;
  }
};
