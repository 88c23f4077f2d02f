import { utf8 } from "./bytes.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import type { Result } from "./result.ts";

/** A file that the build made. */
export type BuiltDistribution = {
  readonly filename: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
};

/**
 * What a build was made from and with: written beside the distributions as
 * `wheelseal-build.json`, and turned into SLSA provenance when they are signed.
 */
export type BuildRecord = {
  readonly recordVersion: 1;
  readonly name: string;
  readonly version: string;
  readonly source: {
    /** Where the source came from, without credentials; absent outside git. */
    readonly uri?: string;
    /** 40 or 64 hexadecimal digits; absent outside git. */
    readonly commit?: string;
    readonly ref?: string;
    /** Whether the tree differed from the commit. */
    readonly dirty: boolean;
    /** Seconds since 1970 given to the backend as SOURCE_DATE_EPOCH. */
    readonly sourceDateEpoch: number;
    /**
     * SHA-256 in lower-case hexadecimal over modes, contents and paths of the files that were
     * built from, as they were before metadata was set. Absent in records of other tools.
     */
    readonly digest?: string;
    /** The like over variables, and commit and tags where the version comes from git. */
    readonly surroundings?: string;
  };
  readonly settings: {
    readonly reproducible: boolean;
    /** Metadata edits that were made on the copy: dotted TOML key to new value. */
    readonly metadata: Readonly<Record<string, string>>;
  };
  readonly backend: { readonly name: string; readonly requires: readonly string[] };
  readonly python: {
    readonly version: string;
    readonly implementation: string;
    readonly platform: string;
  };
  /** What was installed in the build environments, as resolved. */
  readonly resolved: readonly { readonly name: string; readonly version: string }[];
  /** RFC 3339, UTC. */
  readonly startedOn: string;
  readonly finishedOn: string;
  readonly distributions: readonly BuiltDistribution[];
};

/** The file name of the build record in the output folder. */
export const BUILD_RECORD_NAME = "wheelseal-build.json";

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_RESOLVED = 10_000;
const MAX_DISTRIBUTIONS = 1000;

/** Reads `wheelseal-build.json`; fails with BUILD_RECORD. */
export const parseBuildRecord = (bytes: Uint8Array): Result<BuildRecord> => {
  const value = parseJson(bytes, MAX_BYTES, "the build record");
  return value.ok ? readJson(value.value, "BUILD_RECORD", "record", readRecord) : value;
};

/** The bytes of `wheelseal-build.json`: indented JSON with a final newline. */
export const formatBuildRecord = (record: BuildRecord): Uint8Array =>
  utf8(`${JSON.stringify(record, null, 2)}\n`);

const readRecord = (json: Json): BuildRecord => {
  if (json.field("recordVersion").integer() !== 1) json.field("recordVersion").refuse("is not 1");
  const python = json.field("python");
  return {
    recordVersion: 1,
    name: json.field("name").string(),
    version: json.field("version").string(),
    source: readSource(json.field("source")),
    settings: {
      reproducible: json.field("settings").field("reproducible").boolean(),
      metadata: Object.fromEntries(
        json
          .field("settings")
          .field("metadata")
          .members(MAX_RESOLVED)
          .map(([name, value]) => [name, value.string()]),
      ),
    },
    backend: {
      name: json.field("backend").field("name").string(),
      requires: json
        .field("backend")
        .field("requires")
        .items(MAX_RESOLVED)
        .map((item) => item.string()),
    },
    python: {
      version: python.field("version").string(),
      implementation: python.field("implementation").string(),
      platform: python.field("platform").string(),
    },
    resolved: json
      .field("resolved")
      .items(MAX_RESOLVED)
      .map((item) => ({
        name: item.field("name").string(),
        version: item.field("version").string(),
      })),
    startedOn: json.field("startedOn").string(),
    finishedOn: json.field("finishedOn").string(),
    distributions: json.field("distributions").items(MAX_DISTRIBUTIONS).map(readDistribution),
  };
};

const readSource = (json: Json): BuildRecord["source"] => {
  const text = (name: "uri" | "commit" | "ref"): { [key in typeof name]?: string } => {
    const value = json.optional(name)?.string();
    return value === undefined ? {} : { [name]: value };
  };
  return {
    ...text("uri"),
    ...text("commit"),
    ...text("ref"),
    dirty: json.field("dirty").boolean(),
    sourceDateEpoch: json.field("sourceDateEpoch").integer(),
    ...fingerprint(json, "digest"),
    ...fingerprint(json, "surroundings"),
  };
};

const fingerprint = <Name extends string>(json: Json, name: Name): { [key in Name]?: string } => {
  const field = json.optional(name);
  return field === undefined ? {} : ({ [name]: readDigest(field) } as { [key in Name]: string });
};

const readDigest = (json: Json): string => {
  const text = json.string();
  return /^[0-9a-f]{64}$/.test(text) ? text : json.refuse("is not a SHA-256 digest in hexadecimal");
};

const readDistribution = (json: Json): BuiltDistribution => {
  return {
    filename: json.field("filename").string(),
    sha256: readDigest(json.field("sha256")),
    size: json.field("size").integer(),
  };
};
