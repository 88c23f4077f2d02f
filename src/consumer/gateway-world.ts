import type { Files } from "../clients/files.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Failure, Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Expected } from "../verification/policy.ts";
import { type BoundedStore, boundStore, type StoreLimit } from "./bounded-store.ts";
import type { GatewayConfig } from "./gateway-config.ts";
import type { Feed } from "./gateway-feed.ts";
import type { Metrics } from "./gateway-metrics.ts";
import type { GatewayEvent, GatewayState } from "./gateway-state.ts";
import { openGatewayStore } from "./gateway-store.ts";
import type { Upstreams } from "./upstreams.ts";

/** One line of the log, printed as JSON. */
export type LogLine = { readonly level: "info" | "warn" | "error"; readonly event: string } & {
  readonly [field: string]: string | number | undefined;
};

export type PolicyExpected = Extract<Expected, { kind: "policy" }>;

/** What every part of the gateway works with. */
export type GatewayWorld = {
  readonly config: GatewayConfig;
  readonly policy: PolicyExpected;
  /** Digest of policy and configuration: a verdict under another one counts no more. */
  readonly fingerprint: string;
  readonly upstreams: Upstreams;
  readonly state: GatewayState;
  readonly store: BoundedStore;
  readonly files: Files;
  readonly trust: () => Promise<Result<TrustedRoot>>;
  readonly metrics: Metrics;
  /** Every event of this replica's trail, as it happens. */
  readonly feed: Feed;
  readonly log: (line: LogLine) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Puts an event on the audit trail, and tells who watches. */
export const tell = async (world: GatewayWorld, event: Omit<GatewayEvent, "at">): Promise<void> => {
  const dated = { ...event, at: world.now() };
  await world.state.record(dated);
  announce(world, dated);
};

/** Tells who watches of an event that is on the trail: the log, the counters, the feed. */
export const announce = (world: GatewayWorld, event: GatewayEvent): void => {
  const { kind, project, filename, sha256, code, message } = event;
  world.metrics.count("wheelseal_gateway_events_total", { kind, code: code ?? "none" });
  const level = kind === "alarm" ? "error" : kind === "refused" ? "warn" : "info";
  world.log({ level, event: kind, project, filename, sha256, code, message });
  world.feed.publish(event);
};

/** Opens the store in `folder`, with the limit of the configuration. @returns FILE_UNWRITABLE */
export const openStoreFor = async (
  { config, metrics, log, now }: Pick<GatewayWorld, "config" | "metrics" | "log" | "now">,
  folder: string,
): Promise<Result<BoundedStore>> => {
  const store = await openGatewayStore(folder);
  if (!store.ok) return store;
  const evicted: StoreLimit["evicted"] = ({ digest: sha256, size }, removed) => {
    if (!removed.ok) {
      const { code, message } = removed.error;
      return log({ level: "error", event: "store", sha256, code, message });
    }
    metrics.count("wheelseal_gateway_store_evictions_total", {});
    log({ level: "info", event: "evicted", sha256, size });
  };
  const bounded = await boundStore(store.value, { limit: config.storeLimit, evicted, now });
  if (bounded.ok) metrics.gauge("wheelseal_gateway_store_bytes", bounded.value.bytes);
  return bounded;
};

/** Whether the policy names this very digest for the project. */
export const isPinned = (
  { policy }: Pick<GatewayWorld, "policy">,
  { project, sha256 }: { readonly project: NormalizedName; readonly sha256: string },
): boolean => policy.policy.packages.get(project)?.pins?.includes(sha256) === true;

/** Failures that say nothing about a file: the check could not be made. */
export const isOutage = ({ code }: Failure): boolean =>
  [
    ...["NETWORK_UNREACHABLE", "NETWORK_RESPONSE", "REGISTRY_AUTH", "REGISTRY_FORBIDDEN"],
    ...["REGISTRY_RESPONSE", "FILE_UNWRITABLE", "FILE_UNREADABLE", "TUF_ROLLBACK", "TUF_INVALID"],
    ...["TRUST_FORMAT", "TRUST_EMPTY", "TRUST_EXPIRED", "STATE_UNREACHABLE"],
  ].includes(code);
