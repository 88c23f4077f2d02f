import { sha256 } from "../crypto/hash.ts";
import { fromBigEndian, hex, utf8 } from "../formats/bytes.ts";

/** The job that a token speaks for; what is absent gets a value that suits the rest. */
export type TokenJob = {
  /** `group/project`, groups may nest. */
  readonly projectPath: string;
  /** Decimal, as are all ids. */
  readonly projectId?: string;
  readonly namespaceId?: string;
  /** Branch or tag name without `refs/…`. */
  readonly ref?: string;
  readonly refType?: "branch" | "tag";
  readonly refProtected?: boolean;
  /** 40 hexadecimal digits. */
  readonly sha?: string;
  /** Path of the CI configuration in the project. */
  readonly configPath?: string;
  readonly configSha?: string;
  readonly pipelineId?: string;
  readonly pipelineSource?: string;
  readonly jobId?: string;
  readonly userLogin?: string;
  readonly runnerEnvironment?: "gitlab-hosted" | "self-hosted";
  readonly visibility?: "private" | "internal" | "public";
  readonly environment?: string;
};

/** When and for whom a token is: seconds since 1970. */
export type TokenFrame = {
  readonly issuer: string;
  readonly audience: string;
  readonly now: number;
  readonly lifetime: number;
  readonly id: string;
};

/** GitLab starts a token's validity this many seconds before it is made. */
const SKEW = 5;

/**
 * The claims of a GitLab id_token. Ids and `ref_protected` are text and `runner_id` is a number,
 * as GitLab writes them.
 */
export const gitlabClaims = (job: TokenJob, frame: TokenFrame): Record<string, unknown> => ({
  iss: frame.issuer,
  iat: frame.now,
  nbf: frame.now - SKEW,
  exp: frame.now + frame.lifetime,
  jti: frame.id,
  aud: frame.audience,
  ...whoseClaims(job),
  ...whatClaims(job, new URL(frame.issuer).host),
  ...environmentClaims(job.environment),
});

const namespaceOf = (projectPath: string): string => projectPath.split("/").slice(0, -1).join("/");

const whoseClaims = (job: TokenJob): Record<string, unknown> => {
  const namespacePath = namespaceOf(job.projectPath);
  const namespaceId = job.namespaceId ?? stableId(namespacePath);
  const projectId = job.projectId ?? stableId(job.projectPath);
  const user = job.userLogin ?? "local";
  return {
    namespace_id: namespaceId,
    namespace_path: namespacePath,
    project_id: projectId,
    project_path: job.projectPath,
    job_project_id: projectId,
    job_project_path: job.projectPath,
    job_namespace_id: namespaceId,
    job_namespace_path: namespacePath,
    user_id: stableId(user),
    user_login: user,
    user_email: `${user}@localhost`,
    user_access_level: "maintainer",
    runner_id: 1,
    runner_environment: job.runnerEnvironment ?? "self-hosted",
    project_visibility: job.visibility ?? "private",
  };
};

const whatClaims = (job: TokenJob, host: string): Record<string, unknown> => {
  const ref = job.ref ?? "main";
  const refType = job.refType ?? "branch";
  const refPath = `refs/${refType === "branch" ? "heads" : "tags"}/${ref}`;
  const sha = job.sha ?? "0".repeat(40);
  const source = job.pipelineSource ?? "push";
  return {
    sub: `project_path:${job.projectPath}:ref_type:${refType}:ref:${ref}`,
    pipeline_id: job.pipelineId ?? "1",
    pipeline_source: source,
    job_id: job.jobId ?? "1",
    job_source: source,
    ref,
    ref_type: refType,
    ref_path: refPath,
    ref_protected: String(job.refProtected ?? true),
    sha,
    ci_config_ref_uri: `${host}/${job.projectPath}//${job.configPath ?? ".gitlab-ci.yml"}@${refPath}`,
    ci_config_sha: job.configSha ?? sha,
  };
};

const environmentClaims = (environment: string | undefined): Record<string, unknown> =>
  environment === undefined
    ? {}
    : {
        environment,
        environment_protected: "false",
        deployment_tier: "other",
        environment_action: "start",
      };

/** A decimal id that stays the same for a name, where no registry gives one. */
const stableId = (name: string): string =>
  String((fromBigEndian(sha256(utf8(name)).subarray(0, 4)) % 1_000_000n) + 1n);

/** A random UUID (RFC 9562 §5.4) from 16 random bytes. */
export const uuidFrom = (random: Uint8Array): string => {
  const bytes = random.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};
