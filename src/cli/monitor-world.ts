import { join } from "node:path";
import { rekorReaderAt } from "../clients/log-reader-rekor.ts";
import { tilesReaderAt } from "../clients/log-reader-tiles.ts";
import { utf8 } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Alarm } from "../monitor/alarm.ts";
import type { FollowedLog, Progress } from "../monitor/follower.ts";
import type { Monitor } from "../monitor/monitor.ts";
import type { MonitorConfig, NamedLog } from "../monitor/monitor-config.ts";
import type { MonitorState } from "../monitor/monitor-state.ts";
import { gitlabIssue, postAlarms } from "../monitor/notify.ts";
import { readRecords } from "../monitor/records-folder.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import type { Invocation } from "./command.ts";
import type { MonitorSetup } from "./monitor-setup.ts";
import type { Settings } from "./settings.ts";
import { LOCAL_PROJECT, usesLocalStack } from "./stack.ts";
import { trustOf } from "./trust.ts";

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

/** The log that signing uses, for trust roots that do not say where their logs are. */
const usedLogs = (settings: Settings): NamedLog[] => {
  const [one, two] = [settings.text("rekor-url"), settings.text("rekor-v2-url")];
  return [
    ...(one === undefined ? [] : [{ url: trimmed(one), api: 1 } as const]),
    ...(two === undefined ? [] : [{ url: trimmed(two), api: 2 } as const]),
  ];
};

/**
 * The logs to follow: those that are named; else all of the trust root, since verifiers accept
 * what is in any of them.
 */
const followedLogs = (
  named: readonly NamedLog[],
  root: TrustedRoot,
  settings: Settings,
): Result<FollowedLog[]> => {
  if (named.length > 0) return all(named.map((one) => namedLog(one, root)));
  const found = new Map<string, FollowedLog>();
  for (const key of root.tlogs) {
    if (key.baseUrl === "") continue;
    const [url, api] = [trimmed(key.baseUrl), apiOf(key)];
    const known = found.get(`${api} ${url}`);
    found.set(`${api} ${url}`, { url, api, keys: [...(known?.keys ?? []), key] });
  }
  if (found.size > 0) return ok([...found.values()]);
  const used = usedLogs(settings);
  return used.length > 0
    ? all(used.map((one) => namedLog(one, root)))
    : fail("CONFIG", "the trust root does not say where its logs are: give one with --rekor-url");
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
  // Nobody waits for a trust root to learn that a flag is missing.
  const named = usesLocalStack(settings) ? ok([]) : watched(config, settings, undefined);
  if (!named.ok) return named;
  const trust = await trustOf(invocation, settings);
  if (!trust.ok) return trust;
  const logs = followedLogs(config.logs, trust.value.root, settings);
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
