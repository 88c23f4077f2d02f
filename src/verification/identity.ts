import type { Code } from "../formats/errors.ts";
import { type Compared, type Finding, passed, refused } from "./finding.ts";
import { matchesGlob } from "./glob.ts";
import type { GitHubIdentity, GitLabIdentity, IdentityPolicy, Signer } from "./verdict.ts";

type Certified = Extract<Signer, { kind: "certificate" }>;

/** The first thing that differs; `undefined` where the identity is the expected one. */
type Difference = Compared & { readonly code: Code; readonly what: string };

const differs = (
  code: Code,
  what: string,
  expected: string,
  actual: string | undefined,
): Difference | undefined =>
  expected === actual
    ? undefined
    : { code, what, expected, actual: actual ?? "nothing, the certificate does not say" };

/** A claim of the certificate by Fulcio's number (1.3.6.1.4.1.57264.1.N), where one is expected. */
const claim = (
  signer: Certified,
  number: string,
  what: string,
  expected: string | undefined,
): Difference | undefined =>
  expected === undefined
    ? undefined
    : differs("IDENTITY_CLAIMS", what, expected, signer.claims[number]);

const refDiffers = (
  glob: string | undefined,
  what: string,
  ref: string | undefined,
): Difference | undefined =>
  glob === undefined || (ref !== undefined && matchesGlob(glob, ref))
    ? undefined
    : { code: "IDENTITY_CLAIMS", what, expected: glob, actual: ref ?? "nothing" };

/**
 * What a SAN of the form `PREFIX@REF` says as ref. The prefix is compared whole, so neither a
 * longer project path nor another file can pass for it.
 */
const refOfSan = (san: string, prefix: string): string | undefined =>
  san.startsWith(`${prefix}@`) ? san.slice(prefix.length + 1) : undefined;

const sanDiffers = (prefix: string, signer: Certified): Difference | undefined =>
  signer.sanKind !== "uri" || refOfSan(signer.san, prefix) === undefined
    ? {
        code: "IDENTITY_MISMATCH",
        what: "identity",
        expected: `${prefix}@…`,
        actual: signer.san,
      }
    : undefined;

