import { fail, ok, type Result } from "../formats/result.ts";
import type { Expected } from "../verification/policy.ts";
import type { Expectation, IdentityPolicy } from "../verification/verdict.ts";
import { parseWitnessDemand } from "../verification/witness-demand.ts";
import type { Invocation } from "./command.ts";
import type { Setting, Settings } from "./settings.ts";
import { LOCAL_PROJECT, LOCAL_REF } from "./stack.ts";
import type { Trust } from "./trust.ts";

/** Flags win over the environment, that over pyproject.toml. */
const rank = ({ from }: Setting): number =>
  from.startsWith("--") ? 0 : from.startsWith("tool.") ? 2 : 1;

/**
 * Whom to expect: a named identity or a policy, whichever was said with more weight, and never
 * both with the same; in the local profile, else, the local project's jobs; else this GitLab job.
 * The policy in pyproject.toml is about real releases, so the local profile passes over it.
 */
export const expectedFor = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
): Promise<Result<Expected>> => {
  const expected = await signerFor(invocation, settings, trust);
  return expected.ok ? withWitnesses(expected.value, settings) : expected;
};

/** The witnesses that were named beside it; those of a policy are the policy's to change. */
export const withWitnesses = (expected: Expected, settings: Settings): Result<Expected> => {
  const keys = settings.find("witness");
  const threshold = settings.find("witness-threshold");
  if (keys === undefined) {
    if (threshold === undefined) return ok(expected);
    return fail("CONFIG", `${threshold.from} is without witnesses: name them by --witness`);
  }
  const witnesses = parseWitnessDemand(keys.value, threshold?.value);
  if (!witnesses.ok) return fail(witnesses.error.code, `${keys.from}: ${witnesses.error.message}`);
  if (expected.kind !== "policy") return ok({ ...expected, witnesses: witnesses.value });
  const { policy, from } = expected;
  return policy.witnesses === undefined
    ? ok({ ...expected, policy: { ...policy, witnesses: witnesses.value } })
    : fail("CONFIG", `${keys.from} and ${from} both name witnesses: leave it to the policy`);
};

/** Who must have signed. */
const signerFor = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
): Promise<Result<Expected>> => {
  const named = settings.find("certificate-identity");
  const policy = settings.find("policy");
  if (named !== undefined && policy !== undefined && rank(named) === rank(policy)) {
    return fail("CONFIG", `${named.from} and ${policy.from} both say whom to expect: give one`);
  }
  if (policy !== undefined && (named === undefined || rank(policy) < rank(named))) {
    const { policyFile } = await import("./policy.ts");
    return policyFile(invocation, policy.value);
  }
  if (named !== undefined && rank(named) < 2) return expectationOf(settings);
  const local = settings.text("profile") === "local" && trust.issuerUrl !== undefined;
  if (!local) {
    const { projectPolicy } = await import("./policy.ts");
    const project = projectPolicy(settings);
    if (!project.ok) return project;
    if (project.value !== undefined && named !== undefined) {
      return fail("CONFIG", `${named.from} and tool.wheelseal.policy both say whom to expect`);
    }
    return project.value === undefined ? expectationOf(settings) : ok(project.value);
  }
  if (named !== undefined) return expectationOf(settings);
  const issuer = trust.issuerUrl;
  return ok(identity({ kind: "gitlab", issuer, project: LOCAL_PROJECT.path, ref: LOCAL_REF }));
};

/**
 * Whom the settings expect to have signed: `--certificate-identity` with its issuer, exactly, or
 * else this GitLab job's own project and ref. There is no default that accepts anybody.
 */
const expectationOf = (settings: Settings): Result<Expectation> => {
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
  // A configuration of another project is named `path@group/project`, one from elsewhere by its
  // URL; the identity of either must be given.
  if (configPath?.includes("@") || configPath?.includes("://")) return undefined;
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
export const describeExpectation = (expectation: Expected): string => {
  if (expectation.kind === "key") return "a managed key";
  if (expectation.kind === "policy") return `whom ${expectation.from} names`;
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
