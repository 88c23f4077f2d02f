import { type GatewayListener, listenGateway } from "../../src/consumer/gateway-listener.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openStack } from "../stages/sign-support.ts";
import { ATTACKS, pinsOf, type Site, STARTUP_CODE } from "./attack-table.ts";
import { gatewayFor } from "./gateway-support.ts";
import { OWN_PROJECT, signWheel, wheelOf } from "./hostile-upstream.ts";
import { startUpstream, type UpstreamServer } from "./upstream-server.ts";

const policyFor = (issuer: string) => {
  const { identities } = OWN_PROJECT(issuer).packages.greeter;
  const pinned = ATTACKS.filter((attack) => attack.pinned !== undefined);
  const packages = pinned.map((attack) => [
    attack.project,
    { identities, pins: pinsOf(attack.pinned) },
  ]);
  const startup = { pins: pinsOf([STARTUP_CODE]) };
  return { packages: { ...Object.fromEntries(packages), startup } };
};

const configFor = (own: UpstreamServer, stranger: UpstreamServer) => {
  const { index, generic } = own;
  const projects = ATTACKS.map(({ project }) => project).filter((name) => name !== "poisoned");
  return {
    "trust-on-first-use": true,
    upstreams: [
      { index, generic, name: "own", owns: [...projects, "internal", "startup"] },
      { index, generic, name: "slow", owns: ["poisoned"], cooldown: "7d" },
      { name: "public", index: stranger.index, owns: ["*"] },
    ],
  };
};

export type AttackSite = Site & {
  readonly gate: Awaited<ReturnType<typeof gatewayFor>>;
  /** Of a public index that has a package of the site's own name `internal`, of a higher version. */
  readonly stranger: UpstreamServer;
  readonly listener: GatewayListener;
  readonly close: () => Promise<void>;
};

/** A gateway that listens, before an upstream on which every attack of the table is staged. */
export const stageAttacks = async (): Promise<AttackSite> => {
  const opened = await openStack();
  const [upstream, stranger] = await Promise.all([startUpstream(), startUpstream()]);
  const policy = policyFor(opened.stack.urls.gitlab);
  const config = configFor(upstream, stranger);
  const gate = await gatewayFor(opened, { fetch: globalThis.fetch }, { config, policy });
  const listener = unwrap(await listenGateway(gate.gateway, "127.0.0.1", 0));
  const fetchFile: Site["fetch"] = async (project, filename) => {
    const base = `${listener.url}/simple/${project}/`;
    const accept = "application/vnd.pypi.simple.v1+json";
    const page = await (await fetch(base, { headers: { accept } })).json();
    const { files } = page as { files: { filename: string; url: string }[] };
    const link = files.find((file) => file.filename === filename)?.url;
    if (link === undefined) return "not listed";
    const answer = await fetch(new URL(link, base));
    const body = await answer.text();
    if (answer.status === 200) return "served";
    const code = answer.headers.get("x-wheelseal-code") ?? "no code";
    // pip shows the reason of the status line, uv the document.
    const told = answer.statusText.startsWith(`${code}: `) && JSON.parse(body).title === code;
    return told ? code : `${code} is not told`;
  };
  const site = { opened, upstream, fetch: fetchFile };
  upstream.add("startup", STARTUP_CODE);
  upstream.add("internal", await signWheel(opened, "internal", "1.0"));
  const confusing = wheelOf("internal", "99.0", "import os\n");
  stranger.add("internal", { filename: "internal-99.0-py3-none-any.whl", content: confusing });
  await Promise.all(ATTACKS.map(({ stage }) => stage(site)));
  const close = async (): Promise<void> => {
    await listener.close();
    await gate.remove();
    upstream.close();
    stranger.close();
    await opened.close();
  };
  return { ...site, gate, stranger, listener, close };
};
