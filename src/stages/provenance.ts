import { BUILD_RECORD_NAME, type BuildRecord } from "../formats/build-record.ts";

/**
 * How the parameters of our provenance are read: GitLab's published type for a CI/CD job. Its
 * readers ignore parameters that they do not know, so ours stand beside GitLab's.
 */
export const BUILD_TYPE = "https://docs.gitlab.com/ci/pipeline_security/slsa/provenance_v1";

/** The CI job that signs, as the certificate states it (Fulcio's claims .8 to .21). */
export type SigningJob = {
  /** The certificate's one subject alternative name. */
  readonly san: string;
  /** Fulcio's extensions 1.3.6.1.4.1.57264.1.N by N, as text. */
  readonly claims: Readonly<Record<string, string>>;
  /** The job's name, where the environment gives it; no claim vouches for it. */
  readonly name?: string;
  /** The id_token's runner_id; no extension carries it. */
  readonly runnerId?: string;
};

export type ProvenanceInput = {
  readonly record: BuildRecord;
  /** Lower-case hex SHA-256 of the build record's bytes. */
  readonly recordSha256: string;
  readonly job: SigningJob;
};

/** Numbers of the claims used here (Fulcio docs/oid-info.md). */
const CLAIM = {
  issuer: "8",
  signer: "9",
  runnerEnvironment: "11",
  repository: "12",
  commit: "13",
  ref: "14",
  configuration: "18",
  configurationCommit: "19",
  trigger: "20",
  job: "21",
} as const;

/**
 * The SLSA provenance v1 predicate of the distributions of one build.
 *
 * What the certificate vouches for is taken from it and not from the record: the record supplies
 * only what no authority knows, such as the tools that were resolved. A field that nobody states
 * is left out.
 */
export const provenancePredicate = (input: ProvenanceInput) => ({
  buildDefinition: {
    buildType: BUILD_TYPE,
    externalParameters: externalParameters(input),
    internalParameters: internalParameters(input),
    resolvedDependencies: resolvedDependencies(input),
  },
  runDetails: {
    builder: { id: builderId(input.job) },
    metadata: stated({
      invocationId: input.job.claims[CLAIM.job],
      startedOn: input.record.startedOn,
      finishedOn: input.record.finishedOn,
    }),
    byproducts: [{ name: BUILD_RECORD_NAME, digest: { sha256: input.recordSha256 } }],
  },
});

const stated = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const externalParameters = ({ record, job }: ProvenanceInput) =>
  stated({
    source: job.claims[CLAIM.repository] ?? record.source.uri,
    entryPoint: job.name ?? job.claims[CLAIM.configuration] ?? job.san,
    variables: {},
    ref: job.claims[CLAIM.ref] ?? record.source.ref,
    configuration: job.claims[CLAIM.configuration],
    metadata: record.settings.metadata,
    reproducible: record.settings.reproducible,
  });

const internalParameters = ({ record, job }: ProvenanceInput) =>
  stated({
    job: job.claims[CLAIM.job]?.split("/").at(-1),
    runnerEnvironment: job.claims[CLAIM.runnerEnvironment],
    trigger: job.claims[CLAIM.trigger],
    sourceDateEpoch: record.source.sourceDateEpoch,
    sourceDirty: record.source.dirty,
    backend: record.backend,
    python: record.python,
  });

/** The job's commit, the configuration where it is another's, and the build tools. */
const resolvedDependencies = ({ record, job }: ProvenanceInput) => {
  const repository = job.claims[CLAIM.repository] ?? record.source.uri;
  // The record says what was built; the certificate's commit is only where the job began.
  const commit = record.source.commit ?? job.claims[CLAIM.commit];
  const source =
    repository === undefined || commit === undefined
      ? []
      : [
          stated({
            uri: gitUri(repository, job.claims[CLAIM.ref] ?? record.source.ref),
            digest: { gitCommit: commit },
          }),
        ];
  const tools = record.resolved.map(({ name, version }) => ({
    uri: `pkg:pypi/${purlName(name)}@${encodeURIComponent(version)}`,
    name,
  }));
  return [...source, ...configuration(job, commit), ...tools];
};

const configuration = (job: SigningJob, commit: string | undefined) => {
  const uri = job.claims[CLAIM.configuration];
  const digest = job.claims[CLAIM.configurationCommit];
  if (uri === undefined || digest === undefined || digest === commit) return [];
  return [{ uri, digest: { gitCommit: digest } }];
};

/** SPDX's download location of a git source, as SLSA writes it. */
const gitUri = (repository: string, ref: string | undefined): string =>
  `git+${repository}${ref === undefined ? "" : `@${ref}`}`;

/** The purl specification lowers names of type pypi and replaces underscores. */
const purlName = (name: string): string => name.toLowerCase().replaceAll("_", "-");

/**
 * Who ran the build: the runner where the token names it, as GitLab's own provenance does; else
 * the configuration that the certificate names.
 */
const builderId = (job: SigningJob): string => {
  const issuer = job.claims[CLAIM.issuer];
  if (job.runnerId !== undefined && issuer !== undefined) {
    return `${issuer}/-/runners/${job.runnerId}`;
  }
  return job.claims[CLAIM.signer] ?? job.san;
};
