import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { fail, ok, type Result } from "../formats/result.ts";

type Fetch = (request: Request) => Promise<Response>;

/** A server on a loopback port that answers 503 until `serve` says who answers. */
export type Listener = {
  readonly port: number;
  serve(fetch: Fetch): void;
  /** Answers what has begun, for at most 5 seconds, and takes nothing new. */
  close(): Promise<void>;
};

/** Requests that are worked on at the same time; each holds its body, of at most some megabytes. */
const AT_ONCE = 256;

const HOST = "127.0.0.1";
const GRACE = 5_000;
/** An id_token of 16 KiB fits into a header. */
const MAX_HEADERS = 32 * 1024;

/**
 * Listens on 127.0.0.1. Requests whose Host is not this very port are refused: a web page whose
 * name was made to point here has another. More than `atOnce` requests at the same time are told
 * to come again, so that a crowd costs time and not memory.
 *
 * @param port - 0 for any free one
 * @returns `PORT_UNAVAILABLE`
 */
export const listen = async (port: number, atOnce = AT_ONCE): Promise<Result<Listener>> => {
  let working = 0;
  let current: Fetch = async () => answer(503, "the stack is starting");
  const guarded = async (request: Request): Promise<Response> => {
    const { host } = new URL(request.url);
    const own = host === `${HOST}:${bound}` || host === `localhost:${bound}`;
    if (!own) return answer(421, "this host name is not served here");
    if (working >= atOnce) {
      return answer(503, `${atOnce} requests are worked on already`, { "retry-after": "1" });
    }
    working += 1;
    try {
      return await current(request);
    } finally {
      working -= 1;
    }
  };
  const handle = getRequestListener(guarded, {
    overrideGlobalObjects: false,
    errorHandler: () => answer(400, "the request is malformed"),
  });
  const server = createServer(
    { maxHeaderSize: MAX_HEADERS, headersTimeout: 10_000, requestTimeout: 600_000 },
    (incoming, outgoing) => void handle(incoming, outgoing),
  );
  const bound = await bind(server, port);
  if (bound === undefined) return fail("PORT_UNAVAILABLE", `${HOST}:${port} cannot be listened on`);
  return ok({
    port: bound,
    serve: (fetch) => {
      current = fetch;
    },
    close: () => close(server),
  });
};

const answer = (
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response => Response.json({ code: status, message }, { status, headers });

const bind = (server: Server, port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, HOST, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : undefined);
    });
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const impatient = setTimeout(() => server.closeAllConnections(), GRACE);
    // A connection that is kept alive becomes idle when its answer is sent, and would stay.
    const idle = setInterval(() => server.closeIdleConnections(), 20);
    server.close(() => {
      clearTimeout(impatient);
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
