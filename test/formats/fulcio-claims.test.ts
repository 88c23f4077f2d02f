import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUtf8, utf8 } from "../../src/formats/bytes.ts";
import { readDer, TAG } from "../../src/formats/der.ts";
import { gitlabIdentity, type TokenClaims } from "../../src/formats/fulcio-claims.ts";
import { unwrap } from "../../src/formats/result.ts";

// The example of GitLab's documentation of id_tokens, completed.
const CLAIMS: TokenClaims = {
  iss: "https://gitlab.com",
  sub: "project_path:acme/widgets:ref_type:branch:ref:main",
  namespace_id: "72",
  namespace_path: "acme",
  project_id: "20",
  project_path: "acme/widgets",
  pipeline_source: "push",
  job_id: "302",
  ref: "main",
  ref_type: "branch",
  runner_environment: "gitlab-hosted",
  sha: "a".repeat(40),
  project_visibility: "public",
  ci_config_ref_uri: "gitlab.com/acme/widgets//.gitlab-ci.yml@refs/heads/main",
  ci_config_sha: "b".repeat(40),
};

const SAN = "https://gitlab.com/acme/widgets//.gitlab-ci.yml@refs/heads/main";

/** N of 1.3.6.1.4.1.57264.1.N to text; N from 8 up must be DER UTF8Strings. */
const extensionsOf = (claims: TokenClaims, url = "https://gitlab.com"): Record<string, string> => {
  const { extensions } = unwrap(gitlabIdentity(claims, url));
  return Object.fromEntries(
    extensions.map(({ oid, critical, value }) => {
      assert.equal(critical, false);
      const number = oid.replace("1.3.6.1.4.1.57264.1.", "");
      if (Number(number) < 8) return [number, unwrap(fromUtf8(value))];
      const node = unwrap(readDer(value));
      assert.equal(node.tag, TAG.UTF8_STRING);
      return [number, unwrap(fromUtf8(node.content))];
    }),
  );
};

test("a GitLab job becomes the SAN and extensions of Fulcio's gitlab-pipeline", () => {
  assert.equal(unwrap(gitlabIdentity(CLAIMS, "https://gitlab.com")).subjectAlternativeName, SAN);
  assert.deepEqual(extensionsOf(CLAIMS), {
    1: "https://gitlab.com",
    8: "https://gitlab.com",
    9: SAN,
    10: "b".repeat(40),
    11: "gitlab-hosted",
    12: "https://gitlab.com/acme/widgets",
    13: "a".repeat(40),
    14: "refs/heads/main",
    15: "20",
    16: "https://gitlab.com/acme",
    17: "72",
    18: SAN,
    19: "b".repeat(40),
    20: "push",
    21: "https://gitlab.com/acme/widgets/-/jobs/302",
    22: "public",
    24: "project_path:acme/widgets:ref_type:branch:ref:main",
  });
});

test("tags, environments and self-managed URLs are told", () => {
  const tag = { ...CLAIMS, ref: "v1.0", ref_type: "tag", environment: "pypi" };
  const extensions = extensionsOf(tag, "https://gitlab.example");
  assert.equal(extensions[14], "refs/tags/v1.0");
  assert.equal(extensions[23], "pypi");
  assert.equal(extensions[12], "https://gitlab.example/acme/widgets");
});

const REFUSED: readonly (readonly [string, Record<string, unknown>])[] = [
  ...Object.keys(CLAIMS).map((name) => [`no ${name}`, { [name]: undefined }] as const),
  ["a project id that is a number", { project_id: 20 }],
  ["an empty sha", { sha: "" }],
  ["an unknown ref type", { ref_type: "merge" }],
  ["a control character", { ref: "ma\u0000in" }],
  ["a lone surrogate", { ref: "\ud800" }],
  ["2049 characters", { ref: "x".repeat(2049) }],
  ["white space in the SAN", { ci_config_ref_uri: "gitlab.com/acme/widgets//a b@main" }],
  ["a SAN outside ASCII", { ci_config_ref_uri: "gitlab.com/acme/wïdgets//a@main" }],
  ["a SAN without host", { ci_config_ref_uri: "//acme" }],
  ["an environment that is no text", { environment: 1 }],
];

for (const [name, change] of REFUSED) {
  test(`refused: ${name}`, () => {
    const result = gitlabIdentity({ ...CLAIMS, ...change }, "https://gitlab.com");
    assert.equal(result.ok ? "accepted" : result.error.code, "FULCIO_CLAIMS");
  });
}

test("text outside ASCII stays as it is in extensions", () => {
  assert.equal(extensionsOf({ ...CLAIMS, ref: "größe" })[14], "refs/heads/größe");
  assert.equal(utf8("größe").length, 7);
});
