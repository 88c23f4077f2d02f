import type { OfferedTree } from "../clients/log-reader.ts";
import { equal } from "../formats/bytes.ts";
import { type CompactRange, compactRange, EMPTY_RANGE } from "../formats/compact-range.ts";
import type { Code } from "../formats/errors.ts";
import { type Failure, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { type AlarmProof, alarmOf, type Cause } from "./alarm.ts";
import type { Follower, TreeOutcome } from "./follower.ts";
import { type Head, openHead, proveConsistency, proveRange } from "./head.ts";
import { NOTHING_READ, type TreeState } from "./monitor-state.ts";
import { readChunk } from "./read-chunk.ts";

/** How often a log is asked again that shows less than before: its servers may differ a while. */
const ATTEMPTS = 3;
const PAUSE = 2000;

/** What keeps us from reading, and says nothing about the log. */
const OUTAGES: readonly Code[] = [
  "NETWORK_UNREACHABLE",
  "FILE_UNREADABLE",
  "FILE_UNWRITABLE",
  "CONFIG",
];

export const isOutage = (code: Code): boolean => OUTAGES.includes(code);

type Problem = {
  readonly failure: Failure;
  /** Tells it from others of its code. */
  readonly event: string;
  readonly proof?: AlarmProof;
  /** Whether the tree is not to be followed any further. */
  readonly halts?: true;
};

const problem = (error: Failure, event: string, proof?: AlarmProof): Problem => ({
  failure: error,
  event,
  ...(proof === undefined ? {} : { proof }),
});

/** Remembers a problem as an alarm, unless it says nothing about the log. */
export const raise = (
  follower: Follower,
  origin: string,
  found: Problem,
  tree?: TreeState,
): Failure => {
  const { state, log } = follower;
  if (isOutage(found.failure.code)) return found.failure;
  const { code, message } = found.failure;
  const { event, proof } = found;
  const where = { url: log.url, api: log.api, origin };
  const cause: Cause = { code, message, log: where, event, ...(proof ? { proof } : {}) };
  const pending = alarmOf(cause, follower.now());
  const halted = found.halts && tree ? { ...tree, halted: pending.alarm.id } : undefined;
  state.save(halted, [pending]);
  return found.failure;
};

/** The first leaf to look at; a tree that came after we began is read from its beginning. */
const startOf = ({ start, state, log }: Follower, tree: OfferedTree, head: Head): number => {
  const isYounger = log.keys.every(({ validity }) => validity.start > state.inception);
  if (isYounger || state.hasBegun(log)) return 0;
  return start.kind === "index"
    ? Math.min(head.size, Math.max(0, start.index - tree.offset))
    : head.size;
};

/** Takes up a tree: what is before the first leaf to look at is known by its edge. */
const begin = async (
  follower: Follower,
  tree: OfferedTree,
  head: Head,
): Promise<TreeState | Problem> => {
  const { reader, state, log } = follower;
  const from = startOf(follower, tree, head);
  const edge = from === 0 ? ok(EMPTY_RANGE) : await edgeOf(follower, tree, from, head);
  if (!edge.ok) return problem(edge.error, "edge");
  const proven = await proveRange(reader, tree, edge.value, head);
  if (!proven.ok) return problem(proven.error, "edge");
  const { note, origin, size, root } = head;
  const begun: TreeState = {
    ...{ url: log.url, api: log.api, origin, note, size, root, from },
    range: edge.value,
    counts: NOTHING_READ,
    grownAt: follower.now(),
    readAt: follower.now(),
  };
  state.save(begun, []);
  return begun;
};

const edgeOf = async (
  { reader }: Follower,
  tree: OfferedTree,
  from: number,
  head: Head,
): Promise<Result<CompactRange>> => {
  const hashes = await reader.edge(tree, from, head.size);
  return hashes.ok ? compactRange(from, hashes.value) : hashes;
};

const fork = (
  kept: TreeState,
  head: Head,
  why: string,
  consistency?: readonly string[],
): Problem => ({
  failure: failure("TLOG_CONSISTENCY", why),
  event: head.text,
  proof: {
    ...{ kept: kept.note, offered: head.note },
    ...(consistency === undefined ? {} : { consistency }),
  },
  halts: true,
});

const hasForked = (kept: TreeState, head: Head): Problem | undefined =>
  kept.size === head.size && !equal(kept.root, head.root)
    ? fork(kept, head, `the log signed two different trees of ${head.size} entries`)
    : undefined;

/** The log shows a smaller tree than it did: a part of the same one, or of another. */
const rolledBack = async (
  follower: Follower,
  tree: OfferedTree,
  kept: TreeState,
  head: Head,
): Promise<Problem> => {
  const { result, proof } = await proveConsistency(follower.reader, tree, head, kept);
  if (!result.ok && result.error.code === "TLOG_CONSISTENCY") {
    const why = `the log does not prove that ${kept.size} entries go on from ${head.size}`;
    return fork(kept, head, why, proof);
  }
  const message = `the log shows ${head.size} entries after it showed ${kept.size}`;
  const both = { kept: kept.note, offered: head.note };
  return problem(failure("MONITOR_ROLLBACK", message), head.text, both);
};

/** Accepts a larger tree, once the log has proved that it goes on from the one that was kept. */
const accept = async (
  { reader, state, now }: Follower,
  tree: OfferedTree,
  kept: TreeState,
  head: Head,
): Promise<TreeState | Problem> => {
  const first = await proveConsistency(reader, tree, kept, head);
  const isRefuted = !first.result.ok && first.result.error.code === "TLOG_CONSISTENCY";
  // A wrong answer weighs so much that it is asked for twice.
  const { result, proof } = isRefuted ? await proveConsistency(reader, tree, kept, head) : first;
  if (!result.ok) {
    const { code, message } = result.error;
    if (code === "TLOG_CONSISTENCY") return fork(kept, head, message, proof);
    return problem(result.error, `proof ${kept.size}`);
  }
  const { note, size, root } = head;
  const grown: TreeState = { ...kept, note, size, root, grownAt: now() };
  state.save(grown, []);
  return grown;
};

const isProblem = (found: TreeState | Problem): found is Problem => "failure" in found;

/** The tree as the log offers it now, to be asked for again. */
type Again = () => Promise<OfferedTree | undefined>;

/** A head that is not behind what was kept, if one comes within a few attempts. */
const settledHead = async (
  follower: Follower,
  offered: OfferedTree,
  kept: TreeState | undefined,
  again: Again,
): Promise<Result<Head>> => {
  let head = await openHead(offered, follower);
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    if (!head.ok || kept === undefined || head.value.size >= kept.size) break;
    await follower.sleep(PAUSE);
    const tree = await again();
    const next = tree === undefined ? head : await openHead(tree, follower);
    if (next.ok && next.value.origin === head.value.origin) head = next;
  }
  return head;
};

