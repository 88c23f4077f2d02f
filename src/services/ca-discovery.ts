import type { JWK } from "jose";
import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { KeySet } from "./issuer.ts";
import { readBody } from "./request-body.ts";

export type Discovery = {
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
};

const MAX_DOCUMENT = 64 * 1024;
const MAX_KEYS = 32;
const TIMEOUT = 10_000;
/** Milliseconds that keys are believed without asking again. */
const FRESH = 5 * 60_000;

/**
 * The keys of a configured issuer by OpenID Connect Discovery §4, asked again after 5 minutes.
 * Redirects are refused and the keys must come from the issuer's own origin, so that nobody but
 * the configured server can say which keys are its.
 *
 * Fails with TOKEN_REFUSED where the issuer cannot be reached or answers with something else.
 */
export const discoveredKeySet = (
  issuerUrl: string,
  { fetch, now }: Discovery,
): (() => Promise<Result<KeySet>>) => {
  let known: { readonly keySet: KeySet; readonly at: number } | undefined;
  return async () => {
    if (known !== undefined && now() - known.at < FRESH) return ok(known.keySet);
    const keySet = await discover(issuerUrl, fetch);
    if (keySet.ok) known = { keySet: keySet.value, at: now() };
    return keySet;
  };
};

const discover = async (issuerUrl: string, fetch: Discovery["fetch"]): Promise<Result<KeySet>> => {
  const url = `${issuerUrl.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const document = await getJson(url, fetch);
  if (!document.ok) return document;
  const keysUrl = readJson(document.value, "TOKEN_REFUSED", "discovery", (json) => {
    if (json.field("issuer").string() !== issuerUrl) json.refuse("names another issuer");
    const keys = json.field("jwks_uri").string();
    const origin = URL.parse(keys)?.origin;
    return origin === new URL(issuerUrl).origin ? keys : json.refuse("has its keys elsewhere");
  });
  if (!keysUrl.ok) return keysUrl;
  const keys = await getJson(keysUrl.value, fetch);
  return keys.ok ? readJson(keys.value, "TOKEN_REFUSED", "keys", readKeySet) : keys;
};

const readKeySet = (json: Json): KeySet => ({
  keys: json.field("keys").items(MAX_KEYS).map(readKey),
});

const readKey = (json: Json): JWK => {
  const jwk: Record<string, string> = {};
  for (const name of ["kty", "kid", "use", "alg", "n", "e"]) {
    const value = json.optional(name)?.string();
    if (value !== undefined) jwk[name] = value;
  }
  return jwk as unknown as JWK;
};

const getJson = async (url: string, fetch: Discovery["fetch"]): Promise<Result<unknown>> => {
  try {
    const response = await fetch(url, {
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT),
      headers: { Accept: "application/json" },
    });
    const body = await readBody(response, MAX_DOCUMENT);
    if (response.status !== 200 || !body.ok) {
      return fail("TOKEN_REFUSED", `the issuer's document ${url} is not there or too large`);
    }
    return parseJson(body.value, MAX_DOCUMENT, "issuer's document");
  } catch {
    return fail("TOKEN_REFUSED", `the issuer's document ${url} cannot be fetched`);
  }
};
