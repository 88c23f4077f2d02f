import { resolve } from "node:path";
import { isAudit, mergeAudits } from "../consumer/audit-merge.ts";
import { utf8 } from "../formats/bytes.ts";
import { failure } from "../formats/result.ts";
import { mergeShards, parseShardResult, type ShardResult } from "../stages/shard.ts";
import { type Command, refuse } from "./command.ts";
import { concludeAudit } from "./conclude-audit.ts";
import { junitDocument, releaseDocument, showRelease } from "./render-release.ts";

const MAX_RESULT = 256 * 1024 * 1024;

/** `wheelseal report merge RESULT…`: one verdict from the JSON results of all shards of a run. */
export const reportCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const [action, ...paths] = operands;
  if (action !== "merge" || paths.length === 0) {
    return refuse(invocation, failure("USAGE", "say wheelseal report merge RESULT…"));
  }
  const documents: { bytes: Uint8Array; what: string }[] = [];
  for (const path of paths) {
    const bytes = await files.read(resolve(terminal.cwd, path), MAX_RESULT);
    if (!bytes.ok) return refuse(invocation, bytes.error);
    documents.push({ bytes: bytes.value, what: path });
  }
  if (documents.some(({ bytes }) => isAudit(bytes))) {
    const audit = mergeAudits(documents);
    return audit.ok ? concludeAudit(invocation, audit.value) : refuse(invocation, audit.error);
  }
  const results: ShardResult[] = [];
  for (const { bytes, what } of documents) {
    const result = parseShardResult(bytes, what);
    if (!result.ok) return refuse(invocation, result.error);
    results.push(result.value);
  }
  const merged = mergeShards(results);
  if (!merged.ok) return refuse(invocation, merged.error);
  const verdicts = merged.value;
  if (typeof flags.junit === "string") {
    const report = utf8(junitDocument(verdicts));
    const written = await files.write(resolve(terminal.cwd, flags.junit), report);
    if (!written.ok) return refuse(invocation, written.error);
  }
  const failed = verdicts.find((verdict) => verdict.failure !== undefined)?.failure;
  if (flags.json === true) terminal.out(releaseDocument(verdicts, failed));
  else for (const verdict of verdicts) showRelease(terminal, verdict);
  if (failed !== undefined) return refuse({ ...invocation, flags: {} }, failed);
  terminal.err(`${verdicts.length} files verified in ${results.length} shards`);
  return 0;
};
