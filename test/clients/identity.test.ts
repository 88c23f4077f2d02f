import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { secret } from "../../src/clients/credentials.ts";
import {
  identityFromLocalStack,
  identityFromVariables,
  readIdToken,
} from "../../src/clients/identity.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { fakeOutside, jsonAnswer } from "./fake-outside.ts";

const NOW = 1_700_000_000;
const demand = { audience: "sigstore", now: () => NOW * 1000 };

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

const token = (changes: Record<string, unknown> = {}) =>
  `${part({ alg: "RS256" })}.${part({
    iss: "https://gitlab.example",
    sub: "project_path:acme/widgets",
    aud: "sigstore",
    exp: NOW + 300,
    runner_id: 12,
    ci_config_ref_uri: "gitlab.example/acme/widgets//.gitlab-ci.yml@refs/heads/main",
    ...changes,
  })}.c2lnbmF0dXJl`;

const codeOf = (result: Result<unknown>) => (result.ok ? "ok" : result.error.code);

test("a GitLab token is taken apart, and prints as a secret", () => {
  const read = unwrap(readIdToken(token(), demand));
  assert.equal(read.principal, "project_path:acme/widgets");
  assert.equal(read.san, "https://gitlab.example/acme/widgets//.gitlab-ci.yml@refs/heads/main");
  assert.equal(read.runnerId, "12");
  assert.equal(read.token.reveal(), token());
  assert.doesNotMatch(JSON.stringify(read) + inspect(read) + String(read.token), /eyJ/);
});

test("a verified e-mail address is the principal, an unverified one is not", () => {
  const email = { email: "a@b.example", ci_config_ref_uri: undefined };
  const verified = unwrap(readIdToken(token({ ...email, email_verified: true }), demand));
  assert.deepEqual([verified.principal, verified.san], ["a@b.example", "a@b.example"]);
  const other = unwrap(readIdToken(token({ ...email, email_verified: false }), demand));
  assert.deepEqual([other.principal, other.san], ["project_path:acme/widgets", undefined]);
});

const cases: [string, string, string][] = [
  ["one audience of several", token({ aud: ["x", "sigstore"] }), "ok"],
  ["another audience", token({ aud: ["x"] }), "TOKEN_AUDIENCE"],
  ["expired", token({ exp: NOW - 1 }), "TOKEN_EXPIRED"],
  ["about to expire", token({ exp: NOW + 4 }), "TOKEN_EXPIRED"],
  ["just long enough", token({ exp: NOW + 5 }), "ok"],
  ["not good yet", token({ nbf: NOW + 61 }), "TOKEN_EXPIRED"],
  ["a minute of skew", token({ nbf: NOW + 60 }), "ok"],
  ["no exp", token({ exp: undefined }), "TOKEN_FORMAT"],
  ["no JWT", "eyJPLANTED", "TOKEN_FORMAT"],
];

for (const [what, text, code] of cases) {
  test(`${what}: ${code}`, () => {
    const result = readIdToken(text, demand);
    assert.equal(codeOf(result), code);
    assert.doesNotMatch(JSON.stringify(result), /eyJ|PLANTED/);
  });
}

test("the first variable that is set is taken", async () => {
  const variables = { A: "", B: `${token()}\n`, C: "x" };
  const source = (names: string[]) => identityFromVariables(variables, names, demand).token();
  assert.equal(unwrap(await source(["A", "B", "C"])).token.reveal(), token());
  assert.equal(codeOf(await source(["C", "B"])), "TOKEN_FORMAT");
  assert.equal(codeOf(await source(["A", "D"])), "TOKEN_MISSING");
});

test("the local issuer is asked with its secret, for the job and the audience", async () => {
  const { outside, calls } = fakeOutside(jsonAnswer({ token: token() }));
  const issuer = {
    url: "http://127.0.0.1:1/",
    secret: secret("SECRET"),
    job: { project_path: "local/packages" },
  };
  unwrap(await identityFromLocalStack(issuer, demand, outside).token());
  assert.equal(calls[0]!.url, "http://127.0.0.1:1/wheelseal/token");
  assert.equal(calls[0]!.headers.get("authorization"), "Bearer SECRET");
  assert.deepEqual(JSON.parse(Buffer.from(calls[0]!.body).toString()), {
    project_path: "local/packages",
    aud: "sigstore",
  });
  const refused = fakeOutside(jsonAnswer({ error: "unauthorized" }, 401)).outside;
  const result = await identityFromLocalStack(issuer, demand, refused).token();
  assert.equal(codeOf(result), "TOKEN_MISSING");
  assert.doesNotMatch(JSON.stringify(result), /SECRET/);
});
