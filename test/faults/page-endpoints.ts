import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Invocation } from "../../src/cli/command.ts";
import { inFrontOf, openGatewayConsole } from "../../src/cli/console-gateway.ts";
import { openStackConsole } from "../../src/cli/console-stack.ts";
import { readSettings } from "../../src/cli/settings.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { listenGateway } from "../../src/consumer/gateway-listener.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { parseClientTrustConfig } from "../../src/formats/client-trust-config.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { gatewayFor } from "../consumer/gateway-support.ts";
import { hostileUpstream, OWN_PROJECT, signWheel } from "../consumer/hostile-upstream.ts";
import type { Chance } from "../fuzz/mutate.ts";
import { outside } from "../stages/sign-support.ts";
import { type Endpoint, shot } from "./endpoints.ts";

/** An area of the gateway or of a console: the first segment, and where it stands in the source. */
export type PageEndpoint = {
  readonly of: "gateway" | "console";
  readonly area: string;
  readonly paths: readonly string[];
};

const GOOD = "greeter-1.0.0-py3-none-any.whl";
const BAD = "greeter-1.1.0-py3-none-any.whl";

/** Every area, with `GOOD` and `BAD` as digests of the file that verifies and of the one that does not. */
export const PAGE_ENDPOINTS: readonly PageEndpoint[] = [
  {
    of: "gateway",
    area: "simple",
    paths: ["/simple/", "/simple/greeter/", "/simple/Greeter/", "/simple/other/"],
  },
  {
    of: "gateway",
    area: "files",
    paths: [
      `/files/greeter/GOOD/${GOOD}`,
      `/files/greeter/GOOD/${GOOD}.metadata`,
      `/files/greeter/BAD/${BAD}`,
      `/files/greeter/GOOD/${BAD}`,
      `/files/greeter/BAD/${BAD}.metadata`,
      `/files/greeter/BAD/${GOOD}`,
    ],
  },
  {
    of: "gateway",
    area: "integrity",
    paths: [
      `/integrity/greeter/1.0.0/${GOOD}/provenance`,
      `/integrity/greeter/1.1.0/${BAD}/provenance`,
    ],
  },
  { of: "gateway", area: "healthz", paths: ["/healthz"] },
  { of: "gateway", area: "readyz", paths: ["/readyz"] },
  { of: "gateway", area: "metrics", paths: ["/metrics"] },
  { of: "console", area: "", paths: ["/", "/console", "/console/"] },
  { of: "console", area: "style.css", paths: ["/console/style.css"] },
  { of: "console", area: "live.js", paths: ["/console/live.js"] },
  { of: "console", area: "live", paths: ["/console/live"] },
  {
    of: "console",
    area: "packages",
    paths: [
      "/console/packages?q=greeter&after=greeter",
      "/console/packages/greeter?before=5",
      `/console/packages/greeter/${GOOD}`,
      `/console/packages/greeter/${BAD}?check=again`,
    ],
  },
  {
    of: "console",
    area: "log",
    paths: ["/console/log?before=3", "/console/log/0", "/console/log/0?size=1"],
  },
  { of: "console", area: "signings", paths: ["/console/signings?before=2", "/console/signings/1"] },
  { of: "console", area: "refusals", paths: ["/console/refusals?before=2"] },
  { of: "console", area: "changes", paths: ["/console/changes?before=2"] },
  { of: "console", area: "waivers", paths: ["/console/waivers"] },
];

const sourceOf = (path: string): Promise<string> =>
  readFile(new URL(`../../src/${path}`, import.meta.url), "utf8");

/** The areas that the source knows. */
export const areasOfSource = async (): Promise<string[]> => {
  const gateway = await sourceOf("consumer/gateway.ts");
  const http = await sourceOf("cli/console-http.ts");
  const pages = await sourceOf("cli/console-pages.ts");
  const lists = /const LISTS[^{]*= \{([^}]*)\}/.exec(pages)?.[1] ?? "";
  const areas = [
    ...[...gateway.matchAll(/area === "(\w+)"/g)].map(([, area]) => `gateway ${area}`),
    "console ",
    ...[...http.matchAll(/^ {2}"([\w.]+)": \(\) =>/gm)].map(([, area]) => `console ${area}`),
    ...[...http.matchAll(/first === "(\w+)"/g)].map(([, area]) => `console ${area}`),
    ...[...lists.matchAll(/^ {2}(\w+)/gm)].map(([, area]) => `console ${area}`),
  ];
  return [...new Set(areas)];
};

