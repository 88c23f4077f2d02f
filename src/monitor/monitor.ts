import type { LogReader } from "../clients/log-reader.ts";
import { type Failure, ok, type Result } from "../formats/result.ts";
import type { Alarm, PendingAlarm } from "./alarm.ts";
import { followLog } from "./follow-log.ts";
import type { FollowedLog, Follower, TreeOutcome } from "./follower.ts";
import { isKnown, type Records } from "./records.ts";
import type { FoundRecords } from "./records-folder.ts";

/** What it takes to make passes over all logs. */
export type Monitor = Omit<Follower, "log" | "reader" | "isKnown"> & {
  readonly logs: readonly FollowedLog[];
  readonly readerOf: (log: FollowedLog) => LogReader;
  readonly records: () => Promise<Result<FoundRecords>>;
  /** Whether only records that name a certificate count. */
  readonly strict: boolean;
  /** Tells somebody; what fails is told again in the next pass. */
  readonly tell: (alarms: readonly Alarm[]) => Promise<Result<void>>;
};

/** How a pass over all logs ended. */
export type Pass = {
  readonly trees: readonly TreeOutcome[];
  /** Alarms of this pass, and earlier ones that nobody was told. */
  readonly alarms: readonly Alarm[];
  /** Signatures that wait for a record until their grace is over. */
  readonly waiting: number;
  readonly records: Omit<FoundRecords, "records">;
  /** Why somebody could not be told. */
  readonly untold?: Failure;
};

/** Whether a log is still to be asked: not before its keys begin, once after they have ended. */
const isDue = ({ state, now }: Monitor, log: FollowedLog): boolean => {
  const { keys } = log;
  const time = now();
  if (keys.every(({ validity }) => validity.start > time)) return false;
  if (keys.some(({ validity }) => (validity.end ?? Infinity) >= time)) return true;
  return state.trees(log).some(({ finished }) => finished !== true);
};

/** Takes back what a record that came later knows, and gives what is due. */
const settle = ({ state, now, strict }: Monitor, records: Records): PendingAlarm[] => {
  const pending = state.pending();
  const known = pending.filter(
    ({ alarm: { entry } }) => entry !== undefined && isKnown(records, entry, strict),
  );
  state.withdraw(known.map(({ alarm }) => alarm.id));
  return pending.filter((one) => !known.includes(one) && one.due <= now());
};

/**
 * Makes one pass over all logs, then tells what is to be told. An alarm is remembered with the
 * entries that it is about, until {@link closePass}; it is told once more only where the last
 * attempt to do so was broken off.
 *
 * @returns what reading the records fails with; all else is part of the pass
 */
export const makePass = async (monitor: Monitor): Promise<Result<Pass>> => {
  const { logs, readerOf, state, strict, tell } = monitor;
  const before = await monitor.records();
  if (!before.ok) return before;
  const trees: TreeOutcome[] = [];
  for (const log of logs.filter((one) => isDue(monitor, one))) {
    const known = (entry: NonNullable<Alarm["entry"]>) =>
      isKnown(before.value.records, entry, strict);
    trees.push(...(await followLog({ ...monitor, log, reader: readerOf(log), isKnown: known })));
  }
  // A record may have come while the logs were read.
  const after = state.pending().length > 0 ? await monitor.records() : before;
  if (!after.ok) return after;
  const alarms = settle(monitor, after.value.records).map(({ alarm }) => alarm);
  const told = await tell(alarms);
  const { records: _, ...found } = after.value;
  const waiting = state.pending().length - alarms.length;
  return ok({ trees, alarms, waiting, records: found, ...(told.ok ? {} : { untold: told.error }) });
};

/** Forgets what was told, once the pass was shown too. */
export const closePass = ({ state }: Pick<Monitor, "state">, pass: Pass): void => {
  if (pass.untold === undefined) state.told(pass.alarms.map(({ id }) => id));
};
