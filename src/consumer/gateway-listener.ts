import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Gateway } from "./gateway.ts";

export type GatewayListener = {
  readonly url: string;
  /** Answers what has begun, for at most 5 seconds, and takes nothing new. */
  readonly close: () => Promise<void>;
};

const GRACE = 5_000;
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

const refused = (status: number, reason: string): Response =>
  new Response(`${reason}\n`, { status, headers: { "content-type": "text/plain" } });

/**
 * Listens for the gateway. On loopback, requests whose Host is another are refused: a web page
 * whose name was made to point here has another.
 *
 * @param port - 0 for any free one
 * @returns `PORT_UNAVAILABLE`
 */
export const listenGateway = async (
  gateway: Gateway,
  host: string,
  port: number,
): Promise<Result<GatewayListener>> => {
  const local = host === "127.0.0.1" || host === "::1" || host === "localhost";
  const guarded = async (request: Request): Promise<Response> => {
    const { hostname } = new URL(request.url);
    const own = !local || LOOPBACK.includes(hostname);
    return own ? gateway(request) : refused(421, "this host name is not served here");
  };
  const handle = getRequestListener(
    async (request, { outgoing }) => {
      const answer = await guarded(request);
      // pip shows people nothing but the reason of the status line.
      if (answer.statusText !== "" && "statusMessage" in outgoing) {
        outgoing.statusMessage = answer.statusText;
      }
      return answer;
    },
    { overrideGlobalObjects: false, errorHandler: () => refused(400, "the request is malformed") },
  );
  const server = createServer(
    { maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 60_000 },
    (incoming, outgoing) => void handle(incoming, outgoing),
  );
  const bound = await bind(server, host, port);
  if (bound === undefined) return fail("PORT_UNAVAILABLE", `${host}:${port} cannot be listened on`);
  const shown = host.includes(":") ? `[${host}]` : host;
  return ok({ url: `http://${shown}:${bound}`, close: () => close(server) });
};

const bind = (server: Server, host: string, port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : undefined);
    });
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    const impatient = setTimeout(() => server.closeAllConnections(), GRACE);
    server.close(() => {
      clearTimeout(impatient);
      resolve();
    });
    server.closeIdleConnections();
  });
