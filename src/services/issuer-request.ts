import { type Json, parseJson, readJson } from "../formats/json.ts";
import type { Result } from "../formats/result.ts";
import type { TokenOptions } from "./issuer.ts";
import type { TokenJob } from "./issuer-claims.ts";

/** What may be asked of `POST /wheelseal/token`: a job, by GitLab's names, and the token's frame. */
export type TokenRequest = { readonly job: TokenJob; readonly options: TokenOptions };

const ID = /^[1-9]\d{0,17}$/;
const SHA = /^[0-9a-f]{40}$/;
const WORD = /^[A-Za-z0-9_.-]{1,100}$/;
const PROJECT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,20}$/;
const REF = /^[!-.0-~][!-~]{0,254}$/;
const AUDIENCE = /^[!-~]{1,255}$/;
const ENVIRONMENT = /^[ -~]{1,255}$/;

const FIELDS = {
  project_path: ["projectPath", PROJECT],
  project_id: ["projectId", ID],
  namespace_id: ["namespaceId", ID],
  ref: ["ref", REF],
  ref_type: ["refType", /^(branch|tag)$/],
  sha: ["sha", SHA],
  ci_config_path: ["configPath", REF],
  ci_config_sha: ["configSha", SHA],
  pipeline_id: ["pipelineId", ID],
  pipeline_source: ["pipelineSource", WORD],
  job_id: ["jobId", ID],
  user_login: ["userLogin", WORD],
  runner_environment: ["runnerEnvironment", /^(gitlab-hosted|self-hosted)$/],
  project_visibility: ["visibility", /^(private|internal|public)$/],
  environment: ["environment", ENVIRONMENT],
} as const satisfies Record<string, readonly [keyof TokenJob, RegExp]>;

const MAX_BYTES = 16 * 1024;
/** Seconds. */
export const MAX_TOKEN_LIFETIME = 24 * 3600;

/** Reads the JSON body; fails with FORMAT_JSON where a field is unknown or not in its form. */
export const parseTokenRequest = (body: Uint8Array): Result<TokenRequest> => {
  const json = parseJson(body, MAX_BYTES, "request");
  if (!json.ok) return json;
  return readJson(json.value, "FORMAT_JSON", "request", readRequest);
};

const readRequest = (json: Json): TokenRequest => {
  json.only(...Object.keys(FIELDS), "ref_protected", "aud", "lifetime");
  const job: Record<string, string | boolean> = {};
  for (const [name, [property, pattern]] of Object.entries(FIELDS)) {
    const field = json.optional(name);
    if (field !== undefined) job[property] = matching(field, pattern);
  }
  json.field("project_path");
  const isProtected = json.optional("ref_protected")?.boolean();
  if (isProtected !== undefined) job.refProtected = isProtected;
  return { job: job as unknown as TokenJob, options: readOptions(json) };
};

const readOptions = (json: Json): TokenOptions => {
  const audience = json.optional("aud");
  const lifetime = json.optional("lifetime");
  const seconds = lifetime?.integer() ?? 1;
  if (seconds < 1 || seconds > MAX_TOKEN_LIFETIME)
    lifetime?.refuse(`is not 1 to ${MAX_TOKEN_LIFETIME} seconds`);
  return {
    ...(audience === undefined ? {} : { audience: matching(audience, AUDIENCE) }),
    ...(lifetime === undefined ? {} : { lifetime: seconds }),
  };
};

const matching = (field: Json, pattern: RegExp): string => {
  const value = field.string();
  return pattern.test(value) ? value : field.refuse("is not in its form");
};
