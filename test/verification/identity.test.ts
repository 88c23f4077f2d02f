import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Code } from "../../src/formats/errors.ts";
import { matchesGlob } from "../../src/verification/glob.ts";
import { checkIdentity } from "../../src/verification/identity.ts";
import type {
  GitHubIdentity,
  GitLabIdentity,
  IdentityPolicy,
  Signer,
} from "../../src/verification/verdict.ts";
import { CLAIMS, ISSUER, SAN, SHA } from "./forge.ts";

type Certified = Extract<Signer, { kind: "certificate" }>;

const gitlab: Certified = {
  kind: "certificate",
  san: SAN,
  sanKind: "uri",
  issuer: ISSUER,
  claims: CLAIMS as unknown as Record<string, string>,
};

const GITHUB = "https://token.actions.githubusercontent.com";
const WORKFLOW = "https://github.com/acme/widgets/.github/workflows/release.yml@refs/tags/v1";
const github: Certified = {
  kind: "certificate",
  san: WORKFLOW,
  sanKind: "uri",
  issuer: GITHUB,
  claims: { "8": GITHUB, "12": "https://github.com/acme/widgets", "13": SHA, "14": "refs/tags/v1" },
};
const person: Certified = {
  kind: "certificate",
  san: "a@acme.example",
  sanKind: "email",
  issuer: "https://accounts.example",
  claims: {},
};

const project = (changes: Partial<GitLabIdentity> = {}): GitLabIdentity => ({
  kind: "gitlab",
  issuer: ISSUER,
  project: "acme/widgets",
  ...changes,
});
const repository = (changes: Partial<GitHubIdentity> = {}): GitHubIdentity => ({
  kind: "github",
  issuer: GITHUB,
  repository: "acme/widgets",
  workflow: "release.yml",
  ...changes,
});
const exact = (san: string, issuer = ISSUER): IdentityPolicy => ({ kind: "exact", san, issuer });
const email = (address: string, issuer = "https://accounts.example"): IdentityPolicy => ({
  kind: "email",
  email: address,
  issuer,
});

const ghes: Certified = {
  ...github,
  issuer: "https://git.corp.example/_services/token",
  san: WORKFLOW.replace("github.com", "git.corp.example"),
  claims: { ...github.claims, "12": "https://git.corp.example/acme/widgets" },
};

const MATCHING: readonly [string, Certified, IdentityPolicy][] = [
  ["the exact name", gitlab, exact(SAN)],
  ["the project", gitlab, project()],
  [
    "every field of a project",
    gitlab,
    project({
      configPath: ".gitlab-ci.yml",
      ref: "refs/tags/v1.2.0",
      environment: "release",
      projectId: "20",
      namespaceId: "72",
      sha: SHA,
    }),
  ],
  ["a ref by pattern", gitlab, project({ ref: "refs/tags/v*" })],
  [
    "an instance without TLS",
    { ...gitlab, issuer: "http://gitlab.example" },
    project({ issuer: "http://gitlab.example" }),
  ],
  ["a repository", github, repository()],
  ["every field of a repository", github, repository({ ref: "refs/tags/v*", sha: SHA })],
  ["a repository of another server", ghes, repository({ issuer: ghes.issuer })],
  [
    "an issuer that is no URL",
    { ...gitlab, issuer: "x", san: SAN.replace(ISSUER, "x") },
    project({ issuer: "x" }),
  ],
  ["an e-mail", person, email("a@acme.example")],
];

const without = (number: string): Certified => {
  const { [number]: _, ...claims } = gitlab.claims;
  return { ...gitlab, claims };
};

const claiming = (number: string, value: string): Certified => ({
  ...gitlab,
  claims: { ...gitlab.claims, [number]: value },
});

