import { basename, resolve } from "node:path";
import type { Audit } from "../consumer/audit.ts";
import { closureEntries, statedIn } from "../consumer/closure-kit.ts";
import type { ClosureVerdict } from "../consumer/closure-verdict.ts";
import { bytesContent, draft } from "../consumer/kit-export.ts";
import { writeKitFile } from "../consumer/kit-file.ts";
import { KIT_PLACES } from "../consumer/kit-manifest.ts";
import { utf8 } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { Locks } from "./audit-locks.ts";
import type { OpenClosureWorld } from "./closure-setup.ts";
import type { Invocation } from "./command.ts";
import { describeTrust, kitTime, readSpan } from "./kit-making.ts";
import { tufChain } from "./kit-tuf.ts";
import type { Settings } from "./settings.ts";
import { VERSION } from "./version.ts";

/** An audit that was made, and the verdicts that it is of. */
export type Done = { readonly audit: Audit; readonly verdict: ClosureVerdict };

/** Everything that an auditor needs to come to the same verdicts alone, in one archive. */
export const exportEvidence = async (
  invocation: Invocation,
  settings: Settings,
  locks: Locks,
  { world, trust, audit, verdict }: OpenClosureWorld & Done,
): Promise<Result<void>> => {
  const path = invocation.flags.export;
  if (typeof path !== "string") return ok(undefined);
  const span = readSpan(invocation.flags["valid-for"]);
  if (!span.ok) return span;
  const entries = await closureEntries(world, verdict);
  if (!entries.ok) return entries;
  const chain = await tufChain(invocation, settings);
  if (!chain.ok) return chain;
  const sources = [locks.lock, ...(locks.since === undefined ? [] : [locks.since])];
  const archive = draft(
    "audit",
    {
      entries: entries.value,
      trust: { ...describeTrust(trust), root: trust.root },
      expect: world.expect,
      stated: statedIn(verdict),
      tool: `wheelseal ${VERSION}`,
      createdAt: kitTime(invocation),
      validFor: span.value,
    },
    [
      ...chain.value,
      bytesContent(KIT_PLACES.report, utf8(JSON.stringify(audit, null, 2))),
      ...sources.map(({ file, bytes }, at) =>
        bytesContent(`${KIT_PLACES.source}${at}-${basename(file)}`, bytes),
      ),
    ],
  );
  if (!archive.ok) return archive;
  const written = await writeKitFile(resolve(invocation.terminal.cwd, path), archive.value);
  if (!written.ok) return written;
  invocation.terminal.err(`evidence: ${path}, sha256:${written.value.sha256}`);
  return ok(undefined);
};
