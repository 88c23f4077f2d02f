import { resolve } from "node:path";
import { type Audit, unitOf } from "../consumer/audit.ts";
import { utf8 } from "../formats/bytes.ts";
import { type Invocation, refuse } from "./command.ts";
import { auditJunit, auditSarif, showAudit } from "./render-audit.ts";
import { shardLine } from "./render-release.ts";

/** Prints an audit, and writes the reports that were asked for; gives the exit code. */
export const concludeAudit = async (invocation: Invocation, audit: Audit): Promise<number> => {
  const { terminal, files, flags } = invocation;
  const reports = { junit: auditJunit, sarif: auditSarif } as const;
  for (const [flag, document] of Object.entries(reports)) {
    const path = flags[flag];
    if (typeof path !== "string") continue;
    const written = await files.write(resolve(terminal.cwd, path), utf8(document(audit)));
    if (!written.ok) return refuse(invocation, written.error);
  }
  if (flags.json === true) terminal.out(JSON.stringify(audit, null, 2));
  else {
    showAudit(terminal, audit);
    if (audit.shard !== undefined) {
      const judged = new Set(audit.files.map(unitOf)).size;
      terminal.out(shardLine(audit.shard, judged, "packages"));
    }
  }
  return audit.error === undefined ? 0 : refuse({ ...invocation, flags: {} }, audit.error);
};
