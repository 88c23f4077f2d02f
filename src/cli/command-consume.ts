import { resolve } from "node:path";
import { parseName } from "../dists/name.ts";
import { parseVersion } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Command, refuse } from "./command.ts";
import { progressFor } from "./render-progress.ts";
import { releaseDocument, showRelease } from "./render-release.ts";
import { runConsume } from "./run-stages.ts";
import { inSession, openSession } from "./session.ts";
import { readSettings } from "./settings.ts";

const readRequirement = (text: string): Result<{ name: string; version: string }> => {
  const [name = "", version = "", ...more] = text.split("==");
  const parsed = { name: parseName(name.trim()), version: parseVersion(version.trim()) };
  if (more.length > 0 || !parsed.name.ok || !parsed.version.ok) {
    return fail("USAGE", "the release must be given as NAME==VERSION");
  }
  return ok({ name: parsed.name.value, version: version.trim() });
};

/** `wheelseal consume NAME==VERSION` */
export const consumeCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const release = readRequirement(operands[0] ?? "");
  if (!release.ok) return refuse(invocation, release.error);
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
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
  if (flags.json === true) terminal.out(releaseDocument(verdicts, undefined));
  else {
    for (const verdict of verdicts) showRelease(terminal, verdict);
    if (installed !== undefined) terminal.out(`imported ${installed.imported.join(", ")}`);
  }
  return 0;
};
