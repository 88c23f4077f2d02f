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
  readonly tsa: Service;
  readonly registry: Service;
};

/**
 * One port for all: the GitLab instance (issuer and registry) at the root, the others below their
 * names. Rekor answers at the root as well, because Rekor's own Go client drops the path of its
 * URL; `/api/v1/log` and `/api/v4` do not meet.
 */
export const stackRoutes = (services: StackServices): Service => {
  const fulcio = new Hono().route("/", caV1(services.ca)).route("/", caV2(services.ca));
  const prefixed: Readonly<Record<string, Service>> = {
    fulcio: { fetch: async (request) => fulcio.fetch(request) },
    ctlog: services.ctlog,
    rekor: services.rekor,
    tsa: services.tsa,
  };
  return {
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const name = pathname.split("/")[1] ?? "";
      const service = Object.hasOwn(prefixed, name) ? prefixed[name] : undefined;
      if (service !== undefined) return service.fetch(withoutPrefix(request, name));
      if (/^\/api\/v1\/(log|index)(\/|$)/.test(pathname)) return services.rekor.fetch(request);
      if (/^\/(api\/v4|integrity)\//.test(pathname)) return services.registry.fetch(request);
      return services.issuer.fetch(request);
    },
  };
};

const withoutPrefix = (request: Request, name: string): Request => {
  const url = new URL(request.url);
  url.pathname = url.pathname.slice(name.length + 1) || "/";
  const { method, headers, body, signal } = request;
  return new Request(url, { method, headers, body, signal, duplex: "half" });
};
