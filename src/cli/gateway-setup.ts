import { dirname } from "node:path";
import { openFeed } from "../consumer/gateway-feed.ts";
import { openMetrics } from "../consumer/gateway-metrics.ts";
import { type GatewayWorld, type LogLine, openStoreFor } from "../consumer/gateway-world.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Invocation } from "./command.ts";
import { configuredUpstreams, policyOf, readConfig } from "./gateway-file.ts";
import { openGatewayLog } from "./gateway-log.ts";
import { openMemoryAndStore } from "./gateway-state.ts";
import type { Settings } from "./settings.ts";
import { trustOf } from "./trust.ts";

/** A TUF repository is asked again when that is due; this is how often it is looked at. */
const TRUST_PERIOD = 60 * 60 * 1000;

/** The trust root, looked at again from time to time; a failed refresh leaves the one that was. */
const trustedRoot = (
  invocation: Invocation,
  settings: Settings,
  log: (line: LogLine) => void,
): (() => Promise<Result<TrustedRoot>>) => {
  let last: { at: number; root: TrustedRoot } | undefined;
  return async () => {
    const now = invocation.outside.now();
    if (last !== undefined && now - last.at < TRUST_PERIOD) return ok(last.root);
    const trust = await trustOf(invocation, settings);
    if (trust.ok) last = { at: now, root: trust.value.root };
    else
      log({ level: "error", event: "trust", code: trust.error.code, message: trust.error.message });
    if (trust.ok || last === undefined) return trust.ok ? ok(trust.value.root) : trust;
    return ok(last.root);
  };
};

/** With the folder that only this process uses. */
export type OpenedWorld = GatewayWorld & { readonly folder: string };

/** Everything that the gateway works with, opened. */
export const openGatewayWorld = async (
  invocation: Invocation,
  settings: Settings,
  file: string,
): Promise<Result<OpenedWorld>> => {
  const { outside, files } = invocation;
  const read = await readConfig(invocation, file);
  if (!read.ok) return read;
  const { config } = read.value;
  const policy = await policyOf(invocation, read.value);
  if (!policy.ok) return policy;
  const upstreams = await configuredUpstreams(invocation, read.value);
  if (!upstreams.ok) return upstreams;
  const log = openGatewayLog(config.logLevel, outside.now, invocation.terminal.err);
  const trust = trustedRoot(invocation, settings, log);
  const first = await trust();
  if (!first.ok) return first;
  const memory = await openMemoryAndStore(invocation);
  if (!memory.ok) return memory;
  const metrics = openMetrics();
  const watched = { config, metrics, log, now: outside.now };
  const store = await openStoreFor(watched, memory.value.store);
  if (!store.ok) return store;
  return ok({
    ...watched,
    folder: dirname(memory.value.store),
    policy: policy.value,
    fingerprint: hex(sha256(utf8(`${read.value.sha256} ${policy.value.sha256}`))),
    upstreams: upstreams.value,
    state: memory.value.state,
    store: store.value,
    files,
    trust,
    feed: openFeed(),
  });
};
