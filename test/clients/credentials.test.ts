import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import {
  authHeaders,
  genericAuth,
  pypiAuth,
  secret,
  withoutSecret,
} from "../../src/clients/credentials.ts";
import { genericPackage, genericPackageUrl } from "../../src/clients/generic.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { fakeOutside } from "./fake-outside.ts";

const TOKEN = "planted-secret-token";
const API = "https://gitlab.test/api/v4";
const URL_BELOW = `${API}/projects/1/packages/pypi`;
const ci = { CI_API_V4_URL: API, CI_JOB_TOKEN: TOKEN };
const base64 = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("a secret prints nowhere", () => {
  const hidden = secret(TOKEN);
  for (const text of [`${hidden}`, JSON.stringify({ hidden }), inspect({ hidden }, { depth: 9 })]) {
    assert.ok(!text.includes(TOKEN), text);
    assert.ok(text.includes("[secret]"), text);
  }
  assert.equal(hidden.reveal(), TOKEN);
});

describe("which credentials go to which registry", () => {
  const cases: [string, typeof pypiAuth, Record<string, string>, string, Record<string, string>][] =
    [
      [
        "a job token to GitLab's index",
        pypiAuth,
        ci,
        URL_BELOW,
        {
          authorization: base64(`gitlab-ci-token:${TOKEN}`),
        },
      ],
      ["a job token to the generic registry", genericAuth, ci, URL_BELOW, { "JOB-TOKEN": TOKEN }],
      ["never to another index", pypiAuth, ci, "https://upload.test/legacy/", {}],
      ["never to a host that begins alike", pypiAuth, ci, "https://gitlab.test.evil/api/v4/x", {}],
      ["never to another port", genericAuth, ci, "https://gitlab.test:8443/api/v4/x", {}],
      ["never to a path that begins alike", genericAuth, ci, `${API}evil/x`, {}],
      ["never where no API is named", pypiAuth, { CI_JOB_TOKEN: TOKEN }, URL_BELOW, {}],
      [
        "twine's variables to any index",
        pypiAuth,
        { ...ci, TWINE_USERNAME: "u", TWINE_PASSWORD: "p" },
        "https://upload.test/",
        { authorization: base64("u:p") },
      ],
      [
        "an API token to any index",
        pypiAuth,
        { UV_PUBLISH_TOKEN: "t" },
        "https://upload.test/",
        { authorization: base64("__token__:t") },
      ],
      [
        "a personal token to GitLab",
        genericAuth,
        { CI_API_V4_URL: API, GITLAB_TOKEN: "g" },
        URL_BELOW,
        { "PRIVATE-TOKEN": "g" },
      ],
      ["empty variables are none", pypiAuth, { ...ci, CI_JOB_TOKEN: "" }, URL_BELOW, {}],
    ];
  for (const [name, choose, variables, url, headers] of cases) {
    test(name, () => assert.deepEqual(authHeaders(choose(variables, url)), headers));
  }
});

test("credentials that a server sends back are masked", () => {
  const auth = pypiAuth(ci, URL_BELOW);
  const echoed = `you sent ${authHeaders(auth).authorization}, that is ${TOKEN}`;
  assert.ok(!withoutSecret(echoed, auth).includes(TOKEN));
  assert.ok(!withoutSecret(echoed, auth).includes(base64(`gitlab-ci-token:${TOKEN}`).slice(6)));
});

describe("generic packages", () => {
  const auth = genericAuth(ci, URL_BELOW);
  const url = unwrap(genericPackageUrl(`${API}/projects/1/packages/generic/`, "greeter", "1.0+a"));
  const names: [string, string][] = [
    ["a/b", "1"],
    ["..", "1"],
    ["", "1"],
    ["a", "1!2"],
    ["a", ".."],
    ["a", "1/2"],
    ["a?b", "1"],
  ];
  for (const [name, version] of names) {
    test(`${name} ${version} has no address`, () => {
      assert.ok(!genericPackageUrl(API, name, version).ok);
    });
  }

  test("put and get by GitLab's address", async () => {
    const { outside, calls } = fakeOutside(new Response("{}", { status: 201 }), new Response("x"));
    const registry = genericPackage(outside, { url, auth });
    unwrap(await registry.put("a.sig", new Uint8Array([1, 2])));
    assert.equal(new TextDecoder().decode(unwrap(await registry.get("a.sig", 10))), "x");
    assert.equal(calls[0]?.url, `${API}/projects/1/packages/generic/greeter/1.0%2Ba/a.sig`);
    assert.deepEqual([...(calls[0]?.body ?? [])], [1, 2]);
    assert.equal(calls[0]?.headers.get("job-token"), TOKEN);
  });

  for (const filename of ["../a", "a/b", "~a", "..", "a b", "a?x", "a#x", ""]) {
    test(`${JSON.stringify(filename)} is never asked for`, async () => {
      const { outside, calls } = fakeOutside(new Response("x"));
      const got = await genericPackage(outside, { url, auth }).get(filename, 10);
      assert.equal(got.ok ? "ok" : got.error.code, "CONFIG");
      assert.equal(calls.length, 0);
    });
  }

  const statuses: [number, Code][] = [
    [400, "UPLOAD_REFUSED"],
    [401, "REGISTRY_AUTH"],
    [403, "REGISTRY_FORBIDDEN"],
    [404, "REGISTRY_NOT_FOUND"],
    [503, "NETWORK_UNREACHABLE"],
  ];
  for (const [status, code] of statuses) {
    test(`a put answered with ${status}`, async () => {
      const { outside } = fakeOutside(new Response(`no: ${TOKEN}`, { status }));
      const put = await genericPackage(outside, { url, auth }).put("a", new Uint8Array());
      assert.equal(put.ok ? "ok" : put.error.code, code);
      assert.ok(!JSON.stringify(put).includes(TOKEN));
    });
  }

  test("what is absent is undefined, what is too large a failure", async () => {
    const { outside } = fakeOutside(new Response("", { status: 404 }), new Response("xxxxx"));
    const registry = genericPackage(outside, { url, auth });
    assert.equal(unwrap(await registry.get("a", 1)), undefined);
    const large = await registry.get("a", 1);
    assert.equal(large.ok ? "ok" : large.error.code, "FORMAT_SIZE");
  });
});
