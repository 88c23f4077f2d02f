import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { base64url, utf8 } from "../../src/formats/bytes.ts";
import { parseJwt, textClaim, tokenClaims } from "../../src/formats/jwt.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";

/** The token of RFC 7515 appendix A.1. */
const RFC_TOKEN =
  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" +
  ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ" +
  ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

test("the token of RFC 7515 is taken apart", () => {
  const jwt = unwrap(parseJwt(RFC_TOKEN));
  assert.deepEqual(jwt.header, { typ: "JWT", alg: "HS256" });
  assert.equal(jwt.payload.iss, "joe");
  assert.equal(jwt.signature.length, 32);
  const signed = RFC_TOKEN.slice(0, RFC_TOKEN.lastIndexOf("."));
  assert.equal(Buffer.from(jwt.signingInput).toString(), signed);
});

const part = (value: unknown): string =>
  base64url(utf8(typeof value === "string" ? value : JSON.stringify(value)));
const token = (payload: unknown, header: unknown = { alg: "RS256" }): string =>
  `${part(header)}.${part(payload)}.c2ln`;

const CLAIMS = { iss: "https://gitlab.example", sub: "project:1", aud: "sigstore", exp: 1000.5 };
const claimsOf = (payload: unknown) => tokenClaims(unwrap(parseJwt(token(payload))));

test("claims: one audience or several, times rounded down", () => {
  assert.deepEqual(unwrap(claimsOf({ ...CLAIMS, nbf: 5 })), {
    issuer: "https://gitlab.example",
    subject: "project:1",
    audiences: ["sigstore"],
    expiresAt: 1000,
    notBefore: 5,
    issuedAt: undefined,
  });
  assert.deepEqual(unwrap(claimsOf({ ...CLAIMS, aud: ["a", "b"] })).audiences, ["a", "b"]);
  const jwt = unwrap(parseJwt(token({ ...CLAIMS, ref: "main", pipeline: 7 })));
  assert.equal(unwrap(textClaim(jwt, "ref")), "main");
  assert.ok(!textClaim(jwt, "pipeline").ok);
  assert.ok(!textClaim(jwt, "toString").ok);
});

const SECRET = "c2VjcmV0c2VjcmV0";
const BAD_TOKENS: Record<string, string> = {
  nothing: "",
  "two parts": `${part({})}.${SECRET}`,
  "four parts": `${token(CLAIMS)}.${SECRET}`,
  padding: `${part({})}=.${part({})}.${SECRET}`,
  "a space": ` ${token(CLAIMS)}`,
  "a header that is no JSON": `${SECRET}.${part({})}.${SECRET}`,
  "a payload that is no JSON": `${part({})}.${SECRET}.${SECRET}`,
  "a header that is no object": token(CLAIMS, ["secretsecret"]),
  "a payload that is no object": token('"secretsecret"'),
  "a duplicate claim": token('{"iss":"secretsecret","iss":"b"}'),
  "more than 16 KiB": `${token(CLAIMS)}${"A".repeat(16 * 1024)}`,
};
for (const [name, text] of Object.entries(BAD_TOKENS)) {
  test(`refused: ${name}`, () => {
    const result = parseJwt(text);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "TOKEN_FORMAT");
    assert.doesNotMatch(JSON.stringify(result.error), /secret|c2VjcmV0/);
  });
}

const BAD_CLAIMS: Record<string, Record<string, unknown>> = {
  "no issuer": { ...CLAIMS, iss: undefined },
  "an issuer that is no text": { ...CLAIMS, iss: 1 },
  "no subject": { ...CLAIMS, sub: undefined },
  "no audience": { ...CLAIMS, aud: undefined },
  "an empty list of audiences": { ...CLAIMS, aud: [] },
  "an audience that is no text": { ...CLAIMS, aud: [1] },
  "no expiry": { ...CLAIMS, exp: undefined },
  "an expiry in text": { ...CLAIMS, exp: "1000" },
  "a negative expiry": { ...CLAIMS, exp: -1 },
  "a time beyond all clocks": { ...CLAIMS, nbf: 1e300 },
};
for (const [name, payload] of Object.entries(BAD_CLAIMS)) {
  test(`claims refused: ${name}`, () => {
    const result: Result<unknown> = claimsOf(payload);
    assert.equal(result.ok ? "accepted" : result.error.code, "TOKEN_FORMAT");
  });
}

test("no text makes the parser throw, or shows up in its message", () => {
  const text = fc.string({ unit: fc.constantFrom(..."eyJ0.Z_-=A{}\u00e9"), maxLength: 60 });
  fc.assert(
    fc.property(text, (candidate) => {
      const result = parseJwt(candidate);
      if (result.ok || candidate.length < 12) return;
      assert.ok(!result.error.message.includes(candidate));
    }),
    { numRuns: 1000 },
  );
});
