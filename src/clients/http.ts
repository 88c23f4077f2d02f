import { fail, ok, type Result } from "../formats/result.ts";
import type { Outside } from "./outside.ts";

type Body = NonNullable<RequestInit["body"]>;

export type HttpRequest = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  /** May hold secrets; never printed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called afresh for each attempt, so that a stream can be sent again. */
  readonly body?: () => Promise<Body> | Body;
  /** Bytes of answer that are read at most; more is a failure. */
  readonly maxBytes: number;
  /** Milliseconds for one attempt, the body included; 30,000 where absent. */
  readonly timeout?: number;
  /** How often it is tried at most; 4 times where absent. */
  readonly attempts?: number;
  /** What the service is called in messages, for example `transparency log`. */
  readonly service: string;
};

export type HttpResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The URL that answered, after redirects. */
  readonly url: string;
};

const ATTEMPTS = 4;
const BASE_DELAY = 250;
const MAX_DELAY = 10_000;
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The URL without user, password, query and fragment: fit to be shown. */
export const shownUrl = (url: string): string => {
  const parsed = URL.parse(url);
  return parsed === null ? "(not a URL)" : `${parsed.origin}${parsed.pathname}`;
};

/**
 * One exchange with bounded retries: network errors and 408, 425, 429, 5xx are tried 4 times with
 * jittered exponential delays, honouring Retry-After up to 10 s. Any other status is an answer,
 * also an error status: the caller knows what it means.
 *
 * Redirects are followed by hand, at most 5, and credentials stay with the origin they were for.
 *
 * Fails with CONFIG for an address that is none, NETWORK_UNREACHABLE after the last attempt,
 * NETWORK_RESPONSE for a redirect that is not followed, and FORMAT_SIZE for an oversized answer.
 */
export const exchange = async (
  outside: Outside,
  request: HttpRequest,
): Promise<Result<HttpResponse>> => exchangeWith(outside, request, read);

/** An answer that is no redirect, and the URL that gave it. */
export type Answered = { readonly response: Response; readonly url: string };

/** Reads an answer to its end. A throw means that it broke off: it will be asked for again. */
export type ReadAnswer<T> = (request: HttpRequest, answered: Answered) => Promise<Result<T>>;

/** {@link exchange} for who reads the answer in its own way, for example into a file. */
export const exchangeWith = async <T>(
  outside: Outside,
  request: HttpRequest,
  readAnswer: ReadAnswer<T>,
): Promise<Result<T>> => {
  const refusal = refuseAddress(request);
  if (refusal !== undefined) return refusal;
  const attempts = request.attempts ?? ATTEMPTS;
  let reason = "";
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const outcome = await attemptOnce(outside, request, readAnswer);
    if (outcome.kind === "done") return outcome.result;
    reason = outcome.reason;
    if (attempt < attempts) await outside.sleep(outcome.after ?? delay(outside, attempt));
  }
  return fail(
    "NETWORK_UNREACHABLE",
    `the ${request.service} at ${shownUrl(request.url)} did not answer after ${attempts === 1 ? "1 attempt" : `${attempts} attempts`}: ${reason}`,
  );
};

/** Credentials in an address would end up in logs, and fetch refuses them anyway. */
const refuseAddress = (request: HttpRequest): ReturnType<typeof fail> | undefined => {
  const url = URL.parse(request.url);
  const usable = url !== null && ["http:", "https:"].includes(url.protocol);
  if (usable && url.username === "" && url.password === "") return undefined;
  const what = usable ? "holds credentials" : "is not an http or https URL";
  return fail("CONFIG", `the address of the ${request.service} ${what}`);
};

type Attempt<T> =
  | { kind: "done"; result: Result<T> }
  | { kind: "again"; reason: string; after?: number };

/** Full jitter: between a quarter and the whole of the doubled delay. */
const delay = (outside: Outside, attempt: number): number => {
  const ceiling = Math.min(MAX_DELAY, BASE_DELAY * 2 ** attempt);
  return ceiling * (0.25 + (0.75 * (outside.random(1)[0] ?? 0)) / 255);
};

