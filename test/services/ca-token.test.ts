import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { generateKey } from "../../src/crypto/keys.ts";
import { systemRandom } from "../../src/crypto/random.ts";
import { base64url, fromBase64url, fromUtf8, utf8 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { type TrustedIssuer, validateToken } from "../../src/services/ca-token.ts";
import { issuer } from "../../src/services/issuer.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const SECONDS = NOW / 1000;
const URL_ = "http://127.0.0.1:4000";

const key = generateKey("rsa-pkcs1v15");
const otherKey = generateKey("rsa-pkcs1v15");
const gitlab = await issuer({
  url: URL_,
  keys: [key],
  secret: "s",
  now: () => NOW,
  random: systemRandom,
});
const kid = gitlab.keySet.keys[0]!.kid!;
const trusted: TrustedIssuer = {
  url: URL_,
  audience: "sigstore",
  gitlabUrl: URL_,
  keySet: async () => ok(gitlab.keySet),
};

const good = await gitlab.mintToken({ projectPath: "acme/widgets" });
const claims: JWTPayload = JSON.parse(unwrap(fromUtf8(unwrap(fromBase64url(good.split(".")[1]!)))));

const signed = (
  changed: Record<string, unknown>,
  header: Record<string, unknown> = {},
  by = key,
): Promise<string> =>
  new SignJWT({ ...claims, ...changed } as JWTPayload)
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid, ...header })
    .sign(by.handle);

const codeOf = async (
  token: string,
  issuers = [trusted],
  now = NOW,
): Promise<Code | "accepted"> => {
  const result = await validateToken(token, issuers, now);
  if (!result.ok && token !== "")
    assert.ok(!result.error.message.includes(token.slice(-40)), "a token in a message");
  return result.ok ? "accepted" : result.error.code;
};

const withoutClaim = (name: string): Promise<string> => signed({ [name]: undefined });

const json = (value: unknown): string => base64url(utf8(JSON.stringify(value)));

const hmacWithPublicKey = async (): Promise<string> => {
  const secret = utf8(JSON.stringify(await exportJWK(key.publicKey.handle)));
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", kid })
    .sign(new Uint8Array([...secret]));
};

test("the issuer's own token is accepted", async () => {
  const valid = unwrap(await validateToken(good, [trusted], NOW));
  assert.equal(valid.subject, "project_path:acme/widgets:ref_type:branch:ref:main");
  assert.equal(valid.issuer, trusted);
  assert.equal(valid.claims.runner_id, 1);
  assert.equal(valid.claims.ref_protected, "true");
});

