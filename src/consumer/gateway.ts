import { parseName } from "../dists/name.ts";
import { type Failure, failure } from "../formats/result.ts";
import { clientEnvironment } from "./client-environment.ts";
import { fileAnswer, problem, textAnswer } from "./gateway-answer.ts";
import { type Decide, openDecisions } from "./gateway-decide.ts";
import { type Listings, openListings } from "./gateway-listing.ts";
import { negotiate, rootHtml, rootJson, SIMPLE_JSON } from "./gateway-pages.ts";
import { openRenderedPages, type PageFormat, type RenderPage } from "./gateway-rendered.ts";
import { StateUnreachable } from "./gateway-state.ts";
import { type GatewayWorld, isOutage } from "./gateway-world.ts";

export type Gateway = (request: Request) => Promise<Response>;

type Parts = GatewayWorld & {
  readonly listings: Listings;
  readonly decide: Decide;
  readonly render: RenderPage;
};

const HTML = "text/html; charset=utf-8";

const notFound = (what: string): Response => problem(404, failure("REGISTRY_NOT_FOUND", what));

/** The status for a failure: the file is refused, is not there, or could not be checked. */
const failed = (error: Failure): Response => {
  if (isOutage(error)) return problem(502, error);
  const absent = error.code === "REGISTRY_NOT_FOUND" || error.code === "GATEWAY_UNOWNED";
  return problem(absent ? 404 : 403, error);
};

const simpleRoot = async ({ config, state }: Parts, request: Request): Promise<Response> => {
  const owned = config.upstreams.flatMap(({ owns }) =>
    owns.flatMap((one) => (one.kind === "exact" ? one.name : [])),
  );
  const names = [...new Set([...owned, ...(await state.projects())])].sort();
  return page(request, (format) => (format === "json" ? rootJson(names) : rootHtml(names)));
};

const page = async (
  request: Request,
  body: (format: PageFormat) => string | Promise<string>,
): Promise<Response> => {
  const format = negotiate(request.headers.get("accept"));
  if (format === undefined) {
    return problem(406, failure("INDEX_FORMAT", "pages are HTML or PEP 691 JSON"));
  }
  const answer = textAnswer(await body(format), format === "json" ? SIMPLE_JSON : HTML);
  answer.headers.set("vary", "Accept");
  answer.headers.set("cache-control", "no-cache");
  return answer;
};

const simpleProject = async (parts: Parts, request: Request, text: string): Promise<Response> => {
  const name = parseName(text);
  if (!name.ok) return problem(404, name.error);
  const url = new URL(request.url);
  if (name.value !== text || !url.pathname.endsWith("/")) {
    // Relative, so that it holds behind a proxy as well; one segment up is where names are.
    const location = url.pathname.endsWith("/") ? `../${name.value}/` : `${name.value}/`;
    return new Response(null, { status: 301, headers: { location } });
  }
  const listing = await parts.listings(name.value);
  if (!listing.ok) return failed(listing.error);
  const answer = await page(request, (format) => parts.render(listing.value, url.origin, format));
  const { outage } = listing.value;
  if (outage !== undefined) answer.headers.set("x-wheelseal-stale", outage.code);
  return answer;
};

const METADATA = ".metadata";

const projectFile = async (
  parts: Parts,
  request: Request,
  path: { readonly name: string; readonly sha256: string; readonly filename: string },
): Promise<Response> => {
  const name = parseName(path.name);
  if (!name.ok) return problem(404, name.error);
  const beside = path.filename.endsWith(METADATA);
  const filename = beside ? path.filename.slice(0, -METADATA.length) : path.filename;
  const client = clientEnvironment(request.headers.get("user-agent"));
  const decision = await parts.decide({ project: name.value, filename, client });
  if (decision.kind === "unavailable") return problem(502, decision.failure);
  if (decision.kind === "refuse") return failed(decision.failure);
  const { verdict, refusal } = decision;
  if (verdict.sha256 !== path.sha256) {
    return problem(404, failure("INDEX_FILE", `${filename} has another digest than that`));
  }
  const flagged: Record<string, string> = refusal
    ? { "x-wheelseal-would-refuse": refusal.code }
    : {};
  if (beside) return besideAnswer(parts, request, verdict.metadata, "application/octet-stream");
  const size = verdict.size ?? 0;
  const type = "application/octet-stream";
  parts.metrics.count("wheelseal_gateway_served_bytes_total", {}, size);
  return fileAnswer(request, parts.store, { digest: verdict.sha256, size, type, headers: flagged });
};

