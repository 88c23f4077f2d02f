import { type Json, parseJson, readJson } from "../formats/json.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { joinShards, parseShard, type ShardNote } from "../stages/shard.ts";
import { type Audit, type AuditFile, concluded, unitOf } from "./audit.ts";
import { readAudit } from "./audit-read.ts";

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_FILES = 1_000_000;

/** The audit of one shard. */
type AuditPart = Audit & { readonly shard: ShardNote };

/** Whether a JSON document is an audit's, not a verification's. */
export const isAudit = (bytes: Uint8Array): boolean => {
  const value = parseJson(bytes, MAX_BYTES, "report");
  const document = value.ok ? (value.value as { kind?: unknown } | null) : null;
  return document?.kind === "audit";
};

const readPart = (json: Json): AuditPart => {
  const audit = readAudit(json);
  const shard = json.field("shard");
  const text = `${shard.field("index").integer()}/${shard.field("total").integer()}`;
  const place = shard.take(parseShard(text));
  const of = shard
    .field("of")
    .items(MAX_FILES)
    .map((item) => item.string());
  return { ...audit, shard: { ...place, of } };
};

const parseAudit = (bytes: Uint8Array, what: string): Result<AuditPart> => {
  const value = parseJson(bytes, MAX_BYTES, what);
  if (!value.ok) return value;
  return readJson(value.value, "REPORT_SHARDS", what, readPart);
};

/** What must be the same in all parts. */
const rulesOf = ({ lock, since, policy, trust, unattested }: Audit): string =>
  JSON.stringify([lock.sha256, since?.sha256, policy?.sha256, trust, unattested]);

const unitsOf = (files: readonly AuditFile[]): string[] => [...new Set(files.map(unitOf))];

const distinct = <T>(items: readonly T[]): T[] => [
  ...new Map(items.map((item) => [JSON.stringify(item), item])).values(),
];

/**
 * Joins the audits of all shards of a lock into one.
 * @returns REPORT_SHARDS where they are not all parts of one run, by the same rules
 */
export const mergeAudits = (
  documents: readonly { readonly bytes: Uint8Array; readonly what: string }[],
): Result<Audit> => {
  const parts = all(documents.map(({ bytes, what }) => parseAudit(bytes, what)));
  if (!parts.ok) return parts;
  const [first] = parts.value;
  if (first === undefined) return fail("REPORT_SHARDS", "there is no shard to join");
  const other = parts.value.find((part) => rulesOf(part) !== rulesOf(first));
  if (other !== undefined) {
    return fail("REPORT_SHARDS", `shard ${other.shard.index} was audited by other rules`);
  }
  const files = joinShards(
    parts.value.map((part) => ({ shard: part.shard, verdicts: part.files })),
    unitsOf,
  );
  if (!files.ok) return files;
  const { shard: _shard, ok: _ok, error: _error, kind: _kind, ...rest } = first;
  return ok(
    concluded({
      ...rest,
      files: files.value,
      unverifiable: distinct(parts.value.flatMap((part) => part.unverifiable)),
      changes: distinct(parts.value.flatMap((part) => part.changes)),
    }),
  );
};
