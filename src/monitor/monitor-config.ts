import { type Json, readJson } from "../formats/json.ts";
import type { Result } from "../formats/result.ts";
import { readIdentity } from "../verification/policy-format.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import type { Witness } from "../verification/witness.ts";
import { readWitnessDemand } from "../verification/witness-demand.ts";

/** A log that is named in the configuration. */
export type NamedLog = { readonly url: string; readonly api: 1 | 2 };

export type MonitorConfig = {
  readonly identities: readonly IdentityPolicy[];
  /** The trust root's logs where there are none. */
  readonly logs: readonly NamedLog[];
  /** Folders of records. */
  readonly records: readonly string[];
  readonly strict: boolean;
  /** Milliseconds that a record may come later than its entry. */
  readonly grace: number;
  /** Milliseconds for which a log may stay as it is. */
  readonly maxAge?: number;
  readonly witnesses: readonly Witness[];
  readonly witnessThreshold: number;
  readonly state?: string;
  /** Milliseconds between passes. */
  readonly interval?: number;
  /** Name of the variable that holds the webhook's URL. */
  readonly webhookUrlEnv?: string;
  readonly gitlabIssues?: string;
};

const MAX_IDENTITIES = 1024;
const MAX_LOGS = 64;
const MAX_FOLDERS = 64;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const text = (json: Json): string => {
  const value = json.string();
  return value.trim() === "" ? json.refuse("is empty") : value;
};

/** Milliseconds in `30s`, `5m`, `2h` or `7d`; `undefined` for another text. */
export const parseDuration = (value: string): number | undefined => {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit as keyof typeof UNITS];
};

const duration = (json: Json): number =>
  parseDuration(json.string()) ?? json.refuse("is no time such as 30s or 7d");

/** Passes without a pause between them would be an attack on the log. */
const pause = (json: Json): number => duration(json) || json.refuse("is no pause");

const log = (json: Json): NamedLog => {
  json.only("url", "api");
  const url = text(json.field("url")).replace(/\/+$/, "");
  const api = json.field("api");
  const version = api.integer();
  if (version !== 1 && version !== 2) return api.refuse("is neither 1 nor 2");
  return { url, api: version };
};

const optional = <K extends string>(json: Json, field: string, key: K): { [P in K]?: string } => {
  const member = json.optional(field);
  return (member === undefined ? {} : { [key]: text(member) }) as { [P in K]?: string };
};

/**
 * Reads the monitor's configuration: parsed TOML. Unknown keys are refused, since a misspelt one
 * would leave out what it was meant to watch.
 *
 * @returns `CONFIG`, with the place
 */
export const readMonitorConfig = (value: unknown): Result<MonitorConfig> =>
  readJson(value, "CONFIG", "monitor", (json) => {
    json.only(
      ...["identities", "logs", "records", "strict", "grace", "witnesses", "witness-threshold"],
      ...["state", "interval", "webhook-url-env", "gitlab-issues", "max-age"],
    );
    const demand = readWitnessDemand(json, 0);
    const grace = json.optional("grace");
    const interval = json.optional("interval");
    const maxAge = json.optional("max-age");
    return {
      identities: json.optional("identities")?.items(MAX_IDENTITIES).map(readIdentity) ?? [],
      logs: json.optional("logs")?.items(MAX_LOGS).map(log) ?? [],
      records: json.optional("records")?.items(MAX_FOLDERS).map(text) ?? [],
      strict: json.optional("strict")?.boolean() ?? false,
      grace: grace === undefined ? 0 : duration(grace),
      ...(maxAge === undefined ? {} : { maxAge: duration(maxAge) }),
      witnesses: demand?.witnesses ?? [],
      witnessThreshold: demand?.threshold ?? 0,
      ...optional(json, "state", "state"),
      ...(interval === undefined ? {} : { interval: pause(interval) }),
      ...optional(json, "webhook-url-env", "webhookUrlEnv"),
      ...optional(json, "gitlab-issues", "gitlabIssues"),
    };
  });
