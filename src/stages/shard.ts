import { type Json, parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Proof, ReleaseVerdict } from "./release.ts";

/** One of `total` equal parts of a run; `index` counts from 1, as CI_NODE_INDEX does. */
export type Shard = { readonly index: number; readonly total: number };

/** Which part a run was, and all the files that the whole is about. */
export type ShardNote = Shard & { readonly of: readonly string[] };

const MAX_SHARDS = 10_000;
const MAX_FILES = 1_000_000;
const MAX_CHECKS = 1000;
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads `I/N`; fails with USAGE. */
export const parseShard = (text: string): Result<Shard> => {
  const [, first = "", second = ""] = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text) ?? [];
  const shard = { index: Number(first), total: Number(second) };
  return shard.index >= 1 && shard.index <= shard.total && shard.total <= MAX_SHARDS
    ? ok(shard)
    : fail("USAGE", `the shard must be I/N with I from 1 to N, not ${text}`);
};

/** The files of a shard: every N-th of the sorted names, the same on every machine. */
export const filesOfShard = (names: readonly string[], { index, total }: Shard): string[] =>
  names.toSorted().filter((_, position) => position % total === index - 1);

/** What `wheelseal verify --shard I/N --json` printed. */
export type ShardResult = {
  readonly shard: ShardNote;
  readonly verdicts: readonly ReleaseVerdict[];
};

/** Reads the JSON document of one shard; fails with REPORT_SHARDS. */
export const parseShardResult = (bytes: Uint8Array, what: string): Result<ShardResult> => {
  const value = parseJson(bytes, MAX_BYTES, what);
  if (!value.ok) return value;
  return readJson(value.value, "REPORT_SHARDS", what, (json) => {
    const shard = json.field("shard");
    const text = `${shard.field("index").integer()}/${shard.field("total").integer()}`;
    const of = shard
      .field("of")
      .items(MAX_FILES)
      .map((item) => item.string());
    const verdicts = json.field("files").items(MAX_FILES).map(readVerdict);
    // A shard that ended early has an error and fewer verdicts: it must not pass for a whole one.
    const failed = verdicts.some(({ failure }) => failure !== undefined);
    if (json.field("ok").boolean() === failed) json.field("ok").refuse("is not what the files say");
    return { shard: { ...shard.take(parseShard(text)), of }, verdicts };
  });
};

const readVerdict = (json: Json): ReleaseVerdict => {
  json.field("filename").string();
  json.field("size").integer();
  if (json.field("sha256").hex().length !== 32) json.field("sha256").refuse("is not a SHA-256");
  const failure = json.optional("failure");
  for (const name of ["code", "message", "hint"]) failure?.field(name).string();
  json.field("findings").items(MAX_FILES);
  json.field("waivers").items(MAX_CHECKS);
  const proofs = json.field("proofs").items(MAX_CHECKS);
  const verified = proofs.map((proof) => readProof(proof));
  if (failure === undefined && (verified.length === 0 || verified.includes(false))) {
    json.field("proofs").refuse("do not verify, and no failure is told");
  }
  return json.value as ReleaseVerdict;
};

const readProof = (json: Json): Proof["verdict"]["verified"] => {
  json.field("kind").string();
  const verdict = json.field("verdict");
  for (const check of verdict.field("checks").items(MAX_CHECKS)) {
    check.field("name").string();
    check.field("status").string();
    check.field("detail").string();
  }
  return verdict.field("verified").boolean();
};

/** What one shard of a run gave, of whatever kind. */
type Part<T> = { readonly shard: ShardNote; readonly verdicts: readonly T[] };

/**
 * Joins the shards of one run: each there once, all about the same files, and every file judged by
 * the shard that it falls to. Fails with REPORT_SHARDS, or DIST_EMPTY where the whole is empty.
 */
export const mergeShards = (results: readonly ShardResult[]): Result<ReleaseVerdict[]> => {
  const merged = joinShards(results, (verdicts) => verdicts.map(({ filename }) => filename));
  return merged.ok
    ? ok(merged.value.toSorted((a, b) => (a.filename < b.filename ? -1 : 1)))
    : merged;
};

/**
 * The same for results of any kind, in the order of the shards.
 * @param unitsOf - what was judged, by the names that the shards were made of, each once
 */
export const joinShards = <T>(
  results: readonly Part<T>[],
  unitsOf: (verdicts: readonly T[]) => readonly string[],
): Result<T[]> => {
  const [first] = results;
  if (first === undefined) return fail("REPORT_SHARDS", "there is no shard to join");
  const { total, of } = first.shard;
  if (of.length === 0) return fail("DIST_EMPTY", "the shards are of a folder without files");
  const byIndex = new Map<number, Part<T>>();
  for (const result of results) {
    const { shard } = result;
    const same = shard.total === total && shard.of.toSorted().join("/") === of.toSorted().join("/");
    if (!same) return fail("REPORT_SHARDS", `shard ${shard.index} is of another run`);
    if (byIndex.has(shard.index))
      return fail("REPORT_SHARDS", `shard ${shard.index} is there twice`);
    byIndex.set(shard.index, result);
  }
  const merged: T[] = [];
  for (let index = 1; index <= total; index++) {
    const verdicts = byIndex.get(index)?.verdicts;
    if (verdicts === undefined)
      return fail("REPORT_SHARDS", `shard ${index} of ${total} is missing`);
    const wanted = filesOfShard(of, { index, total });
    const judged = unitsOf(verdicts).toSorted();
    if (judged.join("/") !== wanted.join("/")) {
      return fail(
        "REPORT_SHARDS",
        `shard ${index} judged ${judged.length} of ${wanted.length} files`,
      );
    }
    merged.push(...verdicts);
  }
  return ok(merged);
};
