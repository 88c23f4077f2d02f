import { fail, ok, type Result } from "../formats/result.ts";
import { authHeaders, type RegistryAuth } from "./credentials.ts";
import { exchange, type HttpResponse, shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import { registryFailure } from "./registry-answer.ts";

/** The files beside one release in a generic package registry. */
export type GenericPackage = {
  /** Where it is, for messages. */
  readonly shownUrl: string;
  /** Adds a file; an earlier one of that name is served no more. */
  put(filename: string, content: Uint8Array): Promise<Result<void>>;
  /** Content of the latest file of that name; `undefined` where there is none. */
  get(filename: string, maxBytes: number): Promise<Result<Uint8Array | undefined>>;
  /** Whether the file is there, and its SHA-256 (lower-case hex) where the registry states it. */
  head(filename: string): Promise<Result<{ readonly sha256?: string } | undefined>>;
};

const NAME = /^(?!\.+$)[A-Za-z0-9._\-+]+$/;
const VERSION = /^(?!.*\.\.)(?!\.$)[A-Za-z0-9_+.-]+$/;
const FILE = /^(?!\.+$)(?![~@])[A-Za-z0-9._\-+~@]+(?<![~@])$/;

/**
 * The address of a package, by GitLab's rules for names.
 * @param base - `…/api/v4/projects/ID/packages/generic`
 * @returns CONFIG for a name or version that a generic registry cannot hold
 */
export const genericPackageUrl = (base: string, name: string, version: string): Result<string> => {
  if (!NAME.test(name)) return cannotHold("package name", name);
  if (!VERSION.test(version)) return cannotHold("version", version);
  const path = [name, version].map(encodeURIComponent).join("/");
  return ok(`${base.replace(/\/+$/, "")}/${path}`);
};

const cannotHold = (what: string, value: string) =>
  fail("CONFIG", `a generic registry cannot hold the ${what} ${JSON.stringify(value)}`);

const fileUrl = (packageUrl: string, filename: string): Result<string> =>
  FILE.test(filename)
    ? ok(`${packageUrl.replace(/\/+$/, "")}/${encodeURIComponent(filename)}`)
    : cannotHold("file name", filename);

type Send = {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly content?: Uint8Array;
  readonly maxBytes: number;
};

const CHECKSUM = /^[0-9a-f]{64}$/i;

/**
 * GitLab's generic package registry, or anything that answers PUT, GET and HEAD like it.
 * Every call fails with CONFIG for a file name it cannot hold, REGISTRY_AUTH,
 * REGISTRY_FORBIDDEN, REGISTRY_NOT_FOUND (put only), UPLOAD_REFUSED (put) or REGISTRY_RESPONSE,
 * and as `exchange` does.
 *
 * @param at - `url` is that of one release, as the tutorial's GENERIC_PACKAGE_BASE_URL
 */
export const genericPackage = (
  outside: Outside,
  at: { readonly url: string; readonly auth: RegistryAuth },
): GenericPackage => {
  const send = async (filename: string, request: Send): Promise<Result<HttpResponse>> => {
    const { method, content, maxBytes } = request;
    const url = fileUrl(at.url, filename);
    if (!url.ok) return url;
    return exchange(outside, {
      method,
      url: url.value,
      headers: {
        ...authHeaders(at.auth),
        ...(content === undefined ? {} : { "content-type": "application/octet-stream" }),
      },
      ...(content === undefined ? {} : { body: () => new Uint8Array(content) }),
      maxBytes,
      service: "generic registry",
    });
  };
  const refused = (answer: HttpResponse, otherwise: "UPLOAD_REFUSED" | "REGISTRY_RESPONSE") => ({
    ok: false as const,
    error: registryFailure(answer, at.auth, otherwise),
  });
  return {
    shownUrl: shownUrl(at.url),
    put: async (filename, content) => {
      const answer = await send(filename, { method: "PUT", content, maxBytes: 64 * 1024 });
      if (!answer.ok) return answer;
      return [200, 201].includes(answer.value.status)
        ? ok(undefined)
        : refused(answer.value, "UPLOAD_REFUSED");
    },
    get: async (filename, maxBytes) => {
      const answer = await send(filename, { method: "GET", maxBytes });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return ok(undefined);
      return answer.value.status === 200
        ? ok(answer.value.body)
        : refused(answer.value, "REGISTRY_RESPONSE");
    },
    head: async (filename) => {
      const answer = await send(filename, { method: "HEAD", maxBytes: 0 });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return ok(undefined);
      if (answer.value.status !== 200) return refused(answer.value, "REGISTRY_RESPONSE");
      const sha256 = answer.value.headers.get("x-checksum-sha256");
      return ok(sha256 !== null && CHECKSUM.test(sha256) ? { sha256: sha256.toLowerCase() } : {});
    },
  };
};
