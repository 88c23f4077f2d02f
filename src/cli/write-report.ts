import { kitPolicy } from "../consumer/kit-policy.ts";
import { digest } from "../crypto/hash.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { base64, fromUtf8, hex, utf8 } from "../formats/bytes.ts";
import { type Failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { formatTrustedRoot } from "../formats/trusted-root.ts";
import type { StageEvent } from "../stages/events.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { PipelineReport } from "../web/report.ts";
import { type ReportPanel, reportPage } from "../web/report-page.ts";
import { timelineOf } from "../web/timeline.ts";
import type { Invocation } from "./command.ts";
import { describeExpectation } from "./expectation.ts";
import { panelScript } from "./panel-script.ts";
import type { Session } from "./session.ts";
import { VERSION } from "./version.ts";

/** What a run knows when it ends, well or not. */
export type Ended = {
  readonly failure: Failure | undefined;
  readonly record: BuildRecord | undefined;
  readonly events: readonly StageEvent[];
  readonly verdicts: readonly ReleaseVerdict[];
  readonly imported: readonly string[];
};

const sha256Base64 = (text: string): string => base64(digest("sha256", utf8(text)));

export const reportOf = (
  invocation: Invocation,
  session: Pick<Session, "expect" | "trust">,
  ended: Ended,
): PipelineReport => ({
  reportVersion: 1,
  tool: { name: "wheelseal", version: VERSION },
  writtenAt: rfc3339(invocation.outside.now()),
  ok: ended.failure === undefined,
  ...(ended.failure === undefined ? {} : { error: ended.failure }),
  ...(ended.record === undefined ? {} : { record: ended.record }),
  timeline: timelineOf(ended.events),
  files: ended.verdicts,
  expected: describeExpectation(session.expect),
  trust: session.trust.from,
  imported: ended.imported,
});

/**
 * What the page verifies by: this run's trust root, and whom it expected for these files. There is
 * none for a managed key, which no policy can name.
 */
const panelOf = async (
  { expect, trust }: Pick<Session, "expect" | "trust">,
  { files }: PipelineReport,
): Promise<ReportPanel | undefined> => {
  const script = await panelScript();
  if (script === undefined || expect.kind === "key" || files.length === 0) return undefined;
  const names = files.map(({ filename }) => filename);
  const policy = fromUtf8(kitPolicy(expect, names).document);
  const root = formatTrustedRoot(trust.root);
  const trustedRoot = fromUtf8(root);
  if (!policy.ok || !trustedRoot.ok) return undefined;
  const given = `{"trustedRoot":${trustedRoot.value},"policy":${policy.value}}`;
  return { script, given, trustSha256: hex(digest("sha256", root)) };
};

/** Writes the report beside the distributions: a page for people, JSON for programs. */
export const writeReport = async (
  invocation: Invocation,
  session: Pick<Session, "expect" | "trust">,
  report: PipelineReport,
  folder: string,
): Promise<Result<string>> => {
  const page = `${folder}/wheelseal-report.html`;
  const json = utf8(`${JSON.stringify(report, null, 2)}\n`);
  const written = await invocation.files.write(`${folder}/wheelseal-report.json`, json);
  if (!written.ok) return written;
  const panel = await panelOf(session, report);
  const shown = await invocation.files.write(page, utf8(reportPage(report, sha256Base64, panel)));
  return shown.ok ? ok(page) : shown;
};
