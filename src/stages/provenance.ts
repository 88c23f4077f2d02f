import { BUILD_RECORD_NAME, type BuildRecord } from "../formats/build-record.ts";
import { FULCIO } from "../formats/oids.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { BUILD_TYPE } from "../verification/claims.ts";

/** The CI job that signs, as its certificate states it. */
export type SigningJob = {
  /** The certificate's one subject alternative name. */
  readonly san: string;
  readonly issuer: string;
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
      invocationId: input.job.claims[FULCIO.runInvocationUri],
      startedOn: input.record.startedOn,
      finishedOn: input.record.finishedOn,
    }),
    byproducts: [{ name: BUILD_RECORD_NAME, digest: { sha256: input.recordSha256 } }],
  },
});

/** Refuses (SIGN_SOURCE) a record of another commit than the one that the certificate names. */
export const sameSource = ({
  record,
  job,
}: Omit<ProvenanceInput, "recordSha256">): Result<void> => {
  const certified = job.claims[FULCIO.sourceRepositoryDigest];
  const built = record.source.commit;
  if (built === undefined || certified === undefined || built === certified) return ok(undefined);
  return fail("SIGN_SOURCE", `${record.name} was built from ${built}, the job is at ${certified}`);
};

const stated = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const externalParameters = ({ record, job }: ProvenanceInput) =>
  stated({
    source: job.claims[FULCIO.sourceRepositoryUri],
    entryPoint: job.name ?? job.claims[FULCIO.buildConfigUri] ?? job.san,
    variables: {},
    ref: job.claims[FULCIO.sourceRepositoryRef],
    configuration: job.claims[FULCIO.buildConfigUri],
    metadata: record.settings.metadata,
    reproducible: record.settings.reproducible,
  });

const internalParameters = ({ record, job }: ProvenanceInput) =>
  stated({
    job: job.claims[FULCIO.runInvocationUri]?.split("/").at(-1),
    runnerEnvironment: job.claims[FULCIO.runnerEnvironment],
    trigger: job.claims[FULCIO.buildTrigger],
    sourceDateEpoch: record.source.sourceDateEpoch,
    sourceDirty: record.source.dirty,
    backend: record.backend,
    python: record.python,
  });

/** The job's commit, the configuration where it is another's, and the build tools. */
const resolvedDependencies = ({ record, job }: ProvenanceInput) => {
  const repository = job.claims[FULCIO.sourceRepositoryUri] ?? record.source.uri;
  const commit = job.claims[FULCIO.sourceRepositoryDigest] ?? record.source.commit;
  const source =
    repository === undefined || commit === undefined
      ? []
      : [
          stated({
            uri: gitUri(repository, job.claims[FULCIO.sourceRepositoryRef] ?? record.source.ref),
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
  const uri = job.claims[FULCIO.buildConfigUri];
  const digest = job.claims[FULCIO.buildConfigDigest];
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
  if (job.runnerId !== undefined) return `${job.issuer}/-/runners/${job.runnerId}`;
  return job.claims[FULCIO.buildSignerUri] ?? job.san;
};
