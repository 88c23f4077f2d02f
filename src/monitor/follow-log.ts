import type { OfferedTree } from "../clients/log-reader.ts";
import { failure } from "../formats/result.ts";
import { raise, readTree, type TakenUp, takeUp } from "./follow-tree.ts";
import type { Follower, TreeOutcome } from "./follower.ts";
import { NOTHING_READ } from "./monitor-state.ts";
import { afterSilence } from "./silence.ts";

/** Whether this may be the tree, with a checkpoint that could not be opened: an alarm already. */
const isUnopened = ({ origin, offered: { id } }: TakenUp, sought: string): boolean =>
  origin === "" && (id === "" || sought.endsWith(` - ${id}`));

/** Trees that were followed and that the log does not name any more. */
const vanished = (follower: Follower, taken: readonly TakenUp[]): TreeOutcome[] => {
  const { log, state } = follower;
  const isListed = (origin: string) =>
    taken.some((one) => one.origin === origin || isUnopened(one, origin));
  return state
    .trees(log)
    .filter(({ origin }) => !isListed(origin))
    .map((tree) => {
      const { origin, size, counts } = tree;
      const gone = failure("MONITOR_ROLLBACK", `the log does not list its tree ${origin} any more`);
      const proof = { kept: tree.note };
      const failed = raise(follower, origin, { failure: gone, event: "vanished", proof });
      const place = { url: log.url, api: log.api, origin };
      return { ...place, read: 0, followed: tree.range.size, size, counts, failure: failed };
    });
};

/** What ended well ends what was wrong before; what no tree could be told from, once all are well. */
const settle = ({ log, state }: Follower, outcomes: readonly TreeOutcome[]): void => {
  const well = outcomes.filter(({ failure: failed }) => failed === undefined);
  for (const { origin } of well) state.settle(log, origin);
  if (well.length === outcomes.length) state.settle(log, "");
};

/** A log is read one last time after all its keys have ended. */
const finish = ({ log, state, now }: Follower, outcomes: readonly TreeOutcome[]): void => {
  const ended = log.keys.every(({ validity }) => (validity.end ?? Infinity) < now());
  if (!ended || outcomes.some(({ failure: failed }) => failed !== undefined)) return;
  for (const tree of state.trees(log)) state.save({ ...tree, finished: true }, []);
};

/** Whether every tree was taken up, but for old ones that nobody whom we trust has signed. */
const hasTakenUp = (taken: readonly TakenUp[]): boolean =>
  taken.some(({ tree }) => tree !== undefined) &&
  taken.every(
    ({ tree, origin, offered }) => tree !== undefined || (origin === "" && !offered.active),
  );

/**
 * Follows all trees of a log: judges all their checkpoints, then reads what they promise. Once all
 * were taken up, a tree that appears is a new one, and is read from its first entry.
 */
export const followLog = async (follower: Follower): Promise<TreeOutcome[]> => {
  const { log, reader, state } = follower;
  const listed = await reader.trees();
  if (!listed.ok) {
    const { error } = listed;
    const failed = raise(follower, "", { failure: error, event: error.message });
    const place = { url: log.url, api: log.api, origin: "" };
    const unheard = { read: 0, followed: 0, size: 0, counts: NOTHING_READ, failure: failed };
    return [afterSilence(follower, { ...place, ...unheard })];
  }
  const taken: TakenUp[] = [];
  for (const tree of listed.value) {
    const again = async (): Promise<OfferedTree | undefined> => {
      const now = await reader.trees();
      return now.ok ? now.value.find(({ id }) => id === tree.id) : undefined;
    };
    taken.push(await takeUp(follower, tree, again));
  }
  if (hasTakenUp(taken)) state.begin(log);
  const outcomes: TreeOutcome[] = [];
  for (const one of taken) outcomes.push(await readTree(follower, one));
  const all = [...outcomes, ...vanished(follower, taken)].map((one) => afterSilence(follower, one));
  settle(follower, all);
  finish(follower, all);
  return all;
};