/** A stack with its console and a gateway with its own, with a file that verifies and one that does not. */
export const openPages = async () => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-pages-"));
  const said: string[] = [];
  const terminal = {
    ...{ out: () => undefined, err: (text: string) => said.push(text), env: {}, cwd: folder },
    ...{ live: false, colour: false, columns: 80 },
  };
  const invocation: Invocation = { operands: [], flags: {}, terminal, outside, files: systemFiles };
  const asked = { flags: {}, env: {}, project: folder, files: systemFiles };
  const settings = unwrap(await readSettings(asked));
  const console = openStackConsole(invocation, settings);
  const stack = unwrap(await startStack({ folder: join(folder, "state"), port: 0, console }));
  const config = unwrap(await systemFiles.read(stack.trustConfig, 1 << 22));
  const trust = unwrap(parseClientTrustConfig(config)).trustedRoot;
  const opened = { stack, trust, close: stack.close };
  const upstream = hostileUpstream();
  const good = await signWheel(opened, "greeter", "1.0.0");
  const bad = await signWheel(opened, "greeter", "1.1.0", { project: "local/other" });
  upstream.add(good);
  upstream.add(bad);
  const gateway = await gatewayFor(opened, upstream, { policy: OWN_PROJECT(stack.urls.gitlab) });
  const pages = await openGatewayConsole({ ...gateway.world, folder: gateway.folder });
  const served = inFrontOf(gateway.gateway, pages.fetch);
  const listener = unwrap(await listenGateway(served, "127.0.0.1", 0));
  return {
    origins: { gateway: listener.url, stack: stack.urls.gitlab },
    digests: { GOOD: hex(sha256(good.content)), BAD: hex(sha256(bad.content)) },
    good,
    bad,
    /** What the programs said went wrong in them. */
    bugs: () => [...said, ...gateway.lines.filter(({ level }) => level === "error")],
    close: async () => {
      await pages.close();
      await listener.close();
      await gateway.remove();
      await stack.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type PagesScene = Awaited<ReturnType<typeof openPages>>;

/** A stream has no end: it is enough that it begins. */
const bytesOf = async (response: Response): Promise<Buffer> => {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream"))
    return Buffer.from(await response.arrayBuffer());
  await response.body?.cancel();
  return Buffer.alloc(0);
};

/** A spoilt request: never a failure of ours, and never a byte of the file that does not verify. */
export const shootAtPage = async (
  scene: PagesScene,
  endpoint: PageEndpoint,
  chance: Chance,
): Promise<number> => {
  const { GOOD: good, BAD: bad } = scene.digests;
  const paths = endpoint.paths.map((path) => path.replace("GOOD", good).replace("BAD", bad));
  const where = endpoint.of === "console" && chance(2) === 0 ? "stack" : "gateway";
  const target = { urls: { gitlab: scene.origins[where] } };
  const spoilt: Endpoint = { route: "page get path", paths };
  const { url, init } = shot(target, spoilt, chance);
  const response = await fetch(url, init);
  const body = await bytesOf(response);
  const what = `${where}: ${init.method} ${url}: ${response.status}`;
  assert.ok(response.status < 500, `${what} ${body.toString("latin1").slice(0, 300)}`);
  assert.ok(!body.equals(scene.bad.content), `${what}: serves what does not verify`);
  const { pathname } = new URL(url);
  const isFile = pathname.startsWith("/files/") && !pathname.endsWith(".metadata");
  if (where === "gateway" && isFile && response.status === 200 && init.method === "GET") {
    assert.ok(body.equals(scene.good.content), `${what}: serves something else`);
  }
  return response.status;
};