/** A web address as text: nothing of it is decoded or normalised, so no two spellings are one. */
const ADDRESS = /^(https?):\/\/([^/?#@\\\s]+)(\/.*)$/;

const rootOf = (issuer: string): string => URL.parse(issuer)?.pathname.replace(/\/+$/, "") ?? "";

/**
 * The source project by Fulcio's .12, a web address. Its path must be the project's and nothing
 * more: the configuration may be another project's, so the SAN alone does not say whose job it
 * was. The host is not compared, since an operator may have left Fulcio's default there; the
 * issuer, which is, says which instance it was. On the issuer's own host the path begins with
 * that of the issuer.
 */
const projectDiffers = (
  signer: Certified,
  issuer: string,
  project: string,
): Difference | undefined => {
  const actual = signer.claims["12"];
  const [, scheme, host, path] = ADDRESS.exec(actual ?? "") ?? [];
  const root = host === URL.parse(issuer)?.host ? rootOf(issuer) : "";
  const secure = scheme === "https" || issuer.startsWith("http://");
  if (secure && path === `${root}/${project}`) return undefined;
  return {
    code: "IDENTITY_MISMATCH",
    what: "source project",
    expected: project,
    actual: actual ?? "nothing, the certificate does not say",
  };
};

/** The project in a SAN of GitLab's form, `https://HOST/PROJECT//FILE@REF`; no other has `//`. */
const projectOfSan = (san: string, issuer: string): string | undefined => {
  const start = san.indexOf("/", "https://".length);
  const end = san.indexOf("//", start);
  if (!san.startsWith("https://") || start < 0 || end <= start) return undefined;
  const path = san.slice(start, end);
  const root = rootOf(issuer);
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
};

/**
 * GitLab lets any project run the configuration of any other, and the SAN names the configuration:
 * an exact SAN of that form expects the project that it names to be the source as well.
 */
const borrowed = (san: string, signer: Certified): Difference | undefined => {
  const project = projectOfSan(san, signer.issuer);
  return project === undefined || signer.claims["12"] === undefined
    ? undefined
    : projectDiffers(signer, signer.issuer, project);
};

/** Fulcio writes `https://` before GitLab's ci_config_ref_uri, whatever the instance's scheme. */
const httpsOf = (issuer: string): string => issuer.replace(/^https?:\/\//, "https://");

const gitlabDifference = (policy: GitLabIdentity, signer: Certified): Difference | undefined => {
  const file = policy.configPath ?? ".gitlab-ci.yml";
  const prefix = `${httpsOf(policy.issuer)}/${policy.project}//${file}`;
  return (
    differs("IDENTITY_ISSUER", "issuer", policy.issuer, signer.issuer) ??
    sanDiffers(prefix, signer) ??
    projectDiffers(signer, policy.issuer, policy.project) ??
    refDiffers(policy.ref, "ref of the configuration", refOfSan(signer.san, prefix)) ??
    refDiffers(policy.ref, "ref", signer.claims["14"]) ??
    claim(signer, "13", "commit", policy.sha) ??
    claim(signer, "15", "project id", policy.projectId) ??
    claim(signer, "17", "namespace id", policy.namespaceId) ??
    claim(signer, "23", "environment", policy.environment)
  );
};

const GITHUB_ISSUER = "https://token.actions.githubusercontent.com";

/** github.com has its issuer on another host; a GitHub server's issuer begins with its own. */
const githubServer = (issuer: string): string =>
  issuer === GITHUB_ISSUER ? "https://github.com" : issuer.split("/").slice(0, 3).join("/");

const githubDifference = (policy: GitHubIdentity, signer: Certified): Difference | undefined => {
  const server = githubServer(policy.issuer);
  const prefix = `${server}/${policy.repository}/.github/workflows/${policy.workflow}`;
  return (
    differs("IDENTITY_ISSUER", "issuer", policy.issuer, signer.issuer) ??
    sanDiffers(prefix, signer) ??
    projectDiffers(signer, githubServer(policy.issuer), policy.repository) ??
    refDiffers(policy.ref, "ref of the workflow", refOfSan(signer.san, prefix)) ??
    refDiffers(policy.ref, "ref", signer.claims["14"]) ??
    claim(signer, "13", "commit", policy.sha)
  );
};

const difference = (policy: IdentityPolicy, signer: Certified): Difference | undefined => {
  switch (policy.kind) {
    case "exact":
      return (
        differs("IDENTITY_ISSUER", "issuer", policy.issuer, signer.issuer) ??
        differs("IDENTITY_MISMATCH", "identity", policy.san, signer.san) ??
        borrowed(policy.san, signer)
      );
    case "email":
      return (
        differs("IDENTITY_ISSUER", "issuer", policy.issuer, signer.issuer) ??
        differs("IDENTITY_MISMATCH", "kind of identity", "email", signer.sanKind) ??
        differs("IDENTITY_MISMATCH", "e-mail", policy.email, signer.san)
      );
    case "gitlab":
      return gitlabDifference(policy, signer);
    case "github":
      return githubDifference(policy, signer);
    default:
      policy satisfies never;
      throw new TypeError("a kind of identity that does not exist");
  }
};

/** How far a comparison came, to report the expectation that was nearest. */
const NEARNESS: readonly Code[] = ["IDENTITY_ISSUER", "IDENTITY_MISMATCH", "IDENTITY_CLAIMS"];

const nearest = (differences: readonly Difference[]): Difference | undefined =>
  differences.toSorted((a, b) => NEARNESS.indexOf(b.code) - NEARNESS.indexOf(a.code))[0];

/**
 * Compares the certified identity with the expected ones: any of them must match, each in whole.
 * The issuer is part of every kind. Values are compared byte for byte; only refs may be globs.
 *
 * @returns `IDENTITY_MISSING` where nothing is expected, `IDENTITY_ISSUER`, `IDENTITY_MISMATCH`,
 * or `IDENTITY_CLAIMS`, for the expectation that came nearest
 */
export const checkIdentity = (
  anyOf: readonly IdentityPolicy[],
  signer: Certified,
): Finding<Certified> => {
  if (anyOf.length === 0) return refused("identity", "IDENTITY_MISSING", "no identity is expected");
  const differences: Difference[] = [];
  for (const policy of anyOf) {
    const found = difference(policy, signer);
    if (found === undefined) {
      const detail = `the signer is an expected one (${policy.kind})`;
      return passed("identity", signer, detail, {
        expected: describe(policy),
        actual: `${signer.san} by ${signer.issuer}`,
      });
    }
    differences.push(found);
  }
  const { code, what, expected, actual } = nearest(differences) as Difference;
  return refused("identity", code, `the ${what} is ${actual}, not ${expected}`, {
    expected,
    actual,
  });
};

/** Every field that was demanded, by its name. */
const describe = ({ kind: _, ...fields }: IdentityPolicy): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