const REFUSED: readonly [string, Certified, IdentityPolicy, Code][] = [
  ["35 a prefix of the name", gitlab, exact(SAN.slice(0, -1)), "IDENTITY_MISMATCH"],
  ["35 a name that only begins alike", gitlab, exact(`${SAN}0`), "IDENTITY_MISMATCH"],
  ["35 a pattern instead of a name", gitlab, exact(".*"), "IDENTITY_MISMATCH"],
  ["35 another case", gitlab, exact(SAN.toUpperCase()), "IDENTITY_MISMATCH"],
  ["36 a slash behind the issuer", gitlab, exact(SAN, `${ISSUER}/`), "IDENTITY_ISSUER"],
  ["36 another issuer", gitlab, exact(SAN, GITHUB), "IDENTITY_ISSUER"],
  [
    "the project of another issuer",
    gitlab,
    project({ issuer: "https://gitlab.com" }),
    "IDENTITY_ISSUER",
  ],
  [
    "a project in a group of the same name",
    gitlab,
    project({ project: "widgets" }),
    "IDENTITY_MISMATCH",
  ],
  [
    "a project whose path is longer",
    gitlab,
    project({ project: "acme/widgets/more" }),
    "IDENTITY_MISMATCH",
  ],
  ["a project of another case", gitlab, project({ project: "Acme/widgets" }), "IDENTITY_MISMATCH"],
  ["another configuration", gitlab, project({ configPath: "ci.yml" }), "IDENTITY_MISMATCH"],
  [
    "37 a branch where a tag is expected",
    { ...gitlab, san: SAN.replace("tags/v1.2.0", "heads/main") },
    project({ ref: "refs/tags/v*" }),
    "IDENTITY_CLAIMS",
  ],
  [
    "37 a source ref that differs from the configuration's",
    claiming("14", "refs/heads/main"),
    project({ ref: "refs/tags/v*" }),
    "IDENTITY_CLAIMS",
  ],
  ["37 no source ref", without("14"), project({ ref: "refs/tags/v*" }), "IDENTITY_CLAIMS"],
  [
    "37 a project of the same path and another id",
    claiming("15", "21"),
    project({ projectId: "20" }),
    "IDENTITY_CLAIMS",
  ],
  ["another namespace id", gitlab, project({ namespaceId: "1" }), "IDENTITY_CLAIMS"],
  ["another environment", gitlab, project({ environment: "test" }), "IDENTITY_CLAIMS"],
  ["no environment", without("23"), project({ environment: "release" }), "IDENTITY_CLAIMS"],
  ["another commit", gitlab, project({ sha: SHA.replace("0", "f") }), "IDENTITY_CLAIMS"],
  [
    "the configuration of one project, run by another",
    claiming("12", "https://gitlab.example/evil/widgets"),
    project(),
    "IDENTITY_MISMATCH",
  ],
  ["no source project", without("12"), project(), "IDENTITY_MISMATCH"],
  ["another repository", github, repository({ repository: "acme/widget" }), "IDENTITY_MISMATCH"],
  [
    "a reusable workflow, run by another repository",
    { ...github, claims: { ...github.claims, "12": "https://github.com/evil/widgets" } },
    repository(),
    "IDENTITY_MISMATCH",
  ],
  ["another workflow", github, repository({ workflow: "test.yml" }), "IDENTITY_MISMATCH"],
  ["another branch", github, repository({ ref: "refs/heads/*" }), "IDENTITY_CLAIMS"],
  ["another commit of a repository", github, repository({ sha: "0" }), "IDENTITY_CLAIMS"],
  ["a repository of another issuer", github, repository({ issuer: ISSUER }), "IDENTITY_ISSUER"],
  ["another e-mail", person, email("b@acme.example"), "IDENTITY_MISMATCH"],
  ["an e-mail by another issuer", person, email("a@acme.example", ISSUER), "IDENTITY_ISSUER"],
  [
    "a URI that reads like the e-mail",
    { ...person, sanKind: "uri" },
    email("a@acme.example"),
    "IDENTITY_MISMATCH",
  ],
];

