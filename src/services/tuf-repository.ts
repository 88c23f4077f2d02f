import type { Root, Snapshot, Targets, Timestamp } from "@tufjs/models";
import { equal } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { State } from "./state.ts";
import { openTufKeys, type TufKeys } from "./tuf-keys.ts";
import {
  isSignedUnder,
  signRoot,
  signSnapshot,
  signTargets,
  signTimestamp,
  type TufDocument,
  type TufTarget,
  targetFile,
} from "./tuf-metadata.ts";
import { keepRoot, loadTufState, rootName, saveTufState, type TufState } from "./tuf-state.ts";

const DAY = 24 * 3600_000;

/**
 * How long each document lives, and how much of that must be left at a renewal. Whoever takes the
 * trust along to where there is no network has a month; a stack that was down renews at its start.
 */
const LIFE = { root: 365 * DAY, targets: 365 * DAY, snapshot: 30 * DAY, timestamp: 30 * DAY };
const LEFT = { root: 90 * DAY, targets: 90 * DAY, snapshot: 15 * DAY };

/** A TUF repository with consistent snapshots (TUF specification §6.2), kept in a state folder. */
export type TufRepository = {
  /** The first root, to be handed to clients out of band. */
  readonly firstRoot: Uint8Array;
  /** The bytes at a path of the repository, for example `3.targets.json`. */
  file(path: string): Uint8Array | undefined;
  /** Signs anew whatever ends soon, and the timestamp in any case. */
  renew(): Promise<Result<void>>;
  /** Replaces all keys: a new root, signed by the old root keys and the new, then all roles. */
  rotate(): Promise<Result<void>>;
};

type Context = {
  readonly state: State;
  readonly now: () => number;
  readonly targets: ReadonlyMap<string, TufTarget>;
};

/**
 * Opens the repository in `state`, made where absent, so that it vouches for exactly `targets`.
 *
 * Fails with STATE_CORRUPT for documents that its own keys did not sign, and as the state fails.
 */
export const openTufRepository = async (context: Context): Promise<Result<TufRepository>> => {
  const loaded = await loadTufState(context.state, context.now() + LIFE.root);
  if (!loaded.ok) return loaded;
  let current = loaded.value;
  const served = new Map<string, Uint8Array>();
  // One change at a time: two would sign the same version twice.
  let tail: Promise<unknown> = Promise.resolve();
  const change = (to: (from: TufState) => Promise<Result<TufState>>): Promise<Result<void>> => {
    const next = tail.then(async () => {
      const changed = await to(current);
      if (!changed.ok) return changed;
      const saved = await saveTufState(context.state, changed.value);
      if (!saved.ok) return saved;
      current = changed.value;
      serve(served, current, context.targets);
      return saved;
    });
    tail = next.catch(() => undefined);
    return next;
  };
  const renew = () => change((from) => renewed(context, from));
  const opened = await renew();
  if (!opened.ok) return opened;
  return ok({
    firstRoot: current.roots[0].bytes,
    file: (path) => served.get(path),
    renew,
    rotate: () => change((from) => rotated(context, from)),
  });
};

/** Old versions stay: a client may be in the midst of them. */
const serve = (
  served: Map<string, Uint8Array>,
  { roots, targets, snapshot, timestamp }: TufState,
  files: Context["targets"],
): void => {
  roots.forEach((root, at) => {
    served.set(rootName(at + 1), root.bytes);
  });
  if (targets) served.set(`${targets.metadata.signed.version}.targets.json`, targets.bytes);
  if (snapshot) served.set(`${snapshot.metadata.signed.version}.snapshot.json`, snapshot.bytes);
  if (timestamp) served.set("timestamp.json", timestamp.bytes);
  for (const [path, target] of files) {
    for (const hash of Object.values(targetFile(path, target).hashes)) {
      served.set(`targets/${hash}.${path}`, target.content);
    }
  }
};

const addRoot = async (
  { state, now }: Context,
  from: TufState,
  keys: TufKeys,
  generation: number,
): Promise<Result<TufState>> => {
  const stated = { version: from.roots.length + 1, expires: now() + LIFE.root };
  const root = signRoot(stated, keys, from.keys.root);
  const kept = await keepRoot(state, root);
  if (!kept.ok) return kept;
  // A change that was cut off left another root of this version; the next start takes it up.
  if (!equal(kept.value, root.bytes)) {
    return fail("STATE_CORRUPT", `${rootName(stated.version)} is there already: start again`);
  }
  return ok({ ...from, keys, generation, roots: [...from.roots, root] });
};

const rotated = async (context: Context, from: TufState): Promise<Result<TufState>> => {
  const generation = from.generation + 1;
  const keys = await openTufKeys(context.state, generation);
  if (!keys.ok) return keys;
  const next = await addRoot(context, from, keys.value, generation);
  return next.ok ? renewed(context, next.value) : next;
};

const renewed = async (context: Context, before: TufState): Promise<Result<TufState>> => {
  const now = context.now();
  const ending = endsBefore(before.roots.at(-1) ?? before.roots[0], now + LEFT.root);
  const rooted = ending
    ? await addRoot(context, before, before.keys, before.generation)
    : ok(before);
  if (!rooted.ok) return rooted;
  const from = rooted.value;
  const targets = keepsTargets(context, from) ?? newTargets(context, from);
  const snapshot = keepsSnapshot(context, from, targets) ?? newSnapshot(context, from, targets);
  const stated = after(from.timestamp, now + LIFE.timestamp);
  const timestamp = signTimestamp(stated, snapshot, from.keys.timestamp);
  return ok({ ...from, targets, snapshot, timestamp });
};

const endsBefore = (document: TufDocument<Root | Targets | Snapshot>, time: number): boolean =>
  Date.parse(document.metadata.signed.expires) < time;

/** What the document that follows on another states of itself. */
const after = (
  document: TufDocument<Targets | Snapshot | Timestamp> | undefined,
  expires: number,
) => ({ version: (document?.metadata.signed.version ?? 0) + 1, expires });

/** A document that the last root still vouches for, for long enough. */
const stillGood = <T extends Targets | Snapshot>(
  { roots }: TufState,
  document: TufDocument<T> | undefined,
  until: number,
): TufDocument<T> | undefined =>
  document !== undefined &&
  isSignedUnder(roots.at(-1) ?? roots[0], document) &&
  !endsBefore(document, until)
    ? document
    : undefined;

const keepsTargets = (context: Context, from: TufState): TufDocument<Targets> | undefined => {
  const document = stillGood(from, from.targets, context.now() + LEFT.targets);
  const stated = document?.metadata.signed.targets ?? {};
  const same =
    Object.keys(stated).length === context.targets.size &&
    [...context.targets].every(([path, target]) => stated[path]?.equals(targetFile(path, target)));
  return same ? document : undefined;
};

const newTargets = ({ now, targets }: Context, from: TufState): TufDocument<Targets> =>
  signTargets(after(from.targets, now() + LIFE.targets), targets, from.keys.targets);

const keepsSnapshot = (
  { now }: Context,
  from: TufState,
  targets: TufDocument<Targets>,
): TufDocument<Snapshot> | undefined => {
  const document = stillGood(from, from.snapshot, now() + LEFT.snapshot);
  const stated = document?.metadata.signed.meta["targets.json"]?.version;
  return stated === targets.metadata.signed.version ? document : undefined;
};

const newSnapshot = (
  { now }: Context,
  from: TufState,
  targets: TufDocument<Targets>,
): TufDocument<Snapshot> =>
  signSnapshot(after(from.snapshot, now() + LIFE.snapshot), targets, from.keys.snapshot);
