import { type Context, Hono } from "hono";
import {
  type Caller,
  callers,
  invalid,
  notFound,
  type RegistryCredential,
  type RegistryKind,
  type RegistryProject,
  refusal,
  unavailable,
} from "./registry-access.ts";
import { type GenericPath, getGeneric, parseGenericPath, putGeneric } from "./registry-generic.ts";
import {
  integrity,
  pypiFile,
  type RegistryContext,
  simpleProject,
  simpleRoot,
  uploadPypi,
} from "./registry-pypi.ts";
import { type RegistryStore, registryStore } from "./registry-store.ts";
import { isDiskFailure, type Storage } from "./storage.ts";

export type RegistryOptions = {
  /** Where packages are kept; made where absent. */
  readonly folder: string;
  /** The first one also answers PyPI's own `/integrity/…`. */
  readonly projects: readonly RegistryProject[];
  readonly credentials: readonly RegistryCredential[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Origin in links, for example `http://127.0.0.1:8080`; that of each request where absent. */
  readonly baseUrl?: string;
  /** `gitlab`: nothing but what GitLab does, its quirks included. `extended` where absent. */
  readonly behaviour?: "gitlab" | "extended";
  /** Bytes; GitLab's defaults where absent. */
  readonly maxBytes?: { readonly pypi?: number; readonly generic?: number };
  /** Told about every answer of status 500, which is a bug or a broken disk. */
  readonly onError?: (error: unknown) => void;
  /** This machine's disk where absent. */
  readonly storage?: Storage;
};

export type RegistryService = {
  fetch(request: Request): Promise<Response>;
  close(): void;
  readonly store: Pick<RegistryStore, "addedAfter" | "latest" | "pathOf">;
};

const MAX_PYPI = 3_221_225_472;
const MAX_GENERIC = 5_368_709_120;

type Registry = {
  readonly options: RegistryOptions;
  readonly store: RegistryStore;
  readonly callerOf: (headers: Headers, kind: RegistryKind) => Caller;
};

const contextOf = (
  { options, store }: Registry,
  request: Request,
  project: RegistryProject,
  caller: Caller,
): RegistryContext => {
  const origin = options.baseUrl?.replace(/\/+$/, "") ?? new URL(request.url).origin;
  const publisher = caller.kind === "known" ? caller.credential.publisher : undefined;
  return {
    store,
    behaviour: options.behaviour ?? "extended",
    project,
    packagesUrl: `${origin}/api/v4/projects/${encodeURIComponent(project.id)}/packages`,
    maxBytes: {
      pypi: options.maxBytes?.pypi ?? MAX_PYPI,
      generic: options.maxBytes?.generic ?? MAX_GENERIC,
    },
    now: options.now,
    ...(publisher === undefined ? {} : { publisher }),
  };
};

type Handler = (context: RegistryContext, request: Request) => Response | Promise<Response>;

/** Finds the project, checks the caller's right, and only then reads anything of the request. */
const guard = async (
  registry: Registry,
  request: Request,
  projectId: string,
  kind: RegistryKind,
  handler: Handler,
): Promise<Response> => {
  const { projects } = registry.options;
  const project = projects.find((one) => one.id === projectId || one.path === projectId);
  const caller = registry.callerOf(request.headers, kind);
  const right = request.method === "GET" || request.method === "HEAD" ? "read" : "write";
  const refused = refusal(project, caller, right);
  if (refused !== undefined) return refused;
  if (project === undefined) return notFound("Project");
  return handler(contextOf(registry, request, project, caller), request);
};

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** Path parts behind `/projects/ID/packages/KIND/`, each decoded once; a bad escape is "". */
const partsAfter = (request: Request, kind: RegistryKind): string[] => {
  const path = new URL(request.url).pathname;
  const marker = `/packages/${kind}/`;
  const rest = path.slice(path.indexOf(marker) + marker.length);
  return rest.split("/").map((part) => decode(part) ?? "");
};

const pypiGet: Handler = (context, request) => {
  const [area = "", ...rest] = partsAfter(request, "pypi");
  const accept = request.headers.get("accept");
  const parts = rest.at(-1) === "" ? rest.slice(0, -1) : rest;
  const [first = "", second = "", third = "", fourth] = parts;
  if (area === "simple" && parts.length === 0) return simpleRoot(context, accept);
  if (area === "simple" && parts.length === 1) return simpleProject(context, first, accept);
  if (area === "files" && parts.length === 2) {
    return pypiFile(context, { sha256: first, fileName: second, method: request.method });
  }
  if (area === "integrity" && parts.length === 4 && fourth === "provenance") {
    return integrity(context, first, second, third);
  }
  return notFound("");
};

const generic =
  (handler: (context: RegistryContext, path: GenericPath, request: Request) => Promise<Response>) =>
  (context: RegistryContext, request: Request): Response | Promise<Response> => {
    const path = parseGenericPath(partsAfter(request, "generic"));
    return typeof path === "string" ? invalid(path) : handler(context, path, request);
  };

const projectIdOf = (context: Context): string => {
  const path = new URL(context.req.raw.url).pathname;
  return decode(/^\/api\/v4\/projects\/([^/]+)\//.exec(path)?.[1] ?? "") ?? "";
};

const routes = (registry: Registry): Hono => {
  const app = new Hono();
  const to = (kind: RegistryKind, handler: Handler) => (context: Context) =>
    guard(registry, context.req.raw, projectIdOf(context), kind, handler);
  const base = "/api/v4/projects/:id/packages";
  app.post(`${base}/pypi`, to("pypi", uploadPypi));
  app.get(`${base}/pypi/*`, to("pypi", pypiGet));
  app.put(`${base}/generic/*`, to("generic", generic(putGeneric)));
  app.get(`${base}/generic/*`, to("generic", generic(getGeneric)));
  app.get("/integrity/:name/:version/:file/provenance", (context) => {
    const { name, version, file } = context.req.param();
    const first = registry.options.projects[0]?.id ?? "";
    return guard(registry, context.req.raw, first, "pypi", (inner) =>
      integrity(inner, name, version, file),
    );
  });
  app.notFound(() => notFound(""));
  app.onError((error) => {
    if (isDiskFailure(error)) return unavailable("the registry's disk is full or fails");
    registry.options.onError?.(error);
    return Response.json({ message: "500 Internal Server Error" }, { status: 500 });
  });
  return app;
};

/**
 * GitLab's project-level PyPI and generic package registries (`/api/v4/projects/ID/packages/…`),
 * with its routes, status codes and authentication, and better indexes.
 * An upload is on disk, flushed, before it is answered with 201.
 */
export const registryService = (options: RegistryOptions): RegistryService => {
  const store = registryStore(options.folder, options.storage);
  const app = routes({ options, store, callerOf: callers(options.credentials) });
  return {
    fetch: async (request) => app.fetch(request),
    close: () => store.close(),
    store,
  };
};