const attemptOnce = async <T>(
  outside: Outside,
  request: HttpRequest,
  readAnswer: ReadAnswer<T>,
): Promise<Attempt<T>> => {
  const timeout = Math.ceil(request.timeout ?? 30_000);
  const signal = AbortSignal.timeout(timeout);
  try {
    const sent = await send(outside, request, signal);
    if (!sent.ok) return { kind: "done", result: sent };
    const { response } = sent.value;
    if (RETRIED.has(response.status)) {
      await response.body?.cancel();
      return again(`status ${response.status}`, retryAfter(outside, response.headers));
    }
    return { kind: "done", result: await readAnswer(request, sent.value) };
  } catch (error) {
    return again(signal.aborted ? `no answer in ${timeout} ms` : describe(error));
  }
};

const again = (reason: string, after?: number): Attempt<never> =>
  after === undefined ? { kind: "again", reason } : { kind: "again", reason, after };

const retryAfter = (outside: Outside, headers: Headers): number | undefined => {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - outside.now();
  return Number.isNaN(wait) ? undefined : Math.min(MAX_DELAY, Math.max(0, wait));
};

/** Error codes of the platform only: messages could hold a URL with credentials. */
const describe = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "unknown error";
};

const MAX_REDIRECTS = 5;
const SECRET_HEADERS = new Set(["authorization", "private-token", "job-token", "deploy-token"]);

const send = async (
  outside: Outside,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Result<Answered>> => {
  let url = request.url;
  let headers = request.headers ?? {};
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const body = request.body === undefined ? undefined : await request.body();
    const streamed = body instanceof ReadableStream ? { duplex: "half" as const } : {};
    const response = await outside.fetch(url, {
      method: request.method,
      headers,
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body }),
      ...streamed,
    });
    const location = response.headers.get("location");
    const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
    if (!redirected) return ok({ response, url });
    await response.body?.cancel();
    const refusal = refuseRedirect(request, url, location);
    if (refusal !== undefined) return refusal;
    const next = new URL(location, url);
    if (next.origin !== new URL(url).origin) headers = withoutSecrets(headers);
    url = next.href;
  }
  return fail(
    "NETWORK_RESPONSE",
    `the ${request.service} at ${shownUrl(request.url)} redirects without end`,
  );
};

/** Only reading follows a redirect, and never from https to http. */
const refuseRedirect = (
  request: HttpRequest,
  from: string,
  location: string,
): ReturnType<typeof fail> | undefined => {
  const next = URL.parse(location, from);
  const reading = request.method === "GET" || request.method === "HEAD";
  const where = `the ${request.service} at ${shownUrl(from)}`;
  if (next === null || !["http:", "https:"].includes(next.protocol)) {
    return fail("NETWORK_RESPONSE", `${where} redirects to something that is no web address`);
  }
  if (!reading)
    return fail("NETWORK_RESPONSE", `${where} redirects an upload to ${shownUrl(next.href)}`);
  if (next.protocol === "http:" && new URL(from).protocol === "https:") {
    return fail("NETWORK_RESPONSE", `${where} redirects from https to http`);
  }
  return undefined;
};

const withoutSecrets = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !SECRET_HEADERS.has(name.toLowerCase())),
  );

const read: ReadAnswer<HttpResponse> = async (request, { response, url }) => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > request.maxBytes) {
      return fail(
        "FORMAT_SIZE",
        `the ${request.service} at ${shownUrl(request.url)} sent more than ${request.maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  }
  const declared = response.headers.get("content-length");
  const encoded = response.headers.has("content-encoding");
  if (declared !== null && !encoded && request.method !== "HEAD" && Number(declared) !== size) {
    throw new Error("truncated answer");
  }
  const body = new Uint8Array(Buffer.concat(chunks));
  return ok({ status: response.status, headers: response.headers, body, url });
};
