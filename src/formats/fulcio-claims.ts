import { utf8 } from "./bytes.ts";
import type { SigningSubject } from "./certificate-profiles.ts";
import type { ExtensionToWrite } from "./certificate-writer.ts";
import { utf8String } from "./der.ts";
import { FULCIO, FULCIO_PREFIX } from "./oids.ts";
import { fail, ok, type Result } from "./result.ts";

/** The claims of a validated id_token; values as JSON gave them. */
export type TokenClaims = Readonly<Record<string, unknown>>;

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
  const environment = claims.environment === undefined ? ok("") : text(claims, "environment");
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
  // Web URL parsers read "https:////host" as a host; nothing but a host may come first here.
  if (!/^https:\/\/[A-Za-z0-9[][!-~]*$/.test(config) || !URL.canParse(config)) {
    return fail("FULCIO_CLAIMS", "ci_config_ref_uri does not make a URI");
  }
  const project = `${url}/${claims.project_path}`;
  const values: readonly (readonly [number, string])[] = [
    [FULCIO.issuer, claims.iss],
    [FULCIO.buildSignerUri, config],
    [FULCIO.buildSignerDigest, claims.ci_config_sha],
    [FULCIO.runnerEnvironment, claims.runner_environment],
    [FULCIO.sourceRepositoryUri, project],
    [FULCIO.sourceRepositoryDigest, claims.sha],
    [
      FULCIO.sourceRepositoryRef,
      `refs/${claims.ref_type === "branch" ? "heads" : "tags"}/${claims.ref}`,
    ],
    [FULCIO.sourceRepositoryIdentifier, claims.project_id],
    [FULCIO.sourceRepositoryOwnerUri, `${url}/${claims.namespace_path}`],
    [FULCIO.sourceRepositoryOwnerIdentifier, claims.namespace_id],
    [FULCIO.buildConfigUri, config],
    [FULCIO.buildConfigDigest, claims.ci_config_sha],
    [FULCIO.buildTrigger, claims.pipeline_source],
    [FULCIO.runInvocationUri, `${project}/-/jobs/${claims.job_id}`],
    [FULCIO.sourceRepositoryVisibility, claims.project_visibility],
    ...(environment === "" ? [] : [[FULCIO.deploymentEnvironment, environment] as const]),
    [FULCIO.tokenSubject, claims.sub],
  ];
  return ok({
    subjectAlternativeName: config,
    extensions: [
      { oid: `${FULCIO_PREFIX}${FULCIO.legacyIssuer}`, critical: false, value: utf8(claims.iss) },
      ...values.map(utf8Extension),
    ],
  });
};

const utf8Extension = ([number, value]: readonly [number, string]): ExtensionToWrite => ({
  oid: `${FULCIO_PREFIX}${number}`,
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
