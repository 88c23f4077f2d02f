import { dirname, join, resolve } from "node:path";
import { rekorReaderAt } from "../clients/log-reader-rekor.ts";
import { tilesReaderAt } from "../clients/log-reader-tiles.ts";
import { parseToml } from "../clients/toml.ts";
import { fromUtf8, utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Alarm } from "../monitor/alarm.ts";
import type { FollowedLog, Progress, Start } from "../monitor/follower.ts";
import type { Monitor } from "../monitor/monitor.ts";
import { type MonitorConfig, type NamedLog, readMonitorConfig } from "../monitor/monitor-config.ts";
import type { MonitorState } from "../monitor/monitor-state.ts";
import { gitlabIssue, postAlarms } from "../monitor/notify.ts";
import { readRecords } from "../monitor/records-folder.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import type { Invocation } from "./command.ts";
import type { Flags, Settings } from "./settings.ts";
import { LOCAL_PROJECT, usesLocalStack } from "./stack.ts";
import { trustOf } from "./trust.ts";

const MAX_CONFIG = 1024 * 1024;
const STATE_FOLDER = ".wheelseal/monitor";

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
  return value === "" ? fail("CONFIG", `the variable ${name} holds no URL`) : ok(value);
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
  if (flags.json === true && config.value.gitlabIssues === "-") {
    return fail("USAGE", "--json and issues on stdout are two documents: write one to a file");
  }
  const start = startOf(flags);
  if (!start.ok) return start;
  const webhook = webhookOf(config.value, terminal.env);
  if (!webhook.ok) return webhook;
  return ok({
    config: config.value,
    state: config.value.state ?? resolve(terminal.cwd, STATE_FOLDER),
    start: start.value,
    issues: config.value.gitlabIssues,
    webhook: webhook.value,
  });
};

const trimmed = (url: string): string => url.replace(/\/+$/, "");

/** Ed25519 is what Rekor v2 signs with, and Rekor v1 never did. */
const apiOf = ({ publicKey }: TrustedRoot["tlogs"][number]): 1 | 2 =>
  publicKey.algorithm === "ed25519" ? 2 : 1;

const namedLog = ({ url, api }: NamedLog, { tlogs }: TrustedRoot): Result<FollowedLog> => {
  const own = tlogs.filter(({ baseUrl }) => trimmed(baseUrl) === url);
  // Keys from cosign's files have no address.
  const keys = own.length > 0 ? own : tlogs.filter(({ baseUrl }) => baseUrl === "");
  return keys.length > 0
    ? ok({ url, api, keys })
    : fail("CONFIG", `the trust root has no key of the log at ${url}`);
};

/** The logs to follow: those that are named, or all of the trust root. */
const followedLogs = (
  named: readonly NamedLog[],
  root: TrustedRoot,
): Result<FollowedLog[]> => {
  const logs: FollowedLog[] = [];
  for (const one of named) {
    const log = namedLog(one, root);
    if (!log.ok) return log;
    logs.push(log.value);
  }
  if (named.length > 0) return ok(logs);
  const found = new Map<string, FollowedLog>();
  for (const key of root.tlogs) {
    if (key.baseUrl === "") continue;
    const [url, api] = [trimmed(key.baseUrl), apiOf(key)];
    const known = found.get(`${api} ${url}`);
    found.set(`${api} ${url}`, { url, api, keys: [...(known?.keys ?? []), key] });
  }
  return found.size > 0
    ? ok([...found.values()])
    : fail("CONFIG", "the trust root names no log: give one with --rekor-url");
};

const writeIssues = (
  { terminal, files }: Invocation,
  file: string,
  alarms: readonly Alarm[],
): Promise<Result<void>> | Result<void> => {
  const document = JSON.stringify(alarms.map(gitlabIssue), null, 2);
  if (file !== "-") return files.write(file, utf8(`${document}\n`));
  terminal.out(document);
  return ok(undefined);
};

/** Whom to watch: who is named, else in the local profile its project, else this job's project. */
const watched = (
  { identities }: MonitorConfig,
  settings: Settings,
  issuerUrl: string | undefined,
): Result<readonly IdentityPolicy[]> => {
  if (identities.length > 0) return ok(identities);
  if (usesLocalStack(settings) && issuerUrl !== undefined) {
    return ok([{ kind: "gitlab", issuer: issuerUrl, project: LOCAL_PROJECT.path }]);
  }
  const { CI_SERVER_URL: issuer, CI_PROJECT_PATH: project } = settings.env;
  return issuer && project
    ? ok([{ kind: "gitlab", issuer, project }])
    : fail("USAGE", "say with --identity or --project whose signatures are to be watched");
};

/** Everything that a pass works with; the trust root is looked at anew. */
export const monitorFor = async (
  invocation: Invocation,
  settings: Settings,
  setup: MonitorSetup,
  state: MonitorState,
  report: (progress: Progress) => void,
): Promise<Result<Monitor>> => {
  const { outside, files } = invocation;
  const { config } = setup;
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const logs = followedLogs(config.logs, trust.value.root);
  if (!logs.ok) return logs;
  const identities = watched(config, settings, trust.value.issuerUrl);
  if (!identities.ok) return identities;
  return ok({
    logs: logs.value,
    readerOf: ({ url, api }) =>
      api === 1 ? rekorReaderAt(url, outside) : tilesReaderAt(url, outside),
    records: () => readRecords(config.records, files),
    strict: config.strict,
    tell: async (alarms) => {
      if (setup.issues !== undefined) {
        const written = await writeIssues(invocation, setup.issues, alarms);
        if (!written.ok) return written;
      }
      return setup.webhook === undefined
        ? ok(undefined)
        : postAlarms(alarms, setup.webhook, outside);
    },
    state,
    watch: {
      identities: identities.value,
      authorities: trust.value.root.certificateAuthorities,
    },
    witnesses: config.witnesses,
    witnessThreshold: config.witnessThreshold,
    start: setup.start,
    grace: config.grace,
    maxAge: config.maxAge,
    keep: (name, content) => files.write(join(setup.state, "unreadable", name), content),
    report,
    now: outside.now,
    sleep: outside.sleep,
  });
};
