import { join, resolve } from "node:path";
import { temporaryFolder } from "../clients/temporary.ts";
import type { Closure } from "../consumer/closure.ts";
import type { ClosureWorld } from "../consumer/closure-world.ts";
import { besideIndex, readGatewayConfig } from "../consumer/gateway-config.ts";
import { type GatewayStore, openGatewayStore } from "../consumer/gateway-store.ts";
import { openUpstreams } from "../consumer/upstreams.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Expected } from "../verification/policy.ts";
import type { Invocation } from "./command.ts";
import { expectedFor, withWitnesses } from "./expectation.ts";
import { configuredUpstreams, policyOf, readConfig } from "./gateway-file.ts";
import { closeOnInterrupt } from "./interrupt.ts";
import { registryOf } from "./registry.ts";
import type { Settings } from "./settings.ts";
import { ensureStack, type LocalStack, profileOf } from "./stack.ts";
import { type Trust, trustOf } from "./trust.ts";

/** What a command that works on a lock needs, and how to let go of it. */
export type OpenClosureWorld = {
  readonly world: ClosureWorld;
  readonly trust: Trust;
  /** Closes what was opened; the store goes too, unless --store keeps it. */
  readonly close: () => Promise<void>;
};

/** Where files come from, how large they may be, and whom to expect of them. */
type Sources = Pick<ClosureWorld, "upstreams" | "maxBytes"> & {
  readonly expect: (trust: Trust) => Promise<Result<Expected | undefined>>;
};

/**
 * Whom to expect, if anybody was named: never this job itself, as elsewhere, since a lock is
 * about packages of many publishers.
 */
const namedExpectation = async (
  invocation: Invocation,
  settings: Settings,
  trust: Trust,
): Promise<Result<Expected | undefined>> => {
  const local = settings.text("profile") === "local";
  const named =
    settings.find("certificate-identity") !== undefined ||
    settings.find("policy") !== undefined ||
    (settings.policy !== undefined && !local);
  if (named) return expectedFor(invocation, settings, trust);
  const witness = settings.find("witness") ?? settings.find("witness-threshold");
  if (witness === undefined) return ok(undefined);
  return fail("CONFIG", `${witness.from} needs a policy, or an identity, of which it is demanded`);
};

/** The gateway's upstreams and policy, for who has a gateway's configuration. */
const fromConfig = async (
  invocation: Invocation,
  settings: Settings,
  file: string,
): Promise<Result<Sources>> => {
  const { flags } = invocation;
  const doubled = ["index-url", "evidence"].find((flag) => typeof flags[flag] === "string");
  if (doubled !== undefined) return fail("USAGE", `give --config or --${doubled}, not both`);
  const read = await readConfig(invocation, file);
  if (!read.ok) return read;
  const { config } = read.value;
  const flagged = flags.policy !== undefined || flags["certificate-identity"] !== undefined;
  const named = flagged || config.policy === undefined;
  const upstreams = await configuredUpstreams(invocation, read.value);
  if (!upstreams.ok) return upstreams;
  return ok({
    upstreams: upstreams.value,
    maxBytes: config.maxBytes,
    expect: async (trust) => {
      if (named) return namedExpectation(invocation, settings, trust);
      const policy = await policyOf(invocation, read.value);
      return policy.ok ? withWitnesses(policy.value, settings) : policy;
    },
  });
};

/** Settings that take a lock's own index where nobody named one. */
const withIndex = (settings: Settings, index: string | undefined): Settings => ({
  ...settings,
  text: (name) => settings.text(name) ?? (name === "index-url" ? index : undefined),
});

/** One index that owns every name: by the flags, the lock itself, or GitLab's own variables. */
const oneUpstream = (
  invocation: Invocation,
  settings: Settings,
  stack: LocalStack | undefined,
): Result<Sources> => {
  const { outside, files, flags, terminal } = invocation;
  const address = registryOf(settings, outside, stack).indexAddress();
  if (!address.ok) return address;
  const index = address.value.url.replace(/\/+$/, "");
  const { evidence } = flags;
  const config = readGatewayConfig({
    upstreams: [
      {
        ...{ name: "index", index, owns: ["*"] },
        demands: besideIndex(index) === undefined ? "attested" : "release",
        ...(typeof evidence === "string" ? { evidence: resolve(terminal.cwd, evidence) } : {}),
      },
    ],
  });
  if (!config.ok) return config;
  const { auth } = address.value;
  const upstreams = config.value.upstreams.map((one) => ({ config: one, auth }));
  return ok({
    upstreams: openUpstreams(upstreams, outside, files),
    maxBytes: config.value.maxBytes,
    expect: (trust) => namedExpectation(invocation, settings, trust),
  });
};

type OpenStore = { readonly store: GatewayStore; readonly discard: () => Promise<void> };

/** The store of --store, which others may use at the same time, or one for this run alone. */
const openStore = async ({ flags, terminal, files }: Invocation): Promise<Result<OpenStore>> => {
  const named = typeof flags.store === "string" ? resolve(terminal.cwd, flags.store) : undefined;
  if (named === undefined) {
    const { path, discard } = await temporaryFolder("wheelseal-closure-");
    const store = await openGatewayStore(path);
    return store.ok ? ok({ store: store.value, discard }) : store;
  }
  const incoming = join(named, `run-${process.pid}`);
  const store = await openGatewayStore(named, incoming);
  const discard = async () => {
    await files.remove(incoming);
  };
  return store.ok ? ok({ store: store.value, discard }) : store;
};

type Opened = Omit<OpenClosureWorld, "close"> & { readonly discard: () => Promise<void> };

const openWith = async (
  invocation: Invocation,
  settings: Settings,
  stack: LocalStack | undefined,
): Promise<Result<Opened>> => {
  const { outside, files, flags } = invocation;
  const { config } = flags;
  const sources =
    typeof config === "string"
      ? await fromConfig(invocation, settings, config)
      : oneUpstream(invocation, settings, stack);
  if (!sources.ok) return sources;
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const expect = await sources.value.expect(trust.value);
  if (!expect.ok) return expect;
  const opened = await openStore(invocation);
  if (!opened.ok) return opened;
  const { store, discard } = opened.value;
  const root = ok(trust.value.root);
  const { upstreams, maxBytes } = sources.value;
  const world: ClosureWorld = {
    ...{ upstreams, maxBytes, expect: expect.value, store, files },
    trust: async () => root,
    now: outside.now,
  };
  return ok({ world, trust: trust.value, discard });
};

/**
 * Opens what verifying a lock takes: upstreams and policy by --config (a gateway's configuration)
 * or by --index-url and --policy, the trust root, and a store.
 * @param lock - names the index where nothing else does
 */
export const openClosureWorld = async (
  invocation: Invocation,
  given: Settings,
  lock: Pick<Closure, "index">,
): Promise<Result<OpenClosureWorld>> => {
  const profile = profileOf(given, "gitlab");
  if (!profile.ok) return profile;
  const local = profile.value === "local";
  // What comes from the local stack's index was locked before it had this address.
  const settings = local ? given : withIndex(given, lock.index);
  const stack = local ? await ensureStack(invocation, settings) : ok(undefined);
  if (!stack.ok) return stack;
  const opened = await openWith(invocation, settings, stack.value);
  if (!opened.ok) {
    await stack.value?.close();
    return opened;
  }
  const { world, trust, discard } = opened.value;
  const closeAll = async () => {
    await discard();
    await stack.value?.close();
  };
  const release = closeOnInterrupt(invocation.terminal, closeAll);
  const close = () => {
    release();
    return closeAll();
  };
  return ok({ world, trust, close });
};
