import { failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { type Command, refuse } from "./command.ts";
import { readSettings } from "./settings.ts";
import { fsckLogs, stateFolder } from "./stack.ts";

/** `wheelseal log fsck`: derives the local stack's logs anew and compares. */
export const logCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  if (operands[0] !== "fsck") {
    return refuse(invocation, failure("USAGE", "say log fsck"));
  }
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const reports = await fsckLogs(stateFolder(invocation, settings.value));
  if (!reports.ok) return refuse(invocation, reports.error);
  const damaged = reports.value.find(({ findings }) => findings.length > 0);
  const error =
    damaged && failure("STATE_CORRUPT", `${damaged.path}: ${damaged.findings.length} findings`);
  if (flags.json === true) {
    terminal.out(
      JSON.stringify({ ok: damaged === undefined, error, logs: reports.value }, null, 2),
    );
  } else {
    for (const { log, leaves, root, findings } of reports.value) {
      terminal.out(`${log.padEnd(8)} ${leaves} leaves, root ${root}, ${findings.length} findings`);
      for (const finding of findings) terminal.out(`         ${visible(finding)}`);
    }
  }
  return error === undefined ? 0 : refuse({ ...invocation, flags: {} }, error);
};
