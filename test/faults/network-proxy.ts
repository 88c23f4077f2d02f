import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { serverFor, untrustedServer } from "./tls-hosts.ts";

/** What the network does to a call. */
export const FAULTS = [
  "refused",
  "reset",
  "reset-mid-body",
  "slow-loris",
  "429",
  "503",
  "truncated",
  "oversized",
  "wrong-type",
  "redirect",
  "bad-tls",
  "other-host-tls",
  "no-tls",
] as const;

export type Fault = (typeof FAULTS)[number];

/** Which fault a call gets, if any; asked once for each attempt. */
export type Choose = (method: string, path: string) => Fault | undefined;

export type FaultProxy = {
  /** The client's way to the stack: the faults are on the wire, not in the client. */
  readonly fetch: typeof globalThis.fetch;
  choose: Choose;
  /** Headers that came to the host to which answers redirect. */
  readonly trapped: string[];
  close(): Promise<void>;
};

const HOST = "127.0.0.1";
/** More than any answer but a file may have. */
const OVERSIZED = 20 * 1024 * 1024;
/** Milliseconds after which a client gives up here: matrices run in minutes. */
const PATIENCE = 400;

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, HOST, done));
  return (server.address() as AddressInfo).port;
};

const closed = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    if ("closeAllConnections" in server) (server.closeAllConnections as () => void)();
  });

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** A proxy in front of the stack at `origin`. */
export const openProxy = async (origin: string): Promise<FaultProxy> => {
  const state: { choose: Choose } = { choose: () => undefined };
  const trapped: string[] = [];
  const trap = createServer((request, response) => {
    trapped.push(JSON.stringify(request.rawHeaders));
    response.writeHead(404).end("nothing");
  });
  const trapPort = await listening(trap);
  const proxy = createServer((request, response) => {
    // Who went away needs no answer.
    serve(origin, trapPort, request, response).catch(() => request.socket.destroy());
  });
  const port = await listening(proxy);
  const tls = untrustedServer();
  const tlsPort = await listening(tls);
  const other = serverFor("elsewhere.example");
  const otherPort = await listening(other);
  const gone = createServer();
  const gonePort = await listening(gone);
  await closed(gone);

  const baseOf = (fault: Fault | undefined): string => {
    switch (fault) {
      case "refused":
        return `http://${HOST}:${gonePort}`;
      case "bad-tls":
        return `https://${HOST}:${tlsPort}`;
      case "other-host-tls":
        return `https://${HOST}:${otherPort}`;
      case "no-tls":
        return `https://${HOST}:${port}`;
      default:
        return `http://${HOST}:${port}`;
    }
  };
  const fetch: FaultProxy["fetch"] = (input, init = {}) => {
    const url = String(input);
    if (!url.startsWith(`${origin}/`)) return globalThis.fetch(url, init);
    const fault = state.choose(init.method ?? "GET", new URL(url).pathname);
    const headers = new Headers(init.headers);
    if (fault !== undefined) headers.set("x-fault", fault);
    const signal = fault === "slow-loris" ? AbortSignal.timeout(PATIENCE) : init.signal;
    return globalThis.fetch(baseOf(fault) + url.slice(origin.length), {
      ...init,
      headers,
      ...(signal ? { signal } : {}),
    });
  };
  return {
    fetch,
    trapped,
    get choose() {
      return state.choose;
    },
    set choose(choose) {
      state.choose = choose;
    },
    close: async () => {
      for (const server of [trap, proxy, tls, other]) await closed(server);
    },
  };
};

const serve = async (
  origin: string,
  trapPort: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const {
    "x-fault": fault,
    host: _,
    connection: __,
    "transfer-encoding": ___,
    ...rest
  } = request.headers;
  if (fault === "reset") return void request.socket.resetAndDestroy();
  const body = await bodyOf(request);
  const early = EARLY[String(fault)];
  if (early !== undefined) return early(response, trapPort, request.url ?? "/");
  const method = request.method ?? "GET";
  const answer = await fetch(origin + request.url, {
    method,
    headers: rest as Record<string, string>,
    redirect: "manual",
    ...(method === "GET" || method === "HEAD" ? {} : { body: new Uint8Array(body) }),
  });
  const content = Buffer.from(await answer.arrayBuffer());
  const headers = Object.fromEntries(
    [...answer.headers].filter(
      ([name]) => name !== "content-length" && name !== "transfer-encoding",
    ),
  );
  const half = content.subarray(0, content.length >> 1);
  switch (fault) {
    case "reset-mid-body":
      response.writeHead(answer.status, { ...headers, "content-length": content.length + 1 });
      response.write(half, () => request.socket.resetAndDestroy());
      return;
    case "slow-loris": {
      response.writeHead(answer.status, { ...headers, "content-length": content.length + 1 });
      const drip = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(drip));
      return;
    }
    case "truncated":
      response.writeHead(answer.status, { ...headers, "content-length": half.length });
      response.end(half);
      return;
    case "oversized":
      response.writeHead(answer.status, headers);
      response.end(Buffer.concat([content, Buffer.alloc(OVERSIZED, 32)]));
      return;
    default:
      response.writeHead(
        answer.status,
        method === "HEAD"
          ? Object.fromEntries(answer.headers)
          : { ...headers, "content-length": content.length },
      );
      response.end(content);
  }
};

type Early = (response: ServerResponse, trapPort: number, path: string) => void;

/** Faults that never reach the stack. */
const EARLY: Readonly<Record<string, Early>> = {
  "429": (response) => void response.writeHead(429, { "retry-after": "7" }).end("slow down"),
  "503": (response) => void response.writeHead(503).end("<h1>unavailable</h1>"),
  "wrong-type": (response) =>
    void response
      .writeHead(200, { "content-type": "text/html" })
      .end("<!doctype html><title>Log in</title><p>Please log in."),
  redirect: (response, trapPort, path) =>
    void response.writeHead(302, { location: `http://${HOST}:${trapPort}${path}` }).end(),
};
