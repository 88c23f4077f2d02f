import { fail, ok, type Result } from "../formats/result.ts";
import type { Expectation, IdentityPolicy } from "../verification/verdict.ts";
import type { Settings } from "./settings.ts";

/**
 * Whom the settings expect to have signed: `--certificate-identity` with its issuer, exactly, or
 * else this GitLab job's own project and ref. There is no default that accepts anybody.
 */
export const expectationOf = (settings: Settings): Result<Expectation> => {
  const san = settings.text("certificate-identity");
  const issuer = settings.text("certificate-oidc-issuer");
  if (san !== undefined) {
    if (issuer === undefined) {
      return fail(
        "IDENTITY_MISSING",
        "an identity was given without the issuer that vouches for it",
      );
    }
    return ok(identity({ kind: "exact", san, issuer }));
  }
  const job = jobIdentity(settings, issuer);
  if (job !== undefined) return ok(identity(job));
  return fail("IDENTITY_MISSING", "nobody was named as the expected signer");
};

const identity = (policy: IdentityPolicy): Expectation => ({ kind: "identity", anyOf: [policy] });

/** The identity that Fulcio gives this very job: the project, its CI configuration and its ref. */
const jobIdentity = (
  settings: Settings,
  issuer: string | undefined,
): IdentityPolicy | undefined => {
  const { env } = settings;
  const server = issuer ?? env.CI_SERVER_URL;
  const project = env.CI_PROJECT_PATH;
  const ref = jobRef(env);
  if (server === undefined || project === undefined || ref === undefined) return undefined;
  const configPath = env.CI_CONFIG_PATH;
  // A configuration of another project is named `path@group/project`; its identity must be given.
  if (configPath?.includes("@")) return undefined;
  const path = configPath === undefined || configPath === "" ? {} : { configPath };
  return { kind: "gitlab", issuer: server, project, ref, ...path };
};

const jobRef = (env: Settings["env"]): string | undefined => {
  const tag = env.CI_COMMIT_TAG;
  const branch = env.CI_COMMIT_BRANCH ?? env.CI_DEFAULT_BRANCH;
  if (tag !== undefined && tag !== "") return `refs/tags/${tag}`;
  return branch === undefined || branch === "" ? undefined : `refs/heads/${branch}`;
};

/** One line that names an expectation, for people. */
export const describeExpectation = (expectation: Expectation): string => {
  if (expectation.kind === "key") return "a managed key";
  return expectation.anyOf.map(describeIdentity).join(" or ");
};

const describeIdentity = (policy: IdentityPolicy): string => {
  switch (policy.kind) {
    case "exact":
      return `${policy.san} (issuer ${policy.issuer})`;
    case "gitlab":
      return `GitLab project ${policy.project} at ${policy.ref ?? "any ref"} (issuer ${policy.issuer})`;
    case "github":
      return `GitHub repository ${policy.repository} at ${policy.ref ?? "any ref"}`;
    case "email":
      return `${policy.email} (issuer ${policy.issuer})`;
    default:
      return policy satisfies never;
  }
};
