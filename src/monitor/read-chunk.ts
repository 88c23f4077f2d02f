import type { OfferedTree, ReadEntry } from "../clients/log-reader.ts";
import type { Sha256 } from "../crypto/hash.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { appendLeaf, type CompactRange } from "../formats/compact-range.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { alarmOf, type Cause, type PendingAlarm, type SignedEntry } from "./alarm.ts";
import type { Follower } from "./follower.ts";
import { proveRange } from "./head.ts";
import { type Inspection, inspectEntry } from "./inspect.ts";
import type { Counts, TreeState } from "./monitor-state.ts";

/** Entries that cannot be read and are kept as they are, of one tree, and bytes of each. */
const MAX_KEPT = 100;
const MAX_KEPT_BYTES = 1024 * 1024;

/** What was read, proven to be under the checkpoint, and not yet remembered. */
export type Chunk = { readonly tree: TreeState; readonly alarms: readonly PendingAlarm[] };

type Inspected = {
  readonly entry: ReadEntry;
  readonly seen: Inspection;
};

const isInOrder = (entries: readonly ReadEntry[], { range, size }: TreeState): boolean =>
  entries.length > 0 &&
  range.size + entries.length <= size &&
  entries.every(({ index }, at) => index === range.size + at);

const cause = (tree: TreeState, signed: SignedEntry, unreadable: boolean): Cause => {
  const { index, digest, certificate } = signed;
  const who = `${certificate.san} (issuer ${certificate.issuer})`;
  const log = { url: tree.url, api: tree.api, origin: tree.origin };
  return {
    code: unreadable ? "MONITOR_UNREADABLE" : "MONITOR_UNKNOWN",
    message: unreadable
      ? `entry ${index} names ${who} and cannot be read`
      : `entry ${index}: ${who} signed ${digest}, which no record knows`,
    log,
    entry: signed,
    event: `${index} ${signed.leafHash} ${certificate.sha256}`,
  };
};

const alarmsOf = (
  { isKnown, now, grace }: Follower,
  tree: TreeState,
  { seen }: Inspected,
): PendingAlarm[] => {
  const unreadable = seen.unreadable !== undefined;
  return seen.mine
    .filter((signed) => !isKnown(signed))
    .map((signed) => alarmOf(cause(tree, signed, unreadable), now(), unreadable ? 0 : grace));
};

/** Keeps what cannot be read, as far as there is room; writing it again changes nothing. */
const keepUnreadable = async (
  { keep }: Follower,
  tree: TreeState,
  inspected: readonly Inspected[],
): Promise<Result<number>> => {
  const name = hex(sha256(utf8(`${tree.url} ${tree.origin}`))).slice(0, 16);
  let kept = tree.counts.kept;
  for (const { entry, seen } of inspected) {
    const fits = kept < MAX_KEPT && entry.body.length <= MAX_KEPT_BYTES;
    if (seen.unreadable === undefined || !fits) continue;
    const written = await keep(`${name}-${entry.index}`, entry.body);
    if (!written.ok) return written;
    kept += 1;
  }
  return ok(kept);
};

const counted = (
  { counts }: TreeState,
  inspected: readonly Inspected[],
  alarms: number,
  kept: number,
): Counts => {
  const total = (of: (seen: Inspection) => number): number =>
    inspected.reduce((sum, { seen }) => sum + of(seen), 0);
  const mine = total((seen) => seen.mine.length);
  return {
    read: counts.read + inspected.length,
    mine: counts.mine + mine,
    known: counts.known + mine - alarms,
    impostors: counts.impostors + total(({ impostors }) => impostors),
    unreadable: counts.unreadable + total(({ unreadable }) => (unreadable === undefined ? 0 : 1)),
    kept,
  };
};

/**
 * Reads the next entries of a tree and proves that they are those that the log signed for.
 *
 * @returns `MONITOR_ALTERED` where they are not, `REKOR_RESPONSE` for an answer out of order; else
 * what the reader fails with
 */
export const readChunk = async (
  follower: Follower,
  offered: OfferedTree,
  tree: TreeState,
): Promise<Result<Chunk>> => {
  const { reader, watch, now } = follower;
  const entries = await reader.entries(offered, tree.range.size, tree.size);
  if (!entries.ok) return entries;
  if (!isInOrder(entries.value, tree)) {
    return fail("REKOR_RESPONSE", `the log's entries from ${tree.range.size} on are out of order`);
  }
  const inspected: Inspected[] = [];
  let range: CompactRange = tree.range;
  for (const entry of entries.value) {
    const seen = await inspectEntry({ ...entry, index: offered.offset + entry.index }, watch);
    range = appendLeaf(range, seen.leafHash as Sha256);
    inspected.push({ entry, seen });
  }
  const proven = await proveRange(reader, offered, range, tree);
  if (!proven.ok) return proven;
  const alarms = inspected.flatMap((one) => alarmsOf(follower, tree, one));
  const kept = await keepUnreadable(follower, tree, inspected);
  if (!kept.ok) return kept;
  const counts = counted(tree, inspected, alarms.length, kept.value);
  return ok({ tree: { ...tree, range, counts, readAt: now() }, alarms });
};
