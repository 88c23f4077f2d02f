import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import { generateKey } from "../../src/crypto/keys.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { validateToken } from "../../src/services/ca-token.ts";
import { ISSUER_URL, localIssuer, NOW, rsaKey, SECRET } from "./local-ca.ts";

const gitlab = await localIssuer();

const get = async (path: string) => {
  const response = await gitlab.fetch(new Request(`${ISSUER_URL}${path}`));
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const mint = (body: unknown, authorization = `Bearer ${SECRET}`) =>
  gitlab.fetch(
    new Request(`${ISSUER_URL}/wheelseal/token`, {
      method: "POST",
      headers: { authorization },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );

const claimsOf = async (token: string) =>
  (
    await jwtVerify(token, createLocalJWKSet({ keys: [...gitlab.keySet.keys] }), {
      algorithms: ["RS256"],
      currentDate: new Date(NOW),
    })
  ).payload;

test("discovery leads to the keys", async () => {
  const discovery = await get("/.well-known/openid-configuration");
  assert.equal(discovery.body.issuer, ISSUER_URL);
  const path = String(discovery.body.jwks_uri).slice(ISSUER_URL.length);
  const keys = await get(path);
  assert.deepEqual(keys.body, { keys: gitlab.keySet.keys });
  assert.deepEqual((await get("/-/jwks")).body, keys.body);
});

test("no private member of a key is published", () => {
  for (const key of gitlab.keySet.keys) {
    assert.deepEqual(Object.keys(key).toSorted(), ["alg", "e", "kid", "kty", "n", "use"]);
  }
});

test("a token has GitLab's claims in GitLab's types", async () => {
  const claims = await claimsOf(
    await gitlab.mintToken({ projectPath: "a/b/c", environment: "pypi" }),
  );
  const seconds = Math.floor(NOW / 1000);
  const texts = [
    "iss sub aud jti namespace_id namespace_path project_id project_path job_project_id",
    "job_project_path job_namespace_id job_namespace_path user_id user_login user_email",
    "user_access_level pipeline_id pipeline_source job_id ref ref_type ref_path ref_protected",
    "environment environment_protected deployment_tier environment_action runner_environment",
    "sha ci_config_ref_uri ci_config_sha project_visibility job_source",
  ].flatMap((line) => line.split(" "));
  for (const name of texts) assert.equal(typeof claims[name], "string", name);
  for (const name of ["runner_id", "iat", "nbf", "exp"])
    assert.equal(typeof claims[name], "number");
  assert.equal(claims.nbf, seconds - 5);
  assert.equal(claims.exp, seconds + 3600);
  assert.equal(claims.namespace_path, "a/b");
  assert.equal(claims.sub, "project_path:a/b/c:ref_type:branch:ref:main");
  assert.equal(claims.ci_config_ref_uri, "127.0.0.1:4000/a/b/c//.gitlab-ci.yml@refs/heads/main");
  assert.match(
    String(claims.jti),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
});

test("the token endpoint mints what is asked for", async () => {
  const response = await mint({
    project_path: "acme/widgets",
    ref: "v1.0",
    ref_type: "tag",
    ref_protected: false,
    sha: "a".repeat(40),
    ci_config_path: "ci/release.yml",
    aud: "other",
    lifetime: 60,
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const claims = await claimsOf(((await response.json()) as { token: string }).token);
  assert.equal(claims.aud, "other");
  assert.equal(claims.exp, Math.floor(NOW / 1000) + 60);
  assert.equal(claims.ref_protected, "false");
  assert.equal(
    claims.ci_config_ref_uri,
    "127.0.0.1:4000/acme/widgets//ci/release.yml@refs/tags/v1.0",
  );
});

test("without the secret nobody mints", async () => {
  const body = { project_path: "acme/widgets" };
  for (const authorization of ["", "Bearer", "Bearer x", `Basic ${btoa(`:${SECRET}`)}`, SECRET]) {
    const response = await mint(body, authorization);
    assert.equal(response.status, 401);
    assert.ok(!(await response.text()).includes(SECRET));
  }
});

const REFUSED: readonly (readonly [string, unknown])[] = [
  ["no project", {}],
  ["a project without namespace", { project_path: "widgets" }],
  ["a project that climbs", { project_path: "acme/../widgets" }],
  ["a ref with a space", { project_path: "a/b", ref: "a b" }],
  ["another ref type", { project_path: "a/b", ref_type: "merge" }],
  ["a short sha", { project_path: "a/b", sha: "abc" }],
  ["an id that is a number", { project_path: "a/b", project_id: 1 }],
  ["a claim that is not offered", { project_path: "a/b", iss: "https://gitlab.com" }],
  ["a lifetime of two days", { project_path: "a/b", lifetime: 172_800 }],
  ["no lifetime at all", { project_path: "a/b", lifetime: 0 }],
  ["no JSON", "{"],
  ["a list", []],
  ["more than 16 KiB", { project_path: "a/b", ref: "x".repeat(17_000) }],
];

for (const [name, body] of REFUSED) {
  test(`no token for ${name}`, async () => {
    const response = await mint(body);
    assert.equal(response.status, 400);
    assert.equal(typeof ((await response.json()) as { error: unknown }).error, "string");
  });
}

test("after a rotation old tokens stay good and new ones have the new key", async () => {
  const old = await gitlab.mintToken({ projectPath: "a/b" });
  const rotated = await localIssuer([generateKey("rsa-pkcs1v15"), rsaKey]);
  const trusted = {
    url: ISSUER_URL,
    gitlabUrl: ISSUER_URL,
    audience: "sigstore",
    keySet: async () => ok(rotated.keySet),
  };
  assert.equal(rotated.keySet.keys.length, 2);
  unwrap(await validateToken(old, [trusted], NOW));
  const fresh = await rotated.mintToken({ projectPath: "a/b" });
  unwrap(await validateToken(fresh, [trusted], NOW));
  const before = { ...trusted, keySet: async () => ok(gitlab.keySet) };
  assert.equal((await validateToken(fresh, [before], NOW)).ok, false);
});
