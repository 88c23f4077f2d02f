import type { OfferedTree } from "../clients/log-reader.ts";
import { failure } from "../formats/result.ts";
import { followTree, raise } from "./follow-tree.ts";
import type { Follower, TreeOutcome } from "./follower.ts";

/** Trees that were followed and that the log does not name any more. */
const vanished = (follower: Follower, seen: readonly TreeOutcome[]): TreeOutcome[] => {
  const { log, state } = follower;
  if (seen.some(({ origin }) => origin === "")) return [];
  return state
    .trees(log)
    .filter(({ origin }) => !seen.some((one) => one.origin === origin))
    .map((tree) => {
      const { origin, size } = tree;
      const gone = failure("MONITOR_ROLLBACK", `the log does not list its tree ${origin} any more`);
      const proof = { kept: tree.note };
      const failed = raise(follower, origin, { failure: gone, event: "vanished", proof });
      const followed = tree.range.size;
      return { url: log.url, api: log.api, origin, read: 0, followed, size, failure: failed };
    });
};

/** A log is read one last time after all its keys have ended. */
const finish = ({ log, state, now }: Follower, outcomes: readonly TreeOutcome[]): void => {
  const ended = log.keys.every(({ validity }) => (validity.end ?? Infinity) < now());
  if (!ended || outcomes.some(({ failure: failed }) => failed !== undefined)) return;
  for (const tree of state.trees(log)) state.save({ ...tree, finished: true }, []);
};

/** Follows all trees of a log, the inactive ones first. */
export const followLog = async (follower: Follower): Promise<TreeOutcome[]> => {
  const { log, reader } = follower;
  const listed = await reader.trees();
  if (!listed.ok) {
    const { error } = listed;
    const failed = raise(follower, "", { failure: error, event: error.message });
    const where = { url: log.url, api: log.api, origin: "" };
    return [{ ...where, read: 0, followed: 0, size: 0, failure: failed }];
  }
  const outcomes: TreeOutcome[] = [];
  for (const tree of listed.value) {
    const again = async (): Promise<OfferedTree | undefined> => {
      const now = await reader.trees();
      return now.ok ? now.value.find(({ id }) => id === tree.id) : undefined;
    };
    outcomes.push(await followTree(follower, tree, again));
  }
  const all = [...outcomes, ...vanished(follower, outcomes)];
  finish(follower, all);
  return all;
};
