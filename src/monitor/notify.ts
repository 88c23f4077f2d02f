import { exchange } from "../clients/http.ts";
import type { Outside } from "../clients/outside.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import type { Alarm } from "./alarm.ts";

const MAX_ANSWER = 1024 * 1024;

/**
 * Posts each alarm as JSON. `Idempotency-Key` is the alarm's id, since one may be posted again
 * after an attempt that was broken off.
 *
 * @param url - may itself be a secret, and is never told
 */
export const postAlarms = async (
  alarms: readonly Alarm[],
  url: string,
  outside: Outside,
): Promise<Result<void>> => {
  for (const alarm of alarms) {
    const answer = await exchange(outside, {
      method: "POST",
      url,
      headers: { "content-type": "application/json", "idempotency-key": alarm.id },
      body: () => JSON.stringify({ text: summary(alarm), alarm }),
      maxBytes: MAX_ANSWER,
      service: "webhook",
    });
    if (!answer.ok) {
      const { code } = answer.error;
      return fail(code, "the webhook could not be told of an alarm; it will be tried again");
    }
    const { status } = answer.value;
    if (status < 200 || status >= 300) {
      return fail("NETWORK_RESPONSE", `the webhook answered ${status} to an alarm`);
    }
  }
  return ok(undefined);
};

/** One line about an alarm, for people. */
const summary = ({ code, message, log }: Alarm): string =>
  visible(`${code}: ${message} (${log.origin || log.url})`).replaceAll(/\s+/g, " ");

/** Text of somebody else as code in Markdown, which nothing in it can end or format. */
const code = (text: string): string =>
  `\`${visible(text).replaceAll("`", "\\u{60}").replaceAll(/\s+/g, " ")}\``;

const rows = ({ id, at, log, entry }: Alarm): [string, string][] => [
  ["Alarm", id],
  ["First seen", at],
  ["Log", log.url],
  ["Tree", log.origin],
  ...(entry === undefined
    ? []
    : ([
        ["Entry", `${entry.index}`],
        ["Leaf hash", entry.leafHash],
        ["Kind", entry.kind ?? "cannot be read"],
        ["Signed digest", entry.digest ?? "cannot be read"],
        ["Identity", entry.certificate.san],
        ["Issuer", entry.certificate.issuer],
        ["Commit", entry.certificate.claims["13"] ?? ""],
        ["Ref", entry.certificate.claims["14"] ?? ""],
        ["Job", entry.certificate.claims["21"] ?? ""],
        ["Certificate", `sha256:${entry.certificate.sha256}`],
        ["Certificate issued", entry.certificate.notBefore],
        ["Logged", entry.integratedTime ?? ""],
      ] satisfies [string, string][])),
];

const MAX_TITLE = 255;

/**
 * An alarm as GitLab's API takes an issue (`POST /projects/:id/issues`): confidential, and with
 * the alarm's id in it, so that it can be looked for before another is opened.
 */
export const gitlabIssue = (alarm: Alarm) => ({
  title: summary(alarm).slice(0, MAX_TITLE),
  description: [
    `${code(alarm.message)}`,
    alarm.hint,
    ["| | |", "|---|---|", ...tableRows(alarm)].join("\n"),
    ...(alarm.proof?.kept === undefined ? [] : [fenced("Checkpoint before", alarm.proof.kept)]),
    ...(alarm.proof?.offered === undefined ? [] : [fenced("Checkpoint now", alarm.proof.offered)]),
  ].join("\n\n"),
  labels: `security,wheelseal-monitor,${alarm.code}`,
  confidential: true,
});

const tableRows = (alarm: Alarm): string[] =>
  rows(alarm)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `| ${name} | ${code(value).replaceAll("|", "\\u{7c}")} |`);

/** Indented as code, so that no fence in it can end it. */
const fenced = (title: string, text: string): string =>
  `${title}:\n\n${visible(text)
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n")}`;
