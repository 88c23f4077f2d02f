import { type Json, parseJson, readJson } from "../formats/json.ts";
import { type Jwt, parseJwt, textClaim, tokenClaims } from "../formats/jwt.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Secret, secret } from "./credentials.ts";
import { exchange, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { refusalOf } from "./refusal.ts";

/** An id_token that was taken apart, and is not verified: that is the authority's work. */
export type IdToken = {
  readonly token: Secret;
  readonly issuer: string;
  /** What proof of possession is made over: a verified e-mail address, else `sub`. */
  readonly principal: string;
  /** The identity that the certificate will name, where the token's kind is known. */
  readonly san: string | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly runnerId: string | undefined;
};

/** Where id_tokens come from. */
export type IdentitySource = {
  /** A token that is good now. Fails with a TOKEN_ code; no message holds any part of it. */
  token(): Promise<Result<IdToken>>;
};

export type Variables = Readonly<Record<string, string | undefined>>;

/** What a token must be: for whom, and when. */
export type TokenDemand = {
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** The audience that Fulcio asks for, unless its operator chose another. */
export const SIGSTORE_AUDIENCE = "sigstore";

/** A token needs this long to reach the authority. */
const LEAST_LIFE = 5000;
/** Clocks of an issuer and of a runner may differ by this much. */
const CLOCK_SKEW = 60_000;

/**
 * Tokens from an environment variable, where GitLab's `id_tokens` puts them: the first of `names`
 * that is set.
 */
export const identityFromVariables = (
  variables: Variables,
  names: readonly string[],
  demand: TokenDemand,
): IdentitySource => ({
  token: async () => {
    for (const name of names) {
      const text = variables[name]?.trim() ?? "";
      if (text !== "") return readIdToken(text, demand);
    }
    return fail("TOKEN_MISSING", `none of these variables is set: ${names.join(", ")}`);
  },
});

/** What is asked of the local stack's issuer: GitLab's names, `project_path` at least. */
export type LocalJob = {
  readonly project_path: string;
  readonly ref?: string;
  readonly ref_type?: "branch" | "tag";
  readonly sha?: string;
  readonly environment?: string;
};

/** Tokens from the local stack's issuer, which gives them to whoever knows its secret. */
export const identityFromLocalStack = (
  issuer: { readonly url: string; readonly secret: Secret; readonly job: LocalJob },
  demand: TokenDemand,
  outside: Outside,
): IdentitySource => ({
  token: async () => {
    const url = `${issuer.url.replace(/\/+$/, "")}/wheelseal/token`;
    const answer = await exchange(outside, {
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${issuer.secret.reveal()}`,
      },
      body: () => JSON.stringify({ ...issuer.job, aud: demand.audience }),
      maxBytes: MAX_ANSWER,
      service: "local issuer",
    });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) {
      const why = refusalOf(answer.value);
      return fail("TOKEN_MISSING", `the local issuer at ${shownUrl(url)} gave none: ${why}`);
    }
    const text = tokenOf(answer.value.body);
    return text.ok ? readIdToken(text.value, demand) : text;
  },
});

const MAX_ANSWER = 64 * 1024;

const tokenOf = (body: Uint8Array): Result<string> => {
  const parsed = parseJson(body, MAX_ANSWER, "the issuer's answer");
  if (!parsed.ok) return fail("TOKEN_FORMAT", "the local issuer's answer is not JSON");
  return readJson(parsed.value, "TOKEN_FORMAT", "answer", (json) => json.field("token").string());
};

/** Takes a token apart, and refuses one that the authority would refuse anyway. */
export const readIdToken = (text: string, demand: TokenDemand): Result<IdToken> => {
  const jwt = parseJwt(text);
  const claims = jwt.ok ? tokenClaims(jwt.value) : jwt;
  if (!jwt.ok) return jwt;
  if (!claims.ok) return claims;
  const { issuer, subject, audiences, expiresAt, notBefore } = claims.value;
  if (!audiences.includes(demand.audience)) {
    return fail("TOKEN_AUDIENCE", `the id_token is not for the audience ${demand.audience}`);
  }
  const now = demand.now();
  if (expiresAt * 1000 < now + LEAST_LIFE) {
    return fail("TOKEN_EXPIRED", `the id_token is good until ${shownTime(expiresAt)} only`);
  }
  if (notBefore !== undefined && notBefore * 1000 > now + CLOCK_SKEW) {
    return fail("TOKEN_EXPIRED", `the id_token is good from ${shownTime(notBefore)} on`);
  }
  const email = verifiedEmail(jwt.value);
  return ok({
    token: secret(text),
    issuer,
    principal: email ?? subject,
    san: email ?? workflow(jwt.value),
    expiresAt: expiresAt * 1000,
    runnerId: runnerId(jwt.value),
  });
};

const shownTime = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? "a time out of range" : time.toISOString();
};

const claim = <T>(jwt: Jwt, read: (token: Json) => T | undefined): T | undefined => {
  const found = readJson(jwt.payload, "TOKEN_FORMAT", "token", read);
  return found.ok ? found.value : undefined;
};

const verifiedEmail = (jwt: Jwt): string | undefined =>
  claim(jwt, (token) =>
    token.optional("email_verified")?.value === true
      ? token.optional("email")?.string()
      : undefined,
  );

/** Fulcio's templates: GitLab's `ci_config_ref_uri`, GitHub's `job_workflow_ref`. */
const workflow = (jwt: Jwt): string | undefined => {
  const gitlab = textClaim(jwt, "ci_config_ref_uri");
  if (gitlab.ok) return `https://${gitlab.value}`;
  const github = textClaim(jwt, "job_workflow_ref");
  return github.ok ? `https://github.com/${github.value}` : undefined;
};

/** A number in GitLab's tokens, where every other id is text. */
const runnerId = (jwt: Jwt): string | undefined =>
  claim(jwt, (token) => token.optional("runner_id")?.int64().toString());
