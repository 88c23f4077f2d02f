import { resolve } from "node:path";
import { BUILD_RECORD_NAME } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { type PinnedRecord, pinnedRecord, writeDotenv } from "./pinned-record.ts";
import { progressFor } from "./render-progress.ts";
import { runSign } from "./run-sign.ts";
import { inSession, openSession } from "./session.ts";
import { readSettings } from "./settings.ts";

/** `wheelseal sign [DIST]` */
export const signCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const folder = resolve(terminal.cwd, operands[0] ?? "dist");
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const record = await pinnedRecord(invocation, settings.value, folder);
  if (!record.ok) return refuse(invocation, record.error);
  const session = await openSession(invocation, settings.value, "gitlab", "signs");
  if (!session.ok) return refuse(invocation, session.error);
  const progress = progressFor(terminal, ["sign"]);
  const run = { invocation, session: session.value, report: progress.report };
  const signed = await inSession(session.value, () => runSign(run, folder, record.value?.record));
  progress.close();
  if (!signed.ok) return refuse(invocation, signed.error);
  const told = await tellLaterJobs(invocation, folder, record.value);
  if (!told.ok) return refuse(invocation, told.error);
  if (flags.json === true) {
    terminal.out(JSON.stringify({ ok: true, files: signed.value }, null, 2));
  } else {
    for (const { filename, kept, evidence } of signed.value) {
      terminal.out(`${kept ? "kept  " : "signed"} ${filename}`);
      for (const name of evidence) terminal.out(`       ${name}`);
    }
  }
  return 0;
};

const tellLaterJobs = async (
  invocation: Invocation,
  folder: string,
  record: PinnedRecord | undefined,
): Promise<Result<void>> => {
  const { dotenv } = invocation.flags;
  if (typeof dotenv !== "string") return ok(undefined);
  if (record !== undefined) return writeDotenv(invocation, dotenv, record);
  return fail("BUILD_RECORD", `${folder} has no ${BUILD_RECORD_NAME} for --dotenv to name`);
};
