import { fromBase64url, utf8 } from "./bytes.ts";
import { type Json, parseJson, readJson } from "./json.ts";
import { all, fail, ok, type Result } from "./result.ts";

/** A parsed, unverified JSON Web Token in compact form (RFC 7519, RFC 7515 §7.1). */
export type Jwt = {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** What the issuer signed: the ASCII bytes of `header.payload`. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
};

const MAX_LENGTH = 16 * 1024;
const MAX_AUDIENCES = 16;

const parsePart = (part: Uint8Array, what: string): Result<Record<string, unknown>> => {
  const parsed = parseJson(part, MAX_LENGTH, what);
  // The parser's own message is dropped: no part of a token may end in a log.
  if (!parsed.ok) return fail("TOKEN_FORMAT", `the ${what} is not JSON`);
  return readJson(parsed.value, "TOKEN_FORMAT", `the ${what}`, (json) =>
    Object.fromEntries(json.members(128).map(([name, member]) => [name, member.value])),
  );
};

/**
 * Takes a token apart without verifying it. No message holds any part of the token.
 *
 * @returns `TOKEN_FORMAT`, also above 16 KiB
 */
export const parseJwt = (text: string): Result<Jwt> => {
  if (text.length > MAX_LENGTH) {
    return fail("TOKEN_FORMAT", `the token is longer than ${MAX_LENGTH} characters`);
  }
  const parts = text.split(".");
  const decoded = all(parts.map(fromBase64url));
  if (parts.length !== 3 || !decoded.ok) {
    return fail("TOKEN_FORMAT", "the token is not three parts of base64url");
  }
  const [head, body, signature] = decoded.value;
  if (head === undefined || body === undefined || signature === undefined) {
    return fail("TOKEN_FORMAT", "the token is not three parts of base64url");
  }
  const header = parsePart(head, "token header");
  if (!header.ok) return header;
  const payload = parsePart(body, "token payload");
  if (!payload.ok) return payload;
  const signingInput = utf8(text.slice(0, text.lastIndexOf(".")));
  return ok({ header: header.value, payload: payload.value, signingInput, signature });
};

/** The registered claims that keyless signing needs (RFC 7519 §4.1). */
export type TokenClaims = {
  readonly issuer: string;
  readonly subject: string;
  /** One or more. */
  readonly audiences: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly notBefore: number | undefined;
  readonly issuedAt: number | undefined;
};

const readAudiences = (audience: Json): string[] => {
  if (typeof audience.value === "string") return [audience.value];
  const audiences = audience.items(MAX_AUDIENCES).map((item) => item.string());
  return audiences.length > 0 ? audiences : audience.refuse("is empty");
};

/** NumericDate may have a fraction (RFC 7519 §2): rounded down. */
const readSeconds = (json: Json): number => {
  const { value } = json;
  if (typeof value !== "number" || value < 0 || value > Number.MAX_SAFE_INTEGER) {
    return json.refuse("is not a time in seconds");
  }
  return Math.floor(value);
};

const optionalSeconds = (json: Json | undefined): number | undefined =>
  json === undefined ? undefined : readSeconds(json);

/** Reads the registered claims: `iss`, `sub`, `aud` and `exp` must be there. `TOKEN_FORMAT`. */
export const tokenClaims = (jwt: Jwt): Result<TokenClaims> =>
  readJson(jwt.payload, "TOKEN_FORMAT", "token", (token) => ({
    issuer: token.field("iss").string(),
    subject: token.field("sub").string(),
    audiences: readAudiences(token.field("aud")),
    expiresAt: readSeconds(token.field("exp")),
    notBefore: optionalSeconds(token.optional("nbf")),
    issuedAt: optionalSeconds(token.optional("iat")),
  }));

/** One claim that must be text, for example `ci_config_ref_uri`. `TOKEN_FORMAT`. */
export const textClaim = (jwt: Jwt, name: string): Result<string> =>
  readJson(jwt.payload, "TOKEN_FORMAT", "token", (token) => token.field(name).string());
