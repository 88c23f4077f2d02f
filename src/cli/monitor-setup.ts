import { dirname, resolve } from "node:path";
import { parseToml } from "../clients/toml.ts";
import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Start } from "../monitor/follower.ts";
import { type MonitorConfig, readMonitorConfig } from "../monitor/monitor-config.ts";
import type { Invocation } from "./command.ts";
import type { Flags } from "./settings.ts";

const MAX_CONFIG = 1024 * 1024;
const STATE_FOLDER = ".wheelseal/monitor";

/** The folder of the monitor's state where no configuration names one. */
export const monitorState = ({ flags, terminal }: Invocation): string =>
  resolve(terminal.cwd, text(flags, "state") ?? STATE_FOLDER);

/** The configuration, with all paths made absolute. */
export type MonitorSetup = {
  readonly config: MonitorConfig;
  /** Folder of the monitor's state. */
  readonly state: string;
  readonly start: Start;
  /** Where issues are written: a file, or `-` for stdout. */
  readonly issues: string | undefined;
  readonly webhook: string | undefined;
};

type Table = Record<string, unknown>;

const fileTable = async ({ files, terminal }: Invocation, file: string): Promise<Result<Table>> => {
  const path = resolve(terminal.cwd, file);
  const bytes = await files.read(path, MAX_CONFIG);
  if (!bytes.ok) return bytes;
  const text = fromUtf8(bytes.value);
  if (!text.ok) return fail("FORMAT_TOML", `${file} is not UTF-8`);
  const table = parseToml(text.value, file);
  return table.ok ? ok(atFolder(table.value, dirname(path))) : table;
};

/** Paths of a configuration are relative to it. */
const atFolder = (table: Table, folder: string): Table => {
  const path = (value: unknown) => (typeof value === "string" ? resolve(folder, value) : value);
  const { records, state, "gitlab-issues": issues } = table;
  return {
    ...table,
    ...(Array.isArray(records) ? { records: records.map(path) } : {}),
    ...(state === undefined ? {} : { state: path(state) }),
    ...(issues === undefined || issues === "-" ? {} : { "gitlab-issues": path(issues) }),
  };
};

const text = (flags: Flags, name: string): string | undefined => {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
};

/** Whom the flags name: exactly, or as a GitLab project with a ref. */
const flagIdentity = (flags: Flags): Result<Table | undefined> => {
  const [san, issuer, project, ref] = ["identity", "issuer", "project", "ref"].map((name) =>
    text(flags, name),
  );
  if (san === undefined && project === undefined) {
    return issuer === undefined && ref === undefined
      ? ok(undefined)
      : fail("USAGE", "--issuer and --ref go with --identity or --project");
  }
  if (issuer === undefined) return fail("USAGE", "say with --issuer who vouches for the identity");
  if (san !== undefined && project !== undefined) {
    return fail("USAGE", "give --identity or --project, or both in a configuration");
  }
  if (san === undefined) return ok({ kind: "gitlab", issuer, project, ...(ref ? { ref } : {}) });
  return ref === undefined
    ? ok({ kind: "exact", issuer, identity: san })
    : fail("USAGE", "--ref goes with --project: --identity is exact");
};

/** What the flags say, in the words of the configuration, which they win over. */
const flagTable = (flags: Flags, cwd: string): Result<Table> => {
  const identity = flagIdentity(flags);
  if (!identity.ok) return identity;
  const path = (name: string) => {
    const value = text(flags, name);
    return value === undefined || value === "-" ? value : resolve(cwd, value);
  };
  const threshold = text(flags, "witness-threshold");
  const [one, two] = [text(flags, "rekor-url"), text(flags, "rekor-v2-url")];
  const logs = [
    ...(one === undefined ? [] : [{ url: one, api: 1 }]),
    ...(two === undefined ? [] : [{ url: two, api: 2 }]),
  ];
  const records = path("records");
  const witnesses = text(flags, "witness")?.trim().split(/\s+/);
  const named: Table = {
    identities: identity.value && [identity.value],
    logs: logs.length === 0 ? undefined : logs,
    records: records === undefined ? undefined : [records],
    strict: flags.strict === true ? true : undefined,
    grace: text(flags, "grace"),
    witnesses,
    "witness-threshold": threshold === undefined ? undefined : Number(threshold),
    state: path("state"),
    interval: text(flags, "interval"),
    "webhook-url-env": text(flags, "webhook-url-env"),
    "gitlab-issues": path("gitlab-issues"),
  };
  return ok(Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)));
};

const startOf = (flags: Flags): Result<Start> => {
  const index = text(flags, "from-index");
  if (index === undefined) return ok({ kind: "now" });
  if (flags["from-now"] === true) return fail("USAGE", "give --from-now or --from-index");
  return /^\d{1,15}$/.test(index)
    ? ok({ kind: "index", index: Number(index) })
    : fail("USAGE", "--from-index must be the number of an entry");
};

const webhookOf = (
  { webhookUrlEnv: name }: MonitorConfig,
  env: Readonly<Record<string, string | undefined>>,
): Result<string | undefined> => {
  if (name === undefined) return ok(undefined);
  const value = env[name] ?? "";
  const isUrl = ["http:", "https:"].includes(URL.parse(value)?.protocol ?? "");
  return isUrl ? ok(value) : fail("CONFIG", `the variable ${name} holds no http or https URL`);
};

/** The monitor's configuration: flags over the file. Fails with USAGE, CONFIG and what files do. */
export const monitorSetup = async (invocation: Invocation): Promise<Result<MonitorSetup>> => {
  const { flags, terminal } = invocation;
  const file = text(flags, "config");
  const base = file === undefined ? ok({}) : await fileTable(invocation, file);
  if (!base.ok) return base;
  const said = flagTable(flags, terminal.cwd);
  if (!said.ok) return said;
  const config = readMonitorConfig({ ...base.value, ...said.value });
  if (!config.ok) return config;
  if (flags.once === true && flags.interval !== undefined) {
    return fail("USAGE", "give --once or --interval");
  }
  if (flags.offline === true) return fail("USAGE", "a log cannot be followed with --offline");
  if (flags.json === true && config.value.gitlabIssues === "-") {
    return fail("USAGE", "--json and issues on stdout are two documents: write one to a file");
  }
  const start = startOf(flags);
  if (!start.ok) return start;
  const webhook = webhookOf(config.value, terminal.env);
  if (!webhook.ok) return webhook;
  return ok({
    config: config.value,
    state: config.value.state ?? monitorState(invocation),
    start: start.value,
    issues: config.value.gitlabIssues,
    webhook: webhook.value,
  });
};
