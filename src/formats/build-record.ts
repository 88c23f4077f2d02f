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
