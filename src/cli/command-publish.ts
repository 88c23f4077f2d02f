import { resolve } from "node:path";
import type { Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import type { StageName } from "../stages/events.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { pinnedRecord } from "./pinned-record.ts";
import { progressFor } from "./render-progress.ts";
import { waiverLines } from "./render-release.ts";
import { type Run, runPublish, runPublishSignatures, runVerify } from "./run-stages.ts";
import { openSession } from "./session.ts";
import { readSettings } from "./settings.ts";

type PublishedFiles = {
  readonly files: readonly { readonly filename: string; readonly outcome: string }[];
};

type Publish = (
  run: Run,
  folder: string,
  verdicts: readonly ReleaseVerdict[],
) => Promise<Result<PublishedFiles>>;

/** Nothing is published that was not verified in this very run. */
const verifyThen = async (
  invocation: Invocation,
  stage: StageName,
  publish: Publish,
): Promise<number> => {
  const { operands, flags, terminal, files } = invocation;
  const folder = resolve(terminal.cwd, operands[0] ?? "dist");
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const record = await pinnedRecord(invocation, settings.value, folder);
  if (!record.ok) return refuse(invocation, record.error);
  const session = await openSession(invocation, settings.value, "gitlab");
  if (!session.ok) return refuse(invocation, session.error);
  const progress = progressFor(terminal, ["verify", stage]);
  const run = { invocation, session: session.value, report: progress.report };
  try {
    const verified = await runVerify(run, folder);
    if (!verified.ok) return refuse(invocation, verified.error);
    const { verdicts, failure } = verified.value;
    if (failure !== undefined) return refuse(invocation, failure);
    const published = await publish(run, folder, verdicts);
    if (!published.ok) return refuse(invocation, published.error);
    const waivers = verdicts.flatMap((verdict) => verdict.waivers);
    if (flags.json === true)
      terminal.out(JSON.stringify({ ok: true, ...published.value, waivers }, null, 2));
    else {
      for (const line of new Set(verdicts.flatMap(waiverLines))) terminal.out(visible(line));
      for (const file of published.value.files)
        terminal.out(`${file.outcome.padEnd(8)} ${file.filename}`);
    }
    return 0;
  } finally {
    progress.close();
    await session.value.close();
  }
};

/** `wheelseal publish [DIST]` */
export const publishCommand: Command = (invocation) =>
  verifyThen(invocation, "publish", runPublish);

/** `wheelseal publish-signatures [DIST]` */
export const publishSignaturesCommand: Command = (invocation) =>
  verifyThen(invocation, "publish-signatures", runPublishSignatures);