/** A log that shows the same for long may show others more. */
const hasStopped = ({ maxAge, now }: Follower, kept: TreeState): Problem | undefined => {
  const age = now() - kept.grownAt;
  if (maxAge === undefined || age <= maxAge) return undefined;
  const since = rfc3339(kept.grownAt);
  const message = `the log shows nothing newer than ${kept.size} entries since ${since}`;
  return problem(failure("MONITOR_STALE", message), `${kept.size}`, { kept: kept.note });
};

const judge = async (
  follower: Follower,
  tree: OfferedTree,
  kept: TreeState | undefined,
  head: Head,
): Promise<TreeState | Problem> => {
  if (kept === undefined) return begin(follower, tree, head);
  const forked = hasForked(kept, head);
  if (forked !== undefined) return forked;
  if (head.size < kept.size) return rolledBack(follower, tree, kept, head);
  return head.size === kept.size ? kept : accept(follower, tree, kept, head);
};

/** A tree whose checkpoint was judged: what there is to read, or why there is nothing. */
export type TakenUp = {
  readonly offered: OfferedTree;
  /** Empty where no checkpoint could be opened. */
  readonly origin: string;
  /** As it was kept before, and as it is now. */
  readonly before: TreeState | undefined;
  readonly tree: TreeState | undefined;
  readonly failure?: Failure;
};

/**
 * Judges what a log offers as a tree's checkpoint. It is accepted only if the log proves that it
 * goes on from the last one; an inconsistent one is kept beside the last one as an alarm, and the
 * tree is not followed any further.
 */
export const takeUp = async (
  follower: Follower,
  offered: OfferedTree,
  again: Again,
): Promise<TakenUp> => {
  const { state, log } = follower;
  const first = await openHead(offered, follower);
  if (!first.ok) {
    const found = problem(first.error, `${offered.id} ${first.error.message}`);
    const failed = raise(follower, "", found);
    return { offered, origin: "", before: undefined, tree: undefined, failure: failed };
  }
  const { origin } = first.value;
  const before = state.trees(log).find((tree) => tree.origin === origin);
  const refused = (failed: Failure): TakenUp => ({
    ...{ offered, origin, before, tree: before, failure: failed },
  });
  if (before?.halted !== undefined) {
    const alarm = state.alarm(before.halted);
    return refused(failure(alarm?.code ?? "TLOG_CONSISTENCY", alarm?.message ?? "it forked"));
  }
  const head = await settledHead(follower, offered, before, again);
  if (!head.ok) return refused(raise(follower, origin, problem(head.error, head.error.message)));
  const judged = await judge(follower, offered, before, head.value);
  return isProblem(judged)
    ? refused(raise(follower, origin, judged, before))
    : { offered, origin, before, tree: judged };
};

/** Reads on, chunk by chunk; each is bound to the checkpoint before anything comes of it. */
const readOn = async (
  follower: Follower,
  offered: OfferedTree,
  begun: TreeState,
): Promise<{ readonly tree: TreeState; readonly failure?: Failure }> => {
  const { log, state, report } = follower;
  let tree = begun;
  while (tree.range.size < tree.size) {
    const chunk = await readChunk(follower, offered, tree);
    if (!chunk.ok) {
      const found = problem(chunk.error, `entry ${tree.range.size}`);
      return { tree, failure: raise(follower, tree.origin, found, tree) };
    }
    tree = chunk.value.tree;
    state.save(tree, chunk.value.alarms);
    report({ log, origin: tree.origin, read: tree.range.size, size: tree.size });
  }
  const stopped = offered.active ? hasStopped(follower, tree) : undefined;
  return stopped === undefined
    ? { tree }
    : { tree, failure: raise(follower, tree.origin, stopped, tree) };
};

/** Reads all that a tree's checkpoint promises. What was read stays read when this breaks off. */
export const readTree = async (follower: Follower, taken: TakenUp): Promise<TreeOutcome> => {
  const { offered, origin, before, tree, failure: refused } = taken;
  const { url, api } = follower.log;
  const read = tree === undefined || refused ? undefined : await readOn(follower, offered, tree);
  const after = read?.tree ?? tree;
  const from = before?.range.size ?? after?.from ?? 0;
  const failed = refused ?? read?.failure;
  return {
    ...{ url, api, origin },
    read: (after?.range.size ?? from) - from,
    followed: after?.range.size ?? 0,
    size: after?.size ?? 0,
    counts: after?.counts ?? NOTHING_READ,
    ...(failed === undefined ? {} : { failure: failed }),
  };
};
