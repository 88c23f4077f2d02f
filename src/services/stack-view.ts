import type { Result } from "../formats/result.ts";
import type { RegistryService } from "./registry.ts";
import type { RegistryProject } from "./registry-access.ts";
import type { Service } from "./stack-routes.ts";
import type { TreeStore } from "./tree-store.ts";
import type { StackUrls } from "./trust-config.ts";

type ReadableTree = Omit<TreeStore, "append" | "close">;

/** The stores behind the services, for reading. */
export type StackStores = {
  readonly rekor: ReadableTree;
  readonly rekorV2: ReadableTree;
  readonly registry: RegistryService["store"];
};

/** A request that a service refused. */
export type RefusedRequest = {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What the answer said, shortened. */
  readonly reason: string;
};

/** What whoever shows the stack may see of it: everything there is, and nothing to change it by. */
export type StackView = StackStores & {
  readonly urls: StackUrls;
  readonly folder: string;
  readonly projects: readonly RegistryProject[];
  /** Path of the ClientTrustConfig. */
  readonly trustConfig: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called after each request that may have changed something, and told if it was refused. */
  readonly watch: (watcher: (refused: RefusedRequest | undefined) => void) => void;
};

/** Answers below `/console`; the services know nothing else of it. */
export type ConsoleService = Service & { close(): Promise<void> };

export type OpenConsole = (view: StackView) => Promise<Result<ConsoleService>>;

const MAX_REASON = 500;
/** A refusal is one line of JSON; what is longer is no refusal of ours. */
const MAX_BODY = 16 * 1024;

const reasonIn = async (answer: Response): Promise<string> => {
  const length = Number(answer.headers.get("content-length") ?? 0);
  const text = length > MAX_BODY ? "" : (await answer.clone().text()).slice(0, MAX_BODY);
  try {
    const { message, error_description: described } = JSON.parse(text);
    return String(message ?? described ?? text).slice(0, MAX_REASON);
  } catch {
    return text.slice(0, MAX_REASON);
  }
};

/** A log answers 409 to what it holds already, which is no refusal. */
const isRefusal = ({ status }: Response): boolean => status >= 400 && status !== 409;

const isRead = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

type Watched = { readonly service: Service; readonly watch: StackView["watch"] };

/** The same service, which tells of each request that is more than reading. */
export const watched = (service: Service): Watched => {
  const watchers: Parameters<StackView["watch"]>[0][] = [];
  const told = async (request: Request): Promise<Response> => {
    const answer = await service.fetch(request);
    if (isRead(request) || watchers.length === 0) return answer;
    const { method } = request;
    const path = new URL(request.url).pathname;
    const { status } = answer;
    const refused = isRefusal(answer)
      ? { method, path, status, reason: await reasonIn(answer) }
      : undefined;
    for (const watcher of watchers) watcher(refused);
    return answer;
  };
  return { service: { fetch: told }, watch: (watcher) => void watchers.push(watcher) };
};

const CONSOLE = /^\/(console(\/|$)|$)/;

/** The console in front of the services: it answers below `/console`, and at `/`. */
export const inFront = (console: Service, services: Service): Service => ({
  fetch: async (request) => {
    const { pathname } = new URL(request.url);
    return CONSOLE.test(pathname) ? console.fetch(request) : services.fetch(request);
  },
});
