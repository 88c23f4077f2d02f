import { failure } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { raise } from "./follow-tree.ts";
import type { Follower, TreeOutcome } from "./follower.ts";

/** When something was last read of a tree, or of any of the log's where it named none. */
const lastRead = ({ state, log }: Follower, origin: string): number =>
  state
    .trees(log)
    .filter((tree) => origin === "" || tree.origin === origin)
    .reduce((last, { readAt = 0 }) => Math.max(last, readAt), state.inception);

/**
 * A log that cannot be reached for longer than it may stand still hides what it has, whether or
 * not it means to: then that is an alarm, and until then an outage.
 */
export const afterSilence = (follower: Follower, outcome: TreeOutcome): TreeOutcome => {
  const { maxAge, now } = follower;
  const { failure: outage, origin } = outcome;
  if (maxAge === undefined || outage?.code !== "NETWORK_UNREACHABLE") return outcome;
  const last = lastRead(follower, origin);
  if (now() - last <= maxAge) return outcome;
  const message = `nothing could be read of the log since ${rfc3339(last)}: ${outage.message}`;
  const silent = { failure: failure("MONITOR_STALE", message), event: "silent" };
  return { ...outcome, failure: raise(follower, origin, silent) };
};
