import pLimit, { type LimitFunction } from "p-limit";
import type { Result } from "../formats/result.ts";
import { isOver } from "../verification/policy.ts";
import { type Asked, type Prepared, prepare } from "./gateway-prepare.ts";
import type { GatewayWorld } from "./gateway-world.ts";
import type { Stated } from "./quarantined.ts";
import { openRecently } from "./recently.ts";

/** Files that are prepared before anybody asked for them, each until somebody does, or too long. */
export type Pool = {
  /** Whether another file can be begun: where none can, there is no use in looking for one. */
  readonly hasRoom: () => boolean;
  /** Begins with a file; what it gives is for looking at. `undefined`: there was no room or no time. */
  readonly begin: (world: GatewayWorld, asked: Asked) => Promise<Result<Prepared> | undefined>;
  /**
   * A file that was begun, for who asks for it: from then on it is the caller's. `undefined` where
   * it was not begun, did not arrive whole, or was checked by other rules than today's.
   */
  readonly take: (world: GatewayWorld, stated: Stated) => Promise<Result<Prepared> | undefined>;
};

type Begun = { isRunning: boolean; readonly done: Promise<Result<Prepared> | undefined> };

/** Fewer than clients have at once: what is asked for comes first. */
const AT_ONCE = 8;
const MAX_FILES = 64;
const MAX_ASKED = 4_096;
/** Milliseconds that a file waits for somebody to ask. */
const PATIENCE = 60_000;

const keyOf = ({ filename, sha256 }: Stated): string => `${sha256} ${filename}`;

const clear = async (prepared: Result<Prepared> | undefined): Promise<void> => {
  if (prepared?.ok === true) await prepared.value.quarantine.clear();
};

/** Whether it came whole, and would be checked by the same rules now. */
const stillHolds = (
  { fingerprint, now }: GatewayWorld,
  { brought, evaluation, fingerprint: rules }: Prepared,
): boolean => {
  const rested = (evaluation.verdict?.waivers ?? []).filter(({ excused }) => excused.length > 0);
  const waived = rested.every(({ waiver }) => !isOver(waiver, now()));
  return brought.ok && rules === fingerprint && waived;
};

const usable = async (
  world: GatewayWorld,
  prepared: Result<Prepared> | undefined,
): Promise<Result<Prepared> | undefined> => {
  if (prepared?.ok === true && stillHolds(world, prepared.value)) return prepared;
  await clear(prepared);
  return undefined;
};

/** @param limits - how much is asked of an upstream at once, by its name */
export const openPool = (limits: ReadonlyMap<string, LimitFunction>): Pool => {
  const files = new Map<string, Begun>();
  /** What somebody asked for needs nobody to think ahead any more. */
  const asked = openRecently(MAX_ASKED, PATIENCE);
  const turns = pLimit(AT_ONCE);
  const hasRoom = (): boolean => files.size < MAX_FILES;
  const begin: Pool["begin"] = (world, file) => {
    const key = keyOf(file.stated);
    const known = files.get(key);
    if (known !== undefined) return known.done;
    if (!hasRoom() || asked.has(key, world.now())) return Promise.resolve(undefined);
    const run = async (): Promise<Result<Prepared> | undefined> => {
      if (files.get(key) !== one) return undefined;
      one.isRunning = true;
      return prepare(world, file).catch(() => undefined);
    };
    const limit = limits.get(file.listing.upstream.config.name);
    const one: Begun = { isRunning: false, done: turns(() => limit?.(run) ?? run()) };
    files.set(key, one);
    const leave = async (): Promise<void> => {
      if (files.get(key) !== one) return;
      files.delete(key);
      count(world, "unasked");
      await clear(await one.done);
    };
    // What cannot be removed now is when the gateway starts again.
    setTimeout(() => void leave().catch(() => undefined), PATIENCE).unref();
    return one.done;
  };
  const take: Pool["take"] = async (world, stated) => {
    const key = keyOf(stated);
    asked.note(key, world.now());
    const one = files.get(key);
    files.delete(key);
    // One that has not begun would wait for others that nobody asked for.
    if (one?.isRunning !== true) return undefined;
    count(world, "asked");
    return usable(world, await one.done);
  };
  return { hasRoom, begin, take };
};

const count = ({ metrics }: GatewayWorld, outcome: "asked" | "unasked"): void =>
  metrics.count("wheelseal_gateway_ahead_total", { outcome });