describe("identity", () => {
  for (const [name, signer, policy] of MATCHING) {
    it(`accepts ${name}`, () => {
      const { check, result } = checkIdentity([policy], signer);
      assert.ok(result.ok);
      assert.equal(check.status, "passed");
      assert.ok(check.expected && check.actual);
    });
  }

  for (const [name, signer, policy, code] of REFUSED) {
    it(`refuses ${name}`, () => {
      const { check, result } = checkIdentity([policy], signer);
      assert.ok(!result.ok);
      assert.equal(result.error.code, code, result.error.message);
      assert.ok(check.expected && check.actual);
    });
  }

  it("refuses everybody where nobody is expected", () => {
    const { result } = checkIdentity([], gitlab);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "IDENTITY_MISSING");
  });

  it("refuses a kind of expectation that does not exist", () => {
    const policy = { kind: "regexp", san: ".*" } as never;
    assert.throws(() => checkIdentity([policy], gitlab), TypeError);
  });

  it("accepts any one of several, and tells the nearest that failed", () => {
    assert.ok(checkIdentity([exact("x"), project()], gitlab).result.ok);
    const { result } = checkIdentity([project({ ref: "refs/heads/*" }), exact("x", "y")], gitlab);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "IDENTITY_CLAIMS");
  });
});

describe("globs over refs", () => {
  const TABLE: readonly [pattern: string, text: string, matches: boolean][] = [
    ["refs/tags/v*", "refs/tags/v1.2", true],
    ["refs/tags/v*", "refs/tags/v", true],
    ["refs/tags/v*", "refs/tags/w1", false],
    ["refs/tags/v*", "refs/tags/v1/x", false],
    ["refs/tags/*", "refs/heads/main", false],
    ["*", "refs/tags/v1", false],
    ["refs/*/v1", "refs/tags/v1", true],
    ["a*b*c", "aXbYbZc", true],
    ["a*b*c", "aXbYbZd", false],
    ["a**c", "abc", true],
    ["abc", "abcd", false],
    ["abc", "ab", false],
    ["refs/tags/v.", "refs/tags/v1", false],
    ["", "", true],
    ["*", "", true],
    ["[v]*", "v1", false],
  ];
  for (const [pattern, text, matches] of TABLE) {
    it(`${pattern} ${matches ? "matches" : "does not match"} ${text}`, () => {
      assert.equal(matchesGlob(pattern, text), matches);
    });
  }

  it("takes no time over hostile patterns, and none too long", () => {
    const start = process.hrtime.bigint();
    assert.equal(matchesGlob("a*".repeat(500), `${"a".repeat(1000)}b`), true);
    assert.equal(matchesGlob(`${"a*".repeat(500)}c`, `${"a".repeat(1000)}b`), false);
    assert.ok(process.hrtime.bigint() - start < 1_000_000_000n);
    assert.equal(matchesGlob("*".repeat(1025), "a"), false);
    assert.equal(matchesGlob("*", "a".repeat(1025)), false);
  });
});

describe("instances below a path, and issuers that are no address", () => {
  const ROOT = "https://code.example/gitlab";
  const below = (path: string): Certified => ({
    ...gitlab,
    san: `https://code.example${path}//.gitlab-ci.yml@refs/heads/main`,
    issuer: ROOT,
    claims: { ...gitlab.claims, "12": `https://code.example${path}` },
  });
  const codeOf = (policy: IdentityPolicy, signer: Certified) => {
    const { result } = checkIdentity([policy], signer);
    return result.ok ? "ok" : result.error.code;
  };

  it("an exact identity below the instance's path names its project", () => {
    const signer = below("/gitlab/acme/widgets");
    assert.equal(codeOf(exact(signer.san, ROOT), signer), "ok");
  });
  it("an exact identity outside of the instance's path is compared as it stands", () => {
    const signer = below("/acme/widgets");
    assert.equal(codeOf(exact(signer.san, ROOT), signer), "ok");
    assert.equal(codeOf(exact(`${signer.san}x`, ROOT), signer), "IDENTITY_MISMATCH");
  });
  it("an issuer that is no web address is compared as it stands, and vouches for no project", () => {
    const signer = { ...gitlab, issuer: "gitlab" };
    assert.notEqual(codeOf(project({ issuer: "gitlab" }), signer), "ok");
    assert.equal(codeOf(exact(SAN, "gitlab"), signer), "ok");
  });
});
