import { utf8 } from "./bytes.ts";
import type { ExtensionToWrite, SigningSubject } from "./certificate-writer.ts";
import { utf8String } from "./der.ts";
import { fail, ok, type Result } from "./result.ts";

/** The claims of a validated id_token; values as JSON gave them. */
export type TokenClaims = Readonly<Record<string, unknown>>;

const ARC = "1.3.6.1.4.1.57264.1";
const MAX_CLAIM = 2048;

const REQUIRED = [
  "iss",
  "sub",
  "ci_config_ref_uri",
  "ci_config_sha",
  "job_id",
  "namespace_id",
  "namespace_path",
  "pipeline_source",
  "project_id",
  "project_path",
  "project_visibility",
  "ref",
  "ref_type",
  "runner_environment",
  "sha",
] as const;

type Required = Record<(typeof REQUIRED)[number], string>;

/**
 * What a GitLab id_token is certified as: the URI `https://{ci_config_ref_uri}` and Fulcio's
 * extensions .1 (raw bytes), .8 to .24 (UTF8String), by Fulcio's gitlab-pipeline mapping.
 *
 * `gitlabUrl` is the instance's own URL: it begins the repository, owner and job URIs.
 *
 * Fails with FULCIO_CLAIMS where a claim is missing, is not text, or could be read as something
 * else than it is (empty, control characters, over 2048 characters; in the SAN also white space
 * and anything outside ASCII).
 */
export const gitlabIdentity = (claims: TokenClaims, gitlabUrl: string): Result<SigningSubject> => {
  const required: Partial<Required> = {};
  for (const name of REQUIRED) {
    const value = text(claims, name);
    if (!value.ok) return value;
    required[name] = value.value;
  }
  const environment = claims["environment"] === undefined ? ok("") : text(claims, "environment");
  if (!environment.ok) return environment;
  return certify(required as Required, environment.value, gitlabUrl);
};

const certify = (claims: Required, environment: string, url: string): Result<SigningSubject> => {
  if (claims.ref_type !== "branch" && claims.ref_type !== "tag") {
    return fail(
      "FULCIO_CLAIMS",
      `ref_type is ${JSON.stringify(claims.ref_type)}, not branch or tag`,
    );
  }
  const config = `https://${claims.ci_config_ref_uri}`;
  if (!/^[!-~]+$/.test(config) || !URL.canParse(config)) {
    return fail("FULCIO_CLAIMS", "ci_config_ref_uri does not make a URI");
  }
  const project = `${url}/${claims.project_path}`;
  const values: readonly (readonly [number, string])[] = [
    [8, claims.iss],
    [9, config],
    [10, claims.ci_config_sha],
    [11, claims.runner_environment],
    [12, project],
    [13, claims.sha],
    [14, `refs/${claims.ref_type === "branch" ? "heads" : "tags"}/${claims.ref}`],
    [15, claims.project_id],
    [16, `${url}/${claims.namespace_path}`],
    [17, claims.namespace_id],
    [18, config],
    [19, claims.ci_config_sha],
    [20, claims.pipeline_source],
    [21, `${project}/-/jobs/${claims.job_id}`],
    [22, claims.project_visibility],
    ...(environment === "" ? [] : [[23, environment] as const]),
    [24, claims.sub],
  ];
  return ok({
    subjectAlternativeName: config,
    extensions: [
      { oid: `${ARC}.1`, critical: false, value: utf8(claims.iss) },
      ...values.map(utf8Extension),
    ],
  });
};

const utf8Extension = ([number, value]: readonly [number, string]): ExtensionToWrite => ({
  oid: `${ARC}.${number}`,
  critical: false,
  value: utf8String(value),
});

const text = (claims: TokenClaims, name: string): Result<string> => {
  const value = claims[name];
  if (typeof value !== "string" || value === "") {
    return fail("FULCIO_CLAIMS", `the token has no claim ${name}, or it is not text`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (value.length > MAX_CLAIM || /[\u0000-\u001f\u007f]/.test(value) || !value.isWellFormed()) {
    return fail("FULCIO_CLAIMS", `the token's claim ${name} is too long or has control characters`);
  }
  return ok(value);
};
