import type { LogReader, OfferedTree } from "../clients/log-reader.ts";
import type { Sha256 } from "../crypto/hash.ts";
import { equal, hex } from "../formats/bytes.ts";
import { type CompactRange, rangeRoot } from "../formats/compact-range.ts";
import { verifyConsistency } from "../formats/merkle.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { openCheckpoint } from "../verification/checkpoint.ts";
import { covers } from "../verification/window.ts";
import { checkWitnesses } from "../verification/witness.ts";
import type { Follower } from "./follower.ts";

/** A checkpoint that the log signed and enough witnesses vouch for. */
export type Head = {
  /** As it came, with its signatures. */
  readonly note: string;
  /** What was signed. */
  readonly text: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Sha256;
};

/** A tree that grows is signed with a key that is valid now, unless all of the log's have ended. */
const keysFor = ({ active }: OfferedTree, { log, now }: Pick<Follower, "log" | "now">) => {
  const valid = log.keys.filter(({ validity }) => covers(validity, now()));
  return active && valid.length > 0 ? valid : log.keys;
};

type Opening = Pick<Follower, "log" | "now" | "witnesses" | "witnessThreshold">;

/** Opens what a log offers as a tree's checkpoint, with one of the log's keys. */
export const openHead = async (tree: OfferedTree, opening: Opening): Promise<Result<Head>> => {
  const { id, checkpoint: text } = tree;
  const { log, witnesses, witnessThreshold } = opening;
  let nearest: Failure = failure("TLOG_UNKNOWN_LOG", `the trust root has no key of ${log.url}`);
  for (const key of keysFor(tree, opening)) {
    const opened = await openCheckpoint(text, key);
    if (!opened.ok) {
      nearest = opened.error;
      continue;
    }
    const { note, checkpoint } = opened.value;
    const { origin, rootHash } = checkpoint;
    // Rekor v1 has the tree's id in its origin: one tree must not stand for another.
    if (id !== "" && !origin.endsWith(` - ${id}`)) {
      return fail("TLOG_CHECKPOINT", `the checkpoint of tree ${id} is of ${origin}`);
    }
    const size = Number(checkpoint.size);
    if (!Number.isSafeInteger(size)) {
      return fail("TLOG_CHECKPOINT", `a tree of ${checkpoint.size} leaves cannot be followed`);
    }
    const vouched = await checkWitnesses(note, { witnesses, threshold: witnessThreshold });
    if (!vouched.ok) return vouched;
    return ok({ note: text, text: note.text, origin, size, root: rootHash as Sha256 });
  }
  return { ok: false, error: nearest };
};

type Sized = Pick<Head, "size" | "root">;

const headOf = ({ size, root }: Sized) => ({ size: BigInt(size), root });

/** What became of asking a log for a proof; `proof` is what it gave. */
export type Proven = { readonly result: Result<undefined>; readonly proof: readonly string[] };

/**
 * Has the log prove that `newer` goes on from `older`.
 *
 * @returns `TLOG_CONSISTENCY` for a proof that is none; else what the reader fails with
 */
export const proveConsistency = async (
  reader: LogReader,
  tree: OfferedTree,
  older: Sized,
  newer: Sized,
): Promise<Proven> => {
  const asks = older.size > 0 && older.size < newer.size;
  const given = asks ? await reader.consistency(tree, older.size, newer.size) : ok([]);
  if (!given.ok) return { result: given, proof: [] };
  const result = verifyConsistency(headOf(older), headOf(newer), given.value);
  return { result, proof: given.value.map(hex) };
};

/**
 * Proves that the leaves which were looked at are the first ones of the tree that the log signed.
 *
 * @returns `MONITOR_ALTERED` where they are not; else what the reader fails with
 */
export const proveRange = async (
  reader: LogReader,
  tree: OfferedTree,
  range: CompactRange,
  head: Sized,
): Promise<Result<undefined>> => {
  const root = rangeRoot(range);
  if (range.size === head.size) {
    if (equal(root, head.root)) return ok(undefined);
    const [signed, found] = [hex(head.root), hex(root)];
    const message = `the log signed the root ${signed} of ${head.size} entries, and theirs is ${found}`;
    return fail("MONITOR_ALTERED", message);
  }
  const { result } = await proveConsistency(reader, tree, { size: range.size, root }, head);
  if (result.ok || result.error.code !== "TLOG_CONSISTENCY") return result;
  const message = `the first ${range.size} entries are not those of the ${head.size} that the log signed`;
  return fail("MONITOR_ALTERED", message);
};
