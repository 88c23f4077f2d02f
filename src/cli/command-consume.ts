import { resolve } from "node:path";
import { parseName } from "../dists/name.ts";
import { parseVersion } from "../dists/version.ts";
import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { pinnedRecord } from "./pinned-record.ts";
import { progressFor } from "./render-progress.ts";
import { releaseDocument, showRelease } from "./render-release.ts";
import { runConsume, type WantedRelease } from "./run-stages.ts";
import { inSession, openSession } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";

const readRequirement = (text: string): Result<{ name: string; version: string }> => {
  const [name = "", version = "", ...more] = text.split("==");
  const parsed = { name: parseName(name.trim()), version: parseVersion(version.trim()) };
  if (more.length > 0 || !parsed.name.ok || !parsed.version.ok) {
    return fail("USAGE", "the release must be given as NAME==VERSION");
  }
  return ok({ name: parsed.name.value, version: version.trim() });
};

const wantedRelease = async (
  invocation: Invocation,
  settings: Settings,
): Promise<Result<WantedRelease>> => {
  const { operands, flags, terminal } = invocation;
  const { from } = flags;
  if (typeof from !== "string") return readRequirement(operands[0] ?? "");
  if (operands.length > 0) return fail("USAGE", "give NAME==VERSION or --from, not both");
  const folder = resolve(terminal.cwd, from);
  const pinned = await pinnedRecord(invocation, settings, folder);
  if (!pinned.ok) return pinned;
  if (pinned.value === undefined) return fail("BUILD_RECORD", `${folder} has no build record`);
  const { record } = pinned.value;
  const release = readRequirement(`${record.name}==${record.version}`);
  return release.ok ? ok({ ...release.value, record }) : release;
};

/** The index must serve nothing else than what was built; the stage compares what was. */
const nothingElse = (
  record: BuildRecord | undefined,
  verdicts: readonly ReleaseVerdict[],
): Result<void> => {
  if (record === undefined) return ok(undefined);
  const built = new Set(record.distributions.map(({ filename }) => filename));
  const other = verdicts.find(({ filename }) => !built.has(filename));
  if (other === undefined) return ok(undefined);
  return fail("INDEX_FILE", `the index lists ${other.filename}, which was not built here`);
};

/** `wheelseal consume NAME==VERSION`, or `wheelseal consume --from DIST` */
export const consumeCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const release = await wantedRelease(invocation, settings.value);
  if (!release.ok) return refuse(invocation, release.error);
  const session = await openSession(invocation, settings.value, "gitlab");
  if (!session.ok) return refuse(invocation, session.error);
  const progress = progressFor(terminal, ["consume"]);
  const folder =
    typeof flags.download === "string" ? resolve(terminal.cwd, flags.download) : undefined;
  const run = { invocation, session: session.value, report: progress.report };
  const consumed = await inSession(session.value, () => runConsume(run, release.value, folder));
  progress.close();
  if (!consumed.ok) return refuse(invocation, consumed.error);
  const { verdicts, installed } = consumed.value;
  const only = nothingElse(release.value.record, verdicts);
  if (!only.ok) return refuse(invocation, only.error);
  if (flags.json === true) terminal.out(releaseDocument(verdicts, undefined));
  else {
    for (const verdict of verdicts) showRelease(terminal, verdict);
    if (installed !== undefined) terminal.out(`imported ${installed.imported.join(", ")}`);
  }
  return 0;
};
