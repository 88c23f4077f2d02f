import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BUILD_RECORD_NAME } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { SignedDistribution } from "../stages/2-sign.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { type PinnedRecord, pinnedRecord, writeDotenv } from "./pinned-record.ts";
import { progressFor } from "./render-progress.ts";
import { runSign, runSignFiles } from "./run-sign.ts";
import type { Run } from "./run-stages.ts";
import { inSession, openSession } from "./session.ts";
import { readSettings, type Settings } from "./settings.ts";

/** `wheelseal sign [DIST|FILE…]` */
export const signCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const paths = operands.map((operand) => resolve(terminal.cwd, operand));
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  if (await namesFiles(paths)) return signGivenFiles(invocation, settings.value, paths);
  const folder = paths[0] ?? resolve(terminal.cwd, "dist");
  const record = await pinnedRecord(invocation, settings.value, folder);
  if (!record.ok) return refuse(invocation, record.error);
  const signed = await signIn(invocation, settings.value, (run) =>
    runSign(run, folder, record.value?.record),
  );
  if (!signed.ok) return refuse(invocation, signed.error);
  const told = await tellLaterJobs(invocation, folder, record.value);
  if (!told.ok) return refuse(invocation, told.error);
  return tell(invocation, signed.value);
};

/** Several operands are files; one is a folder unless a file has its name. */
const namesFiles = async (paths: readonly string[]): Promise<boolean> => {
  const [first = ""] = paths;
  if (paths.length !== 1) return paths.length > 1;
  return (await stat(first).catch(() => undefined))?.isFile() ?? false;
};

/** What is about a release and its record has no meaning for files. */
const RELEASE_FLAGS = ["dotenv", "without-record", "force", "certificate-per-file"];

const signGivenFiles = async (
  invocation: Invocation,
  settings: Settings,
  paths: readonly string[],
): Promise<number> => {
  const flag = RELEASE_FLAGS.find((name) => invocation.flags[name] !== undefined);
  if (flag !== undefined) {
    const failure = fail("USAGE", `--${flag} is for a folder of distributions, not for files`);
    return refuse(invocation, failure.error);
  }
  const signed = await signIn(invocation, settings, (run) => runSignFiles(run, paths));
  return signed.ok ? tell(invocation, signed.value) : refuse(invocation, signed.error);
};

const signIn = async (
  invocation: Invocation,
  settings: Settings,
  work: (run: Run) => Promise<Result<SignedDistribution[]>>,
): Promise<Result<SignedDistribution[]>> => {
  const session = await openSession(invocation, settings, "gitlab", "signs");
  if (!session.ok) return session;
  const progress = progressFor(invocation.terminal, ["sign"]);
  const run = { invocation, session: session.value, report: progress.report };
  const signed = await inSession(session.value, () => work(run));
  progress.close();
  return signed;
};

const tell = ({ flags, terminal }: Invocation, signed: readonly SignedDistribution[]): number => {
  if (flags.json === true) {
    terminal.out(JSON.stringify({ ok: true, files: signed }, null, 2));
    return 0;
  }
  for (const { filename, kept, evidence } of signed) {
    terminal.out(`${kept ? "kept  " : "signed"} ${filename}`);
    for (const name of evidence) terminal.out(`       ${name}`);
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
