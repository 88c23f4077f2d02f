import type { Root, Snapshot, Targets, Timestamp } from "@tufjs/models";
import { fail, ok, type Result } from "../formats/result.ts";
import type { State } from "./state.ts";
import { openTufKeys, type TufKeys, tufKey } from "./tuf-keys.ts";
import { isSignedUnder, readTufDocument, signRoot, type TufDocument } from "./tuf-metadata.ts";

const FOLDER = "tuf";

/** The roots so far, oldest first; never empty. */
export type TufRoots = readonly [TufDocument<Root>, ...TufDocument<Root>[]];

/** What the repository consists of; without roles' documents where none was signed yet. */
export type TufState = {
  readonly roots: TufRoots;
  /** The keys that the last root names, and the how manieth set of keys that is. */
  readonly keys: TufKeys;
  readonly generation: number;
  readonly targets?: TufDocument<Targets>;
  readonly snapshot?: TufDocument<Snapshot>;
  readonly timestamp?: TufDocument<Timestamp>;
};

export const rootName = (version: number): string => `${version}.root.json`;

/**
 * Reads what an earlier start left, or makes the first root, which ends at `firstRootExpires`.
 *
 * Fails with STATE_CORRUPT for documents that the repository's own keys did not sign.
 */
export const loadTufState = async (
  state: State,
  firstRootExpires: number,
): Promise<Result<TufState>> => {
  const roots = await loadRoots(state, firstRootExpires);
  if (!roots.ok) return roots;
  const keys = await keysOf(state, roots.value);
  if (!keys.ok) return keys;
  const { targets, snapshot, timestamp } = readTufDocument;
  const loadedTargets = await loadRole(state, roots.value, "targets", targets);
  if (!loadedTargets.ok) return loadedTargets;
  const loadedSnapshot = await loadRole(state, roots.value, "snapshot", snapshot);
  if (!loadedSnapshot.ok) return loadedSnapshot;
  const loadedTimestamp = await loadRole(state, roots.value, "timestamp", timestamp);
  if (!loadedTimestamp.ok) return loadedTimestamp;
  return ok({
    roots: roots.value,
    ...keys.value,
    ...(loadedTargets.value && { targets: loadedTargets.value }),
    ...(loadedSnapshot.value && { snapshot: loadedSnapshot.value }),
    ...(loadedTimestamp.value && { timestamp: loadedTimestamp.value }),
  });
};

const loadRole = async <T extends Targets | Snapshot | Timestamp>(
  state: State,
  roots: TufRoots,
  role: "targets" | "snapshot" | "timestamp",
  read: (bytes: Uint8Array) => TufDocument<T> | undefined,
): Promise<Result<TufDocument<T> | undefined>> => {
  const bytes = await state.read(`${FOLDER}/${role}.json`);
  if (bytes === undefined) return ok(undefined);
  const document = read(bytes);
  // After a rotation that was cut off it is a former root's keys that signed.
  const ours = document !== undefined && roots.some((root) => isSignedUnder(root, document));
  return ours
    ? ok(document)
    : fail("STATE_CORRUPT", `${FOLDER}/${role}.json is not signed by the repository's keys`);
};

const loadRoots = async (state: State, expires: number): Promise<Result<TufRoots>> => {
  const keys = await openTufKeys(state, 1);
  if (!keys.ok) return keys;
  const make = () => signRoot({ version: 1, expires }, keys.value, []).bytes;
  const first = await state.keep(`${FOLDER}/${rootName(1)}`, make);
  if (!first.ok) return first;
  const root = rootAfter(undefined, first.value, 1);
  if (!root.ok) return root;
  let roots: TufRoots = [root.value];
  for (;;) {
    const version = roots.length + 1;
    const bytes = await state.read(`${FOLDER}/${rootName(version)}`);
    if (bytes === undefined) return ok(roots);
    const next = rootAfter(roots.at(-1), bytes, version);
    if (!next.ok) return next;
    roots = [...roots, next.value];
  }
};

const rootAfter = (
  previous: TufDocument<Root> | undefined,
  bytes: Uint8Array,
  version: number,
): Result<TufDocument<Root>> => {
  const root = readTufDocument.root(bytes);
  const follows =
    root?.metadata.signed.version === version &&
    isSignedUnder(root, root) &&
    isSignedUnder(previous ?? root, root);
  return follows
    ? ok(root)
    : fail("STATE_CORRUPT", `${FOLDER}/${rootName(version)} does not follow from the one before`);
};

/** Not every root has new keys, so there are at most as many sets of keys as roots. */
const keysOf = async (
  state: State,
  roots: TufRoots,
): Promise<Result<{ keys: TufKeys; generation: number }>> => {
  const wanted = roots.at(-1)?.metadata.signed.roles.root?.keyIDs ?? [];
  for (let generation = 1; generation <= roots.length; generation += 1) {
    const keys = await openTufKeys(state, generation);
    if (!keys.ok) return keys;
    const ids = keys.value.root.map(({ publicKey }) => tufKey(publicKey).keyID);
    if (ids.every((id) => wanted.includes(id))) return ok({ keys: keys.value, generation });
  }
  return fail("STATE_CORRUPT", `the keys of ${FOLDER}/${rootName(roots.length)} are gone`);
};

/** Keeps a root for ever. */
export const keepRoot = async (
  state: State,
  root: TufDocument<Root>,
): Promise<Result<Uint8Array>> =>
  state.keep(`${FOLDER}/${rootName(root.metadata.signed.version)}`, () => root.bytes);

/** Writes the roles' documents, the timestamp last: it is what makes the others count. */
export const saveTufState = async (
  state: State,
  { targets, snapshot, timestamp }: TufState,
): Promise<Result<void>> => {
  for (const [role, document] of Object.entries({ targets, snapshot, timestamp })) {
    if (document === undefined) continue;
    const written = await state.write(`${FOLDER}/${role}.json`, document.bytes);
    if (!written.ok) return written;
  }
  return ok(undefined);
};
