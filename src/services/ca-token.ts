import { errors, importJWK, type JWK, jwtVerify } from "jose";
import { fromBase64url } from "../formats/bytes.ts";
import type { TokenClaims } from "../formats/fulcio-claims.ts";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { KeySet } from "./issuer.ts";

/** An issuer whose id_tokens the authority certifies. */
export type TrustedIssuer = {
  /** Compared with `iss` as it stands. */
  readonly url: string;
  readonly audience: string;
  /** What the URIs in certificates begin with: the GitLab instance's own URL. */
  readonly gitlabUrl: string;
  /** The issuer's current keys; never taken from where a token says. */
  readonly keySet: () => Promise<Result<KeySet>>;
  /** When the key of this id was replaced, milliseconds since 1970, where that is known. */
  readonly retiredAt?: (kid: string) => number | undefined;
};

export type ValidToken = {
  readonly claims: TokenClaims;
  readonly subject: string;
  readonly issuer: TrustedIssuer;
};

/** Larger than any honest id_token. */
const MAX_TOKEN = 16 * 1024;

/** Seconds that two clocks may differ. */
const LEEWAY = 5;

/**
 * Validates an id_token: compact JWS, RS256 and nothing else, the issuer exactly one of `issuers`,
 * its key chosen by `kid` among that issuer's own, audience, `exp`, `nbf` and `iat`.
 *
 * Fails with TOKEN_FORMAT, TOKEN_REFUSED, TOKEN_EXPIRED or TOKEN_AUDIENCE; no message repeats
 * any part of the token.
 */
export const validateToken = async (
  token: string,
  issuers: readonly TrustedIssuer[],
  now: number,
): Promise<Result<ValidToken>> => {
  const parts = readParts(token);
  if (!parts.ok) return parts;
  const { kid, claims, issuerUrl, subject } = parts.value;
  const issuer = issuers.find(({ url }) => url === issuerUrl);
  if (issuer === undefined) return fail("TOKEN_REFUSED", "the token's issuer is not a trusted one");
  const keySet = await issuer.keySet();
  if (!keySet.ok) return keySet;
  const key = chooseKey(keySet.value, kid);
  if (key === undefined)
    return fail("TOKEN_REFUSED", "the issuer has no RS256 key of the token's kid");
  const retiredAt = issuer.retiredAt?.(kid) ?? Number.POSITIVE_INFINITY;
  const refusal = await checkSigned(token, key, issuer, { now, retiredAt });
  return refusal ?? ok({ claims, subject, issuer });
};

type TokenParts = {
  readonly kid: string;
  readonly claims: TokenClaims;
  readonly issuerUrl: string;
  readonly subject: string;
};

const readParts = (token: string): Result<TokenParts> => {
  if (token.length > MAX_TOKEN) {
    return fail("TOKEN_FORMAT", `the token has more than ${MAX_TOKEN} characters`);
  }
  const segments = token.split(".");
  if (segments.length !== 3) return fail("TOKEN_FORMAT", "the token is not a compact JWS");
  const [header, payload] = segments.map(readSegment);
  if (header === undefined || payload === undefined) {
    return fail("TOKEN_FORMAT", "the token is not a compact JWS");
  }
  if (!header.ok) return header;
  if (!payload.ok) return payload;
  const kid = readJson(header.value, "TOKEN_FORMAT", "header", readHeader);
  if (!kid.ok) return kid;
  return readJson(payload.value, "TOKEN_FORMAT", "claims", (claims) => ({
    kid: kid.value,
    claims: claims.value as TokenClaims,
    issuerUrl: claims.field("iss").string(),
    subject: claims.field("sub").string(),
  }));
};

/** Strictly, so that no two readers of the token can see two values of one claim. */
const readSegment = (segment: string): Result<unknown> => {
  const bytes = fromBase64url(segment);
  const json = bytes.ok ? parseJson(bytes.value, MAX_TOKEN, "token") : bytes;
  return json.ok ? json : fail("TOKEN_FORMAT", "a part of the token is not strict JSON");
};

const readHeader = (header: Json): string => {
  if (header.field("alg").value !== "RS256") header.refuse("names another algorithm than RS256");
  if (header.optional("crit") !== undefined) header.refuse("has critical extensions");
  return header.field("kid").string();
};

const chooseKey = (keySet: KeySet, kid: string): JWK | undefined => {
  const matching = keySet.keys.filter(
    (key) =>
      key.kid === kid && key.kty === "RSA" && usable(key.use, "sig") && usable(key.alg, "RS256"),
  );
  return matching.length === 1 ? matching[0] : undefined;
};

const usable = (value: string | undefined, wanted: string): boolean =>
  value === undefined || value === wanted;

const checkSigned = async (
  token: string,
  jwk: JWK,
  issuer: TrustedIssuer,
  { now, retiredAt }: { readonly now: number; readonly retiredAt: number },
): Promise<ReturnType<typeof fail> | undefined> => {
  try {
    // Only the public members: a key set must not bring anything else into play.
    const { kty = "", n = "", e = "" } = jwk;
    const key = await importJWK({ kty, n, e }, "RS256");
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["RS256"],
      issuer: issuer.url,
      audience: issuer.audience,
      clockTolerance: LEEWAY,
      currentDate: new Date(now),
      requiredClaims: ["exp", "iat", "sub"],
    });
    const issuedAt = (payload.iat ?? 0) * 1000;
    if (issuedAt > retiredAt) {
      return fail("TOKEN_REFUSED", "the token was signed with a key that had been replaced");
    }
    const early = (payload.iat ?? 0) > now / 1000 + LEEWAY;
    return early ? fail("TOKEN_REFUSED", "the token was issued in the future") : undefined;
  } catch (error) {
    return refusalOf(error, issuer);
  }
};

const refusalOf = (error: unknown, issuer: TrustedIssuer): ReturnType<typeof fail> => {
  if (error instanceof errors.JWTExpired) return fail("TOKEN_EXPIRED", "the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === "aud"
      ? fail("TOKEN_AUDIENCE", `the token is not for the audience ${issuer.audience}`)
      : fail("TOKEN_REFUSED", `the token's claim ${error.claim} does not hold now`);
  }
  return fail("TOKEN_REFUSED", "the token's signature is not good for its issuer's key");
};
