import assert from "node:assert/strict";
import { test } from "node:test";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { discoveredKeySet } from "../../src/services/ca-discovery.ts";
import { validateToken } from "../../src/services/ca-token.ts";
import { ISSUER_URL, localIssuer, NOW } from "./local-ca.ts";

const gitlab = await localIssuer();

type Answers = Readonly<Record<string, () => Response>>;

/** A web where every host serves the issuer's pages, except for `answers`. */
const web = (answers: Answers) => {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    asked.push(url);
    const response = answers[url]?.() ?? (await gitlab.fetch(new Request(url)));
    const location = response.headers.get("location");
    if (location === null) return response;
    if (init?.redirect === "error") throw new TypeError("redirect");
    return fetch(location, init);
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
};

const DISCOVERY = `${ISSUER_URL}/.well-known/openid-configuration`;
const KEYS = `${ISSUER_URL}/oauth/discovery/keys`;

test("keys come through discovery, and are believed for five minutes", async () => {
  const { asked, fetch } = web({});
  let now = NOW;
  const keySet = discoveredKeySet(ISSUER_URL, { fetch, now: () => now });
  const trusted = { url: ISSUER_URL, gitlabUrl: ISSUER_URL, audience: "sigstore", keySet };
  const token = await gitlab.mintToken({ projectPath: "acme/widgets" });
  for (let turn = 0; turn < 3; turn += 1) unwrap(await validateToken(token, [trusted], NOW));
  assert.deepEqual(asked, [DISCOVERY, KEYS]);
  now += 5 * 60_000;
  unwrap(await keySet());
  assert.equal(asked.length, 4);
});

const json = (value: unknown) => () => Response.json(value);
const document = (changed: object) => json({ issuer: ISSUER_URL, jwks_uri: KEYS, ...changed });

const REFUSED: readonly (readonly [string, Answers, Code])[] = [
  [
    "a redirect of discovery",
    { [DISCOVERY]: () => Response.redirect(DISCOVERY.replace("4000", "4001")) },
    "TOKEN_REFUSED",
  ],
  [
    "a redirect of the keys",
    { [KEYS]: () => Response.redirect(KEYS.replace("4000", "4001")) },
    "TOKEN_REFUSED",
  ],
  ["another issuer", { [DISCOVERY]: document({ issuer: `${ISSUER_URL}/` }) }, "TOKEN_REFUSED"],
  [
    "keys of another origin",
    { [DISCOVERY]: document({ jwks_uri: KEYS.replace("4000", "4001") }) },
    "TOKEN_REFUSED",
  ],
  [
    "keys of a file",
    { [DISCOVERY]: document({ jwks_uri: "file:///etc/passwd" }) },
    "TOKEN_REFUSED",
  ],
  ["no keys URL", { [DISCOVERY]: document({ jwks_uri: undefined }) }, "TOKEN_REFUSED"],
  ["status 404", { [DISCOVERY]: () => new Response("{}", { status: 404 }) }, "TOKEN_REFUSED"],
  ["a document of 65 KiB", { [KEYS]: () => new Response(" ".repeat(65 * 1024)) }, "TOKEN_REFUSED"],
  ["33 keys", { [KEYS]: json({ keys: Array(33).fill({ kty: "RSA" }) }) }, "TOKEN_REFUSED"],
  ["a key whose kid is a number", { [KEYS]: json({ keys: [{ kid: 1 }] }) }, "TOKEN_REFUSED"],
  ["no JSON", { [KEYS]: () => new Response("<html>") }, "FORMAT_JSON"],
  [
    "no answer",
    {
      [DISCOVERY]: () => {
        throw new TypeError("network");
      },
    },
    "TOKEN_REFUSED",
  ],
];

for (const [name, answers, code] of REFUSED) {
  test(`refused: ${name}`, async () => {
    const keySet = discoveredKeySet(ISSUER_URL, { fetch: web(answers).fetch, now: () => NOW });
    const result = await keySet();
    assert.equal(result.ok ? "keys" : result.error.code, code);
  });
}

test("private members of a served key are dropped", async () => {
  const key = { ...gitlab.keySet.keys[0], d: "AAAA", k: "AAAA" };
  const { fetch } = web({ [KEYS]: json({ keys: [key] }) });
  const keySet = discoveredKeySet(ISSUER_URL, { fetch, now: () => NOW });
  assert.deepEqual(unwrap(await keySet()).keys, gitlab.keySet.keys);
});
