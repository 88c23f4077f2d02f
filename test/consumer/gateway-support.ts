import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { type Gateway, openGateway } from "../../src/consumer/gateway.ts";
import { readGatewayConfig } from "../../src/consumer/gateway-config.ts";
import { openFeed } from "../../src/consumer/gateway-feed.ts";
import { openMetrics } from "../../src/consumer/gateway-metrics.ts";
import { openSqliteState } from "../../src/consumer/gateway-sqlite.ts";
import type { GatewayEvent, GatewayState } from "../../src/consumer/gateway-state.ts";
import { type GatewayWorld, type LogLine, openStoreFor } from "../../src/consumer/gateway-world.ts";
import { openUpstreams } from "../../src/consumer/upstreams.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";
import { outside as world } from "../stages/sign-support.ts";
import { type HostileUpstream, INDEX, type OpenStack, OWN_PROJECT } from "./hostile-upstream.ts";

type Settings = {
  readonly config?: object;
  readonly upstream?: object;
  readonly policy?: unknown;
  /** The state of an earlier gateway. */
  readonly folder?: string;
  /** Another memory than one in that folder. */
  readonly state?: GatewayState;
};

/** A gateway before that upstream, with the clock in the test's hand. */
export const gatewayFor = async (
  opened: OpenStack,
  upstream: Pick<HostileUpstream, "fetch">,
  settings: Settings = {},
) => {
  const folder = settings.folder ?? (await mkdtemp(join(tmpdir(), "wheelseal-gateway-")));
  await mkdir(folder, { recursive: true });
  const config = unwrap(
    readGatewayConfig({
      refresh: "0s",
      upstreams: [{ name: "own", index: INDEX, owns: ["greeter"], ...settings.upstream }],
      ...settings.config,
    }),
  );
  const clock = { now: Date.now() };
  const held = { trust: opened.trust };
  const outside: Outside = { ...world, fetch: upstream.fetch };
  const policy = unwrap(readPolicy(settings.policy ?? OWN_PROJECT(opened.stack.urls.gitlab)));
  const lines: LogLine[] = [];
  const watched = {
    config,
    metrics: openMetrics(),
    log: (line: LogLine) => lines.push(line),
    now: () => clock.now,
  };
  const gatewayWorld: GatewayWorld = {
    ...watched,
    policy: { kind: "policy", policy, from: "test", sha256: "00" },
    fingerprint: JSON.stringify([settings.config, settings.policy]),
    upstreams: openUpstreams(
      config.upstreams.map((one) => ({ config: one, auth: NO_AUTH })),
      outside,
      systemFiles,
    ),
    state: settings.state ?? unwrap(openSqliteState(folder)),
    store: unwrap(await openStoreFor(watched, join(folder, "store"))),
    files: systemFiles,
    trust: async () => ok(held.trust),
    feed: openFeed(),
  };
  const gateway: Gateway = openGateway(gatewayWorld);
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    gateway(new Request(`http://gateway.test${path}`, init));
  return {
    folder,
    clock,
    /** The trust root in use. */
    held,
    lines,
    world: gatewayWorld,
    gateway,
    ask,
    /** Asks for a file as an installer does: by the link on the page. */
    get: async (filename: string, init?: RequestInit): Promise<Response> => {
      const accept = "application/vnd.pypi.simple.v1+json";
      const page = await ask("/simple/greeter/", { headers: { accept } });
      const { files } = (await page.json()) as { files: { filename: string; url: string }[] };
      const link = files?.find((file) => file.filename === filename)?.url;
      if (link === undefined) return new Response("not listed", { status: 599 });
      return ask(new URL(link, "http://gateway.test/simple/greeter/").pathname, init);
    },
    /** The audit trail. */
    events: async (): Promise<GatewayEvent[]> => {
      const events: GatewayEvent[] = [];
      for await (const event of gatewayWorld.state.events()) events.push(event);
      return events;
    },
    close: () => gatewayWorld.state.close(),
    remove: async () => {
      await gatewayWorld.state.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
