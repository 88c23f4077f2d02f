import { CONSOLE_SCRIPT } from "../web/console-script.ts";
import { type Area, CONSOLE, type ConsolePage, consolePage } from "../web/console-shell.ts";
import { CONSOLE_STYLE } from "../web/console-style.ts";
import { html } from "../web/html.ts";
import { REPORT_STYLE } from "../web/report-style.ts";
import type { Live } from "./console-live.ts";

/** A page to be shown, or that there is none. */
export type Shown = Omit<ConsolePage, "of" | "at"> | undefined;

/** What is asked for: the parts of the path behind `/console/`, and the query. */
export type Asked = {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
};

export type Pages = (asked: Asked) => Promise<Shown>;

/** Nothing is loaded from elsewhere, nothing inline runs, and nobody frames the page. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
  ...["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
};

const secured = (response: Response): Response => {
  for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
  return response;
};

const text = (status: number, body: string, type: string, cache = "no-store"): Response =>
  new Response(body, {
    status,
    headers: { "content-type": `${type}; charset=utf-8`, "cache-control": cache },
  });

const failed = (status: number, message: string): Response =>
  text(status, `${message}\n`, "text/plain");

/** Style and script change with the program only, and a page must never have those of another. */
const STATIC: Readonly<Record<string, () => Response>> = {
  "style.css": () => text(200, `${REPORT_STYLE}${CONSOLE_STYLE}`, "text/css", "no-cache"),
  "live.js": () => text(200, CONSOLE_SCRIPT, "text/javascript", "no-cache"),
};

/** A page of another origin may not read this one; it is not even answered. */
const isForeign = (request: Request): boolean => {
  const origin = request.headers.get("origin");
  return origin !== null && origin !== new URL(request.url).origin;
};

const MAX_PATH = 2048;

const partsOf = (pathname: string): string[] | undefined => {
  if (pathname.length > MAX_PATH) return undefined;
  try {
    const parts = pathname.slice(CONSOLE.length).split("/").map(decodeURIComponent);
    return parts.at(-1) === "" ? parts.slice(0, -1) : parts;
  } catch {
    return undefined;
  }
};

const absent = (area: Area): Omit<ConsolePage, "of" | "at"> => ({
  area,
  title: "Not here",
  body: html`<p>There is nothing at this address. <a href="${CONSOLE}">To the overview</a></p>`,
});

export type ConsoleParts = {
  readonly of: ConsolePage["of"];
  readonly pages: Pages;
  readonly live: Live;
  /** Told what a page threw. */
  readonly failed: (error: unknown) => void;
};

/**
 * Answers what is below `/console/`: GET and HEAD only, since nothing here changes anything. `/`
 * and `/console` lead there.
 */
export const consoleFetch = ({ of, pages, live, failed: tell }: ConsoleParts) => {
  const answer = async (request: Request): Promise<Response> => {
    const { pathname, searchParams: query } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    if (isForeign(request)) return failed(403, "other origins get nothing here");
    if (!pathname.startsWith(CONSOLE)) {
      return new Response(null, { status: 302, headers: { location: CONSOLE } });
    }
    const parts = partsOf(pathname);
    if (parts === undefined) return failed(400, "the path is malformed");
    const [first = "", ...rest] = parts;
    if (rest.length === 0 && Object.hasOwn(STATIC, first))
      return STATIC[first]?.() ?? failed(404, "");
    if (rest.length === 0 && first === "live" && request.method === "GET") {
      return live.stream(request.headers.get("last-event-id") ?? query.get("after"));
    }
    // Before the page is made: what changes from here on, it hears of.
    const at = live.at();
    const shown = await pages({ parts, query });
    return text(
      shown === undefined ? 404 : 200,
      consolePage({ of, at, ...(shown ?? absent("")) }),
      "text/html",
    );
  };
  return async (request: Request): Promise<Response> => {
    const answered = await answer(request).catch((error: unknown) => {
      tell(error);
      return failed(503, "the console cannot read what it shows at the moment");
    });
    const response = secured(answered);
    if (request.method !== "HEAD") return response;
    const { status, headers } = response;
    return new Response(null, { status, headers });
  };
};
