import { Hono } from "hono";
import type { CertificateAuthority } from "./ca.ts";
import { caV1 } from "./ca-v1.ts";
import { caV2 } from "./ca-v2.ts";

export type Service = { fetch(request: Request): Promise<Response> };

export type StackServices = {
  readonly issuer: Service;
  readonly ca: CertificateAuthority;
  readonly ctlog: Service;
  readonly rekor: Service;
  readonly rekorV2: Service;
  readonly tsa: Service;
  readonly registry: Service;
  readonly tuf: Service;
  /** Logs that are only read any more, by name: below `/shards/<name>/`. */
  readonly closed: ReadonlyMap<string, Service>;
};

/** Where a log that takes nothing any more is read, without a slash at the end. */
export const closedPath = (name: string): string => `/shards/${name}`;

const closedLogs = (logs: ReadonlyMap<string, Service>): Service => ({
  fetch: async (request) => {
    const url = new URL(request.url);
    const [, name = "", path = ""] = /^\/shards\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
    const log = logs.get(name);
    if (log === undefined) return nothing();
    if (request.method !== "GET" && request.method !== "HEAD") {
      const message = "this log takes nothing any more: its key was replaced";
      return Response.json({ code: 403, message }, { status: 403 });
    }
    return log.fetch(new Request(new URL(path + url.search, url.origin), request));
  },
});

/**
 * One origin for all services: their paths do not meet. No service has a path of its own in front,
 * because several Sigstore clients drop the path of the URL they are given.
 */
export const stackRoutes = (services: StackServices): Service => {
  const fulcio = new Hono().route("/", caV1(services.ca)).route("/", caV2(services.ca));
  const ca: Service = { fetch: async (request) => fulcio.fetch(request) };
  const table: readonly (readonly [RegExp, Service])[] = [
    [/^\/api\/v1\/(signingCert|rootCert)$/, ca],
    [/^\/api\/v2\/(signingCert|trustBundle|configuration)$/, ca],
    [/^\/api\/v1\/(log|index)(\/|$)/, services.rekor],
    [/^\/api\/v2\/(log\/entries$|checkpoint$|tile\/)/, services.rekorV2],
    [/^\/api\/v1\/timestamp(\/|$)/, services.tsa],
    [/^\/ct\/v1\//, services.ctlog],
    [/^\/(api\/v4|integrity)\//, services.registry],
    [/^\/tuf\//, services.tuf],
    [/^\/shards\//, closedLogs(services.closed)],
    [/^\/(\.well-known|oauth|-|wheelseal)\//, services.issuer],
  ];
  return {
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const service = table.find(([pattern]) => pattern.test(pathname))?.[1];
      return service === undefined ? nothing() : service.fetch(request);
    },
  };
};

const nothing = (): Response =>
  Response.json({ code: 404, message: "there is nothing at this path" }, { status: 404 });
