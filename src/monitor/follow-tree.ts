import type { OfferedTree } from "../clients/log-reader.ts";
import { equal } from "../formats/bytes.ts";
import { type CompactRange, compactRange, EMPTY_RANGE } from "../formats/compact-range.ts";
import type { Code } from "../formats/errors.ts";
import { type Failure, failure, ok, type Result } from "../formats/result.ts";
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
  const now = follower.now();
  const { code, message } = found.failure;
  const { event, proof } = found;
  const where = { url: log.url, origin };
  const cause: Cause = { code, message, log: where, event, ...(proof ? { proof } : {}) };
  const alarm = alarmOf(cause, now);
  const halted = found.halts && tree ? { ...tree, halted: alarm.id } : undefined;
  state.save(halted, [{ alarm, due: now }]);
  return found.failure;
};

/** The first leaf to look at; a tree that began after us is read from its beginning. */
const startOf = ({ start, state, log }: Follower, tree: OfferedTree, head: Head): number => {
  if (start.kind === "index") return Math.min(head.size, Math.max(0, start.index - tree.offset));
  const { inception } = state;
  const isYounger = log.keys.every(({ validity }) => validity.start > inception);
  const isNewShard = state.trees(log).length > 0;
  return isYounger || isNewShard ? 0 : head.size;
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
  if (!edge.ok) return problem(edge.error, `edge ${from} ${head.text}`);
  const proven = await proveRange(reader, tree, edge.value, head);
  if (!proven.ok) return problem(proven.error, `edge ${from} ${head.text}`);
  const { note, origin, size, root } = head;
  const begun: TreeState = {
    ...{ url: log.url, api: log.api, origin, note, size, root, from },
    range: edge.value,
    counts: NOTHING_READ,
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
  { reader, state }: Follower,
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
    return problem(result.error, `proof ${kept.size} ${head.text}`);
  }
  const { note, size, root } = head;
  const grown: TreeState = { ...kept, note, size, root };
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

/** Reads what the log has signed for, chunk by chunk; each is bound before anything comes of it. */
const readOn = async (
  follower: Follower,
  tree: OfferedTree,
  begun: TreeState,
): Promise<{ readonly tree: TreeState; readonly found?: Problem }> => {
  const { log, state, report } = follower;
  let at = begun;
  while (at.range.size < at.size) {
    const chunk = await readChunk(follower, tree, at);
    if (!chunk.ok) return { tree: at, found: problem(chunk.error, `entry ${at.range.size}`) };
    at = chunk.value.tree;
    state.save(at, chunk.value.alarms);
    report({ log, origin: at.origin, read: at.range.size, size: at.size });
  }
  return { tree: at };
};

const outcome = (
  { log }: Follower,
  origin: string,
  before: TreeState | undefined,
  after: TreeState | undefined,
  failed?: Failure,
): TreeOutcome => {
  const from = before?.range.size ?? after?.from ?? 0;
  return {
    ...{ url: log.url, api: log.api, origin },
    read: (after?.range.size ?? from) - from,
    followed: after?.range.size ?? 0,
    size: after?.size ?? 0,
    ...(failed === undefined ? {} : { failure: failed }),
  };
};

/**
 * Follows one tree as far as the log has signed for it. A checkpoint is accepted only after the
 * log proved that it goes on from the last one, and entries count only after they were proven to
 * be those under it. What was read stays read whenever this is broken off.
 */
export const followTree = async (
  follower: Follower,
  offered: OfferedTree,
  again: Again,
): Promise<TreeOutcome> => {
  const { state, log } = follower;
  const first = await openHead(offered, follower);
  if (!first.ok) {
    const failed = raise(
      follower,
      "",
      problem(first.error, `${offered.id} ${first.error.message}`),
    );
    return outcome(follower, "", undefined, undefined, failed);
  }
  const { origin } = first.value;
  const kept = state.trees(log).find((tree) => tree.origin === origin);
  if (kept?.halted !== undefined) {
    const alarm = state.alarm(kept.halted);
    const failed = failure(alarm?.code ?? "TLOG_CONSISTENCY", alarm?.message ?? "the log forked");
    return outcome(follower, origin, kept, kept, failed);
  }
  const head = await settledHead(follower, offered, kept, again);
  if (!head.ok) {
    const failed = raise(follower, origin, problem(head.error, head.error.message));
    return outcome(follower, origin, kept, kept, failed);
  }
  const judged = await judge(follower, offered, kept, head.value);
  if (isProblem(judged)) {
    return outcome(follower, origin, kept, kept, raise(follower, origin, judged, kept));
  }
  const { tree, found } = await readOn(follower, offered, judged);
  const failed = found && raise(follower, origin, found, tree);
  return outcome(follower, origin, kept, tree, failed);
};