const besideAnswer = async (
  { store }: Parts,
  request: Request,
  digest: string | undefined,
  type: string,
): Promise<Response> => {
  const release = digest === undefined ? undefined : store.serve(digest);
  try {
    const size = digest === undefined ? undefined : await store.sizeOf(digest);
    if (digest === undefined || size === undefined)
      return notFound("the file has nothing of that kind");
    return await fileAnswer(request, store, { digest, size, type });
  } finally {
    release?.();
  }
};

const integrity = async (
  parts: Parts,
  request: Request,
  path: { readonly name: string; readonly filename: string },
): Promise<Response> => {
  const name = parseName(path.name);
  if (!name.ok) return problem(404, name.error);
  const { filename } = path;
  const decision = await parts.decide({ project: name.value, filename, beside: "provenance" });
  if (decision.kind === "unavailable") return problem(502, decision.failure);
  if (decision.kind === "refuse") return failed(decision.failure);
  const type = "application/vnd.pypi.integrity.v1+json";
  return besideAnswer(parts, request, decision.verdict.provenance, type);
};

const ready = async ({ trust, state }: Parts): Promise<Response> => {
  const trusted = await trust();
  if (!trusted.ok) return problem(503, trusted.error);
  await state.ping();
  return textAnswer("ready\n", "text/plain; charset=utf-8");
};

const decoded = (pathname: string): string[] | undefined => {
  try {
    return pathname.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
};

type Routed = { readonly route: string; readonly answer: Promise<Response> | Response };

const route = (parts: Parts, request: Request): Routed => {
  const segments = decoded(new URL(request.url).pathname) ?? [];
  const trimmed = segments.at(-1) === "" ? segments.slice(0, -1) : segments;
  const [area, first = "", second = "", third = "", fourth] = trimmed;
  const depth = trimmed.length;
  if (request.method !== "GET" && request.method !== "HEAD") {
    return {
      route: "other",
      answer: new Response(null, { status: 405, headers: { allow: "GET, HEAD" } }),
    };
  }
  if (area === "simple" && depth === 1)
    return { route: "simple", answer: simpleRoot(parts, request) };
  if (area === "simple" && depth === 2) {
    return { route: "project", answer: simpleProject(parts, request, first) };
  }
  if (area === "files" && depth === 4) {
    const path = { name: first, sha256: second, filename: third };
    return { route: "file", answer: projectFile(parts, request, path) };
  }
  if (area === "integrity" && depth === 5 && fourth === "provenance") {
    return {
      route: "provenance",
      answer: integrity(parts, request, { name: first, filename: third }),
    };
  }
  if (area === "healthz" && depth === 1)
    return { route: "healthz", answer: textAnswer("ok\n", "text/plain") };
  if (area === "readyz" && depth === 1) return { route: "readyz", answer: ready(parts) };
  if (area === "metrics" && depth === 1) {
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return { route: "metrics", answer: textAnswer(parts.metrics.text(), type) };
  }
  return { route: "other", answer: notFound("there is nothing at this address") };
};

const withoutBody = async (request: Request, answer: Response): Promise<Response> => {
  if (request.method !== "HEAD" || answer.body === null) return answer;
  await answer.body.cancel();
  const { status, statusText, headers } = answer;
  return new Response(null, { status, statusText, headers });
};

/** What was thrown is never a file: the state does not answer, or there is a bug. */
const unexpected = ({ log }: GatewayWorld, where: string, error: unknown): Response => {
  if (error instanceof StateUnreachable) {
    const { message } = error;
    log({ level: "error", event: "state", route: where, message });
    // Where the database is, is not the client's business.
    return problem(503, failure("STATE_UNREACHABLE", "the gateway cannot decide at the moment"));
  }
  const what = error instanceof Error ? error.name : "unknown error";
  log({ level: "error", event: "bug", route: where, error: what });
  return problem(500, failure("INTERNAL", `unexpected ${what}`));
};

/**
 * The gateway: a simple index (PEP 503, 691, 700, 658, 740) that serves a file only after it
 * verified, from its own store. Whatever goes wrong inside is an answer of 500, never a file.
 */
export const openGateway = (world: GatewayWorld): Gateway => {
  const listings = openListings(world);
  const decide = openDecisions(world, listings);
  const parts: Parts = { ...world, listings, decide, render: openRenderedPages(world) };
  return async (request) => {
    const began = world.now();
    const { route: name, answer } = route(parts, request);
    const response = await Promise.resolve(answer).catch((error: unknown) =>
      unexpected(world, name, error),
    );
    const { status } = response;
    world.metrics.count("wheelseal_gateway_requests_total", {
      route: name,
      status: String(status),
    });
    const path = new URL(request.url).pathname;
    const code = response.headers.get("x-wheelseal-code") ?? undefined;
    const about = { method: request.method, path, status, code, ms: world.now() - began };
    world.log({ level: "info", event: "request", ...about });
    return withoutBody(request, response);
  };
};