const CASES: readonly (readonly [string, () => Promise<string> | string, Code])[] = [
  ["alg none", () => new UnsecuredJWT(claims).encode(), "TOKEN_FORMAT"],
  [
    "alg none with the signature kept",
    () => [json({ alg: "none", kid }), ...good.split(".").slice(1)].join("."),
    "TOKEN_FORMAT",
  ],
  ["HS256 with the public key as secret", hmacWithPublicKey, "TOKEN_FORMAT"],
  ["RS384", () => signed({}, { alg: "RS384" }), "TOKEN_FORMAT"],
  ["PS256", () => signed({}, { alg: "PS256" }), "TOKEN_FORMAT"],
  ["another key under the right kid", () => signed({}, {}, otherKey), "TOKEN_REFUSED"],
  ["an unknown kid", () => signed({}, { kid: "other" }), "TOKEN_REFUSED"],
  ["no kid", () => signed({}, { kid: undefined }), "TOKEN_FORMAT"],
  [
    "critical extensions",
    () => [json({ alg: "RS256", kid, crit: ["b64"] }), ...good.split(".").slice(1)].join("."),
    "TOKEN_FORMAT",
  ],
  ["another audience", () => signed({ aud: "https://gitlab.com" }), "TOKEN_AUDIENCE"],
  ["no audience", () => withoutClaim("aud"), "TOKEN_AUDIENCE"],
  ["an audience that begins like it", () => signed({ aud: "sigstore2" }), "TOKEN_AUDIENCE"],
  ["another issuer", () => signed({ iss: "https://gitlab.com" }), "TOKEN_REFUSED"],
  ["the issuer with a slash", () => signed({ iss: `${URL_}/` }), "TOKEN_REFUSED"],
  ["the issuer as a list", () => signed({ iss: [URL_] }), "TOKEN_FORMAT"],
  ["no issuer", () => withoutClaim("iss"), "TOKEN_FORMAT"],
  ["no subject", () => withoutClaim("sub"), "TOKEN_FORMAT"],
  ["expired", () => signed({ exp: SECONDS - 6 }), "TOKEN_EXPIRED"],
  ["no expiry", () => withoutClaim("exp"), "TOKEN_REFUSED"],
  ["an expiry that is text", () => signed({ exp: String(SECONDS + 60) }), "TOKEN_REFUSED"],
  ["not yet valid", () => signed({ nbf: SECONDS + 6 }), "TOKEN_REFUSED"],
  ["issued in the future", () => signed({ iat: SECONDS + 6 }), "TOKEN_REFUSED"],
  ["no issue time", () => withoutClaim("iat"), "TOKEN_REFUSED"],
  ["more than 16 KiB", () => signed({ padding: "x".repeat(16 * 1024) }), "TOKEN_FORMAT"],
  ["a signature of 16 KiB", () => good + "A".repeat(16 * 1024), "TOKEN_FORMAT"],
  ["two parts", () => good.split(".").slice(0, 2).join("."), "TOKEN_FORMAT"],
  ["five parts", () => `${good}.a.b`, "TOKEN_FORMAT"],
  ["empty", () => "", "TOKEN_FORMAT"],
  ["claims that are a list", () => good.replace(/\.[^.]+\./, `.${json([1])}.`), "TOKEN_FORMAT"],
  [
    "two values of one claim",
    () => {
      const twice = JSON.stringify(claims).replace("{", '{"sub":"someone else",');
      return good.replace(/\.[^.]+\./, `.${base64url(utf8(twice))}.`);
    },
    "TOKEN_FORMAT",
  ],
  [
    "changed claims under the old signature",
    () => good.replace(/\.[^.]+\./, `.${json({ ...claims, project_path: "evil/widgets" })}.`),
    "TOKEN_REFUSED",
  ],
  ["a cut signature", () => good.slice(0, -4), "TOKEN_REFUSED"],
  ["no signature", () => good.replace(/[^.]+$/, ""), "TOKEN_REFUSED"],
];

for (const [name, make, code] of CASES) {
  test(`refused: ${name}`, async () => assert.equal(await codeOf(await make()), code));
}

test("times have a leeway of five seconds and no more", async () => {
  assert.equal(await codeOf(await signed({ exp: SECONDS - 4 })), "accepted");
  assert.equal(await codeOf(await signed({ nbf: SECONDS + 5, iat: SECONDS + 5 })), "accepted");
});

test("an audience list that holds ours is accepted", async () => {
  assert.equal(await codeOf(await signed({ aud: ["x", "sigstore"] })), "accepted");
});

test("a key set that names one kid twice, or another use, has no key", async () => {
  const jwk = gitlab.keySet.keys[0]!;
  const sets = [
    [],
    [jwk, jwk],
    [{ ...jwk, use: "enc" }],
    [{ ...jwk, alg: "RS512" }],
    [{ ...jwk, kty: "oct" }],
  ];
  for (const keys of sets) {
    const issuers = [{ ...trusted, keySet: async () => ok({ keys }) }];
    assert.equal(await codeOf(good, issuers), "TOKEN_REFUSED");
  }
});

test("a token of one issuer is not accepted for another with other keys", async () => {
  const other = { ...trusted, url: "http://127.0.0.1:5000" };
  assert.equal(await codeOf(good, [other]), "TOKEN_REFUSED");
});
