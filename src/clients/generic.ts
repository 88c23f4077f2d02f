import { fail, ok, type Result } from "../formats/result.ts";
import { authHeaders, type RegistryAuth } from "./credentials.ts";
import { exchange, type HttpResponse } from "./http.ts";
import type { Outside } from "./outside.ts";
import { registryFailure } from "./registry-answer.ts";

/** The files of one version of one package in a generic registry. */
export type GenericPackage = {
  readonly name: string;
  readonly version: string;
};

/** GitLab's generic package registry, or anything that answers PUT, GET and HEAD like it. */
export type GenericRegistry = {
  /** Adds a file; one of the same name stays, but is no longer served. */
  put(of: GenericPackage, filename: string, content: Uint8Array): Promise<Result<void>>;
  /** Content of the latest file of that name; `undefined` where there is none. */
  get(
    of: GenericPackage,
    filename: string,
    maxBytes: number,
  ): Promise<Result<Uint8Array | undefined>>;
  /** Whether the file is there, and its SHA-256 (lower-case hex) where the registry states it. */
  head(
    of: GenericPackage,
    filename: string,
  ): Promise<Result<{ readonly sha256?: string } | undefined>>;
};

const NAME = /^(?!\.+$)[A-Za-z0-9._\-+]+$/;
const VERSION = /^(?!.*\.\.)(?!\.$)[A-Za-z0-9_+.-]+$/;
const FILE = /^(?!\.+$)(?![~@])[A-Za-z0-9._\-+~@]+(?<![~@])$/;

/**
 * The address of a file, by GitLab's rules for the three names: nothing in them can climb out or
 * add a query.
 * @param base - `…/api/v4/projects/ID/packages/generic`
 * @returns CONFIG for names that a generic registry cannot hold
 */
export const genericUrl = (base: string, of: GenericPackage, filename: string): Result<string> => {
  const bad = !NAME.test(of.name)
    ? `package name ${of.name}`
    : !VERSION.test(of.version)
      ? `version ${of.version}`
      : !FILE.test(filename)
        ? `file name ${filename}`
        : undefined;
  if (bad !== undefined) return fail("CONFIG", `a generic registry cannot hold the ${bad}`);
  const path = [of.name, of.version, filename].map(encodeURIComponent).join("/");
  return ok(`${base.replace(/\/+$/, "")}/${path}`);
};

type Send = {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly content?: Uint8Array;
  readonly maxBytes: number;
};

const CHECKSUM = /^[0-9a-f]{64}$/i;

/** @param registry - `url` is the base of all packages, without a trailing slash or with one */
export const genericRegistry = (
  outside: Outside,
  registry: { readonly url: string; readonly auth: RegistryAuth },
): GenericRegistry => {
  const send = async (
    of: GenericPackage,
    filename: string,
    { method, content, maxBytes }: Send,
  ): Promise<Result<HttpResponse>> => {
    const url = genericUrl(registry.url, of, filename);
    if (!url.ok) return url;
    return exchange(outside, {
      method,
      url: url.value,
      headers: {
        ...authHeaders(registry.auth),
        ...(content === undefined ? {} : { "content-type": "application/octet-stream" }),
      },
      ...(content === undefined ? {} : { body: () => new Uint8Array(content) }),
      maxBytes,
      service: "generic registry",
    });
  };
  const refused = (answer: HttpResponse) => ({
    ok: false as const,
    error: registryFailure(answer, registry.auth, "REGISTRY_RESPONSE"),
  });
  return {
    put: async (of, filename, content) => {
      const answer = await send(of, filename, { method: "PUT", content, maxBytes: 64 * 1024 });
      if (!answer.ok) return answer;
      if (answer.value.status === 201 || answer.value.status === 200) return ok(undefined);
      return {
        ok: false,
        error: registryFailure(answer.value, registry.auth, "UPLOAD_REFUSED"),
      };
    },
    get: async (of, filename, maxBytes) => {
      const answer = await send(of, filename, { method: "GET", maxBytes });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return ok(undefined);
      return answer.value.status === 200 ? ok(answer.value.body) : refused(answer.value);
    },
    head: async (of, filename) => {
      const answer = await send(of, filename, { method: "HEAD", maxBytes: 0 });
      if (!answer.ok) return answer;
      if (answer.value.status === 404) return ok(undefined);
      if (answer.value.status !== 200) return refused(answer.value);
      const sha256 = answer.value.headers.get("x-checksum-sha256");
      return ok(sha256 !== null && CHECKSUM.test(sha256) ? { sha256: sha256.toLowerCase() } : {});
    },
  };
};
