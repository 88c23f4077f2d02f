import { Hono } from "hono";
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from "jose";
import { sha256 } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import type { RandomBytes } from "../crypto/random.ts";
import { equal, utf8 } from "../formats/bytes.ts";
import { gitlabClaims, type TokenJob, uuidFrom } from "./issuer-claims.ts";
import { MAX_TOKEN_LIFETIME, parseTokenRequest } from "./issuer-request.ts";
import { bearerToken, readBody } from "./request-body.ts";

/** A JSON Web Key Set (RFC 7517 §5). */
export type KeySet = { readonly keys: JWK[] };

export type TokenOptions = {
  /** `sigstore` where absent. */
  readonly audience?: string;
  /** Seconds; 3600 where absent. */
  readonly lifetime?: number;
};

/** A GitLab-shaped OpenID Connect issuer. */
export type Issuer = {
  /** What tokens carry as `iss`, and where discovery is. */
  readonly url: string;
  /** The public keys that are served now, newest first. */
  readonly keySet: KeySet;
  /** When the key of this id was replaced, milliseconds since 1970; it signs nothing since. */
  retiredAt(kid: string): number | undefined;
  /** An id_token (RS256) as a job of GitLab would get it. */
  mintToken(job: TokenJob, options?: TokenOptions): Promise<string>;
  readonly fetch: (request: Request) => Promise<Response>;
};

export type IssuerOptions = {
  readonly url: string;
  /** RSA keys, newest first: the first signs, all are published, so keys can be rotated. */
  readonly keys: readonly [PrivateKey, ...PrivateKey[]];
  /**
   * Keys that were replaced, and when, in milliseconds since 1970: still published for as long as
   * tokens that they signed can live.
   */
  readonly retired?: readonly { readonly key: PrivateKey; readonly at: number }[];
  /** Who knows this may mint: whoever can read the user's own files. */
  readonly secret: string;
  /** Ids of projects that the registry knows, by path. */
  readonly projectIds?: ReadonlyMap<string, string>;
  readonly now: () => number;
  readonly random: RandomBytes;
};

const MAX_TOKEN_REQUEST = 16 * 1024;
const DEFAULT_LIFETIME = 3600;

export const issuer = async (options: IssuerOptions): Promise<Issuer> => {
  const keys = await Promise.all(options.keys.map(publicJwk));
  const retired = await Promise.all(
    (options.retired ?? []).map(async ({ key, at }) => ({ jwk: await publicJwk(key), at })),
  );
  const keySet = (): KeySet => {
    const living = retired.filter(({ at }) => options.now() < at + MAX_TOKEN_LIFETIME * 1000);
    return { keys: [...keys, ...living.toReversed().map(({ jwk }) => jwk)] };
  };
  const mintToken: Issuer["mintToken"] = (job, wanted = {}) => {
    const projectId = job.projectId ?? options.projectIds?.get(job.projectPath);
    const known = projectId === undefined ? job : { ...job, projectId };
    const claims = gitlabClaims(known, {
      issuer: options.url,
      audience: wanted.audience ?? "sigstore",
      now: Math.floor(options.now() / 1000),
      lifetime: wanted.lifetime ?? DEFAULT_LIFETIME,
      id: uuidFrom(options.random(16)),
    });
    return new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: keys[0]?.kid ?? "" })
      .sign(options.keys[0].handle);
  };
  const app = routes(options, keySet, mintToken);
  return {
    url: options.url,
    get keySet() {
      return keySet();
    },
    retiredAt: (kid) => retired.find(({ jwk }) => jwk.kid === kid)?.at,
    mintToken,
    fetch: async (request) => app.fetch(request),
  };
};

/** The thumbprint (RFC 7638) names the key, as GitLab does it. */
const publicJwk = async (key: PrivateKey): Promise<JWK> => {
  const { kty = "", n = "", e = "" } = await exportJWK(key.publicKey.handle);
  const kid = await calculateJwkThumbprint({ kty, n, e });
  return { kty, kid, use: "sig", alg: "RS256", n, e };
};

const routes = (
  options: IssuerOptions,
  keySet: () => KeySet,
  mintToken: Issuer["mintToken"],
): Hono => {
  const app = new Hono();
  app.get("/.well-known/openid-configuration", (c) => c.json(discovery(options.url)));
  for (const path of ["/oauth/discovery/keys", "/-/jwks"]) app.get(path, (c) => c.json(keySet()));
  app.post("/wheelseal/token", async (c) => {
    if (!authorized(c.req.raw, options.secret)) {
      return c.json({ error: "unauthorized" }, 401, { "WWW-Authenticate": "Bearer" });
    }
    const body = await readBody(c.req.raw, MAX_TOKEN_REQUEST);
    const request = body.ok ? parseTokenRequest(body.value) : body;
    if (!request.ok) return c.json({ error: request.error.message }, 400);
    const token = await mintToken(request.value.job, request.value.options);
    return c.json({ token }, 200, { "Cache-Control": "no-store" });
  });
  return app;
};

/** Digests are compared, so the time that comparing takes says nothing about the secret. */
const authorized = (request: Request, secret: string): boolean =>
  equal(sha256(utf8(bearerToken(request) ?? "")), sha256(utf8(secret)));

const discovery = (url: string): Record<string, unknown> => ({
  issuer: url,
  jwks_uri: `${url}/oauth/discovery/keys`,
  authorization_endpoint: `${url}/oauth/authorize`,
  token_endpoint: `${url}/oauth/token`,
  response_types_supported: ["id_token"],
  subject_types_supported: ["public"],
  id_token_signing_alg_values_supported: ["RS256"],
});
