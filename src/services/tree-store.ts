import type { Sha256 } from "../crypto/hash.ts";
import { equal } from "../formats/bytes.ts";
import { leafHash } from "../formats/merkle.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type CheckpointFile, openCheckpointFile } from "./checkpoint-file.ts";
import type { CheckpointSigner, TreeHead } from "./note-writer.ts";
import { disk, type Storage } from "./storage.ts";
import { openTreeDatabase, type StoredLeaf, type TreeDatabase } from "./tree-database.ts";
import {
  consistencyProofOf,
  inclusionProofOf,
  openFrontier,
  rootOf,
  storedCount,
} from "./tree-math.ts";

type NewLeaf = {
  /** What is hashed. */
  readonly body: Uint8Array;
  /** Kept beside the leaf, not hashed. */
  readonly extra?: Uint8Array;
  /** Texts under which `search` finds the leaf. */
  readonly keys: readonly string[];
};

/** A tree head and the signed note that says it. */
export type PublishedHead = TreeHead & { readonly note: string };

export type Appended = {
  readonly leaf: StoredLeaf;
  /** The same body was in the tree before: `leaf` is that one. */
  readonly duplicate: boolean;
  /** A published head that covers the leaf. */
  readonly head: PublishedHead;
};

/**
 * One append-only Merkle tree (RFC 6962 §2.1) on disk. The rule that everything here serves: the
 * entries are on the disk, only then is the checkpoint signed, and only when that is on the disk
 * too is anybody answered. Readers see nothing that is not under the published head.
 */
export type TreeStore = {
  /** Waits in a group with what others append at the same time. */
  append(leaf: NewLeaf): Promise<Result<Appended>>;
  head(): PublishedHead;
  leaf(index: number): StoredLeaf | undefined;
  /** Where the leaf with this hash is. */
  find(leafHash: Uint8Array): number | undefined;
  /** Indexes of leaves with this key, ascending, at most `limit`. */
  search(key: string, limit: number): number[];
  /** @param size - at most the published size, as everywhere below */
  root(size: number): Sha256;
  inclusionProof(index: number, size: number): Sha256[];
  consistencyProof(first: number, size: number): Sha256[];
  /** The hash of a complete subtree under the published head. */
  node(level: number, index: number): Sha256;
  /** Answers what waits, then lets go of the files. */
  close(): Promise<void>;
};

export type TreeOptions = {
  /** The database; `.checkpoint` is added for the second file. */
  readonly path: string;
  readonly signer: CheckpointSigner;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Appends that may wait; those above it are refused with STATE_BUSY. */
  readonly queueLimit?: number;
  /** This machine's disk where absent. */
  readonly storage?: Storage;
};

const QUEUE_LIMIT = 8192;
const BATCH_LIMIT = 1024;
const NO_EXTRA = new Uint8Array(0);

type Waiting = { readonly leaf: NewLeaf; readonly answer: (result: Result<Appended>) => void };

/**
 * Opens or makes a tree. `STATE_LOCKED` when another process has it; `STATE_CORRUPT` when the
 * database does not hold everything that the last signed checkpoint promised; `FILE_UNWRITABLE`
 * when the disk is full or fails.
 */
export const openTreeStore = async (options: TreeOptions): Promise<Result<TreeStore>> => {
  const { path, storage = disk } = options;
  const database = openDatabase(path, storage);
  if (!database.ok) return database;
  const opened = await openBeside(options, database.value, storage).catch((error: unknown) =>
    fail("FILE_UNWRITABLE", `${path}.checkpoint: ${reasonOf(error)}`),
  );
  if (!opened.ok) database.value.close();
  return opened;
};

/** Opens the checkpoint file beside the database. Throws where the disk fails. */
const openBeside = async (
  options: TreeOptions,
  database: TreeDatabase,
  storage: Storage,
): Promise<Result<TreeStore>> => {
  const file = await openCheckpointFile(`${options.path}.checkpoint`, storage);
  if (!file.ok) return file;
  try {
    const head = await recover(options, database, file.value);
    if (head.ok) return ok(treeStore(options, database, file.value, head.value));
    await file.value.close();
    return head;
  } catch (error) {
    await file.value.close();
    throw error;
  }
};

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : "unknown error";

/** Fails as {@link openTreeStore} does; makes the file if need be. */
export const openDatabase = (path: string, storage: Storage = disk): Result<TreeDatabase> => {
  try {
    return ok(openTreeDatabase(path, storage));
  } catch (error) {
    const reason = reasonOf(error);
    if (/locked|busy/.test(reason)) {
      return fail("STATE_LOCKED", `${path} is in use by another process`);
    }
    return /disk is full|disk I\/O|readonly/.test(reason)
      ? fail("FILE_UNWRITABLE", `${path}: ${reason}`)
      : fail("STATE_CORRUPT", `${path} is no usable database: ${reason}`);
  }
};

/** Compares the database with the last checkpoint, and signs one for what came after it. */
const recover = async (
  { path, signer }: TreeOptions,
  database: TreeDatabase,
  file: CheckpointFile,
): Promise<Result<PublishedHead>> => {
  const { leaves, next, nodes } = database.counts();
  if (leaves !== next || nodes !== storedCount(next)) {
    return fail("STATE_CORRUPT", `${path} has ${leaves} leaves up to ${next} and ${nodes} nodes`);
  }
  const last = file.last === undefined ? undefined : await signer.open(file.last);
  if (last === undefined && (file.last !== undefined || leaves > 0)) {
    return fail("STATE_CORRUPT", `the last checkpoint of ${path} is missing, or of another key`);
  }
  if (last !== undefined && last.size > leaves) {
    return fail("STATE_CORRUPT", `${path} has ${leaves} leaves of ${last.size} that were promised`);
  }
  if (last !== undefined && !equal(rootOf(last.size, database.readNode), last.root)) {
    return fail("STATE_CORRUPT", `the first ${last.size} leaves of ${path} are not those promised`);
  }
  if (last !== undefined && file.last !== undefined && last.size === leaves) {
    return ok({ ...last, note: file.last });
  }
  return ok(await publish(signer, file, { size: leaves, root: rootOf(leaves, database.readNode) }));
};

const publish = async (
  signer: CheckpointSigner,
  file: CheckpointFile,
  head: TreeHead,
): Promise<PublishedHead> => {
  const note = signer.sign(head);
  await file.write(note);
  return { ...head, note };
};

const treeStore = (
  { signer, now, queueLimit = QUEUE_LIMIT, path }: TreeOptions,
  database: TreeDatabase,
  file: CheckpointFile,
  opened: PublishedHead,
): TreeStore => {
  let head = opened;
  let queue: Waiting[] = [];
  let draining: Promise<void> | undefined;
  // After a failed flush nothing is known about the disk: the only honest answer is to stop.
  let stopped: string | undefined;
  const writer = batchWriter(database, opened.size, now);

  const flush = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const results = writer(batch.map((waiting) => waiting.leaf));
      const size = results.reduce((most, { leaf }) => Math.max(most, leaf.index + 1), head.size);
      if (size > head.size) {
        head = await publish(signer, file, { size, root: rootOf(size, database.readNode) });
      }
      batch.forEach(({ answer }, at) => {
        const result = results[at];
        if (result !== undefined) answer(ok({ ...result, head }));
      });
    } catch (error) {
      stopped = error instanceof Error ? error.message : "unknown error";
      for (const { answer } of batch) answer(refusal(path, stopped));
    }
  };

  const drain = async (): Promise<void> => {
    // One turn of the event loop, so that requests that arrived together are written together.
    await new Promise((resume) => setImmediate(resume));
    while (queue.length > 0 && stopped === undefined) {
      const batch = queue.slice(0, BATCH_LIMIT);
      queue = queue.slice(BATCH_LIMIT);
      await flush(batch);
    }
    for (const { answer } of queue) answer(refusal(path, stopped ?? "closed"));
    queue = [];
    draining = undefined;
  };

  const append = (leaf: NewLeaf): Promise<Result<Appended>> => {
    if (stopped !== undefined) return Promise.resolve(refusal(path, stopped));
    if (queue.length >= queueLimit) {
      return Promise.resolve(fail("STATE_BUSY", `${queueLimit} appends to ${path} are waiting`));
    }
    return new Promise((answer) => {
      queue.push({ leaf, answer });
      draining ??= drain();
    });
  };

  const close = async (): Promise<void> => {
    await draining;
    stopped ??= "closed";
    database.close();
    await file.close();
  };
  return { append, close, ...reader(database, () => head) };
};

const refusal = (path: string, reason: string) =>
  fail("FILE_UNWRITABLE", `the log ${path} takes nothing more: ${reason}`);

/** Everything that reads: bounded by the published head. */
const reader = (database: TreeDatabase, head: () => PublishedHead) => {
  const within = (size: number): number => {
    if (size > head().size) throw new Error(`${size} is past the published ${head().size} leaves`);
    return size;
  };
  const visible = (index: number | undefined): index is number =>
    index !== undefined && Number.isSafeInteger(index) && index >= 0 && index < head().size;
  return {
    head,
    leaf: (index: number) => (visible(index) ? database.leaf(index) : undefined),
    find: (hash: Uint8Array) => {
      const index = database.indexOf(hash);
      return visible(index) ? index : undefined;
    },
    search: (key: string, limit: number) => database.withKey(key, limit).filter(visible),
    root: (size: number) => rootOf(within(size), database.readNode),
    inclusionProof: (index: number, size: number) =>
      inclusionProofOf(index, within(size), database.readNode),
    consistencyProof: (first: number, size: number) =>
      consistencyProofOf(first, within(size), database.readNode),
    node: (level: number, index: number) => {
      within((index + 1) * 2 ** level);
      return database.readNode(level, index);
    },
  };
};

type Written = Omit<Appended, "head">;

/** Writes a batch in one transaction. A throw leaves nothing of it behind but a stopped store. */
const batchWriter = (database: TreeDatabase, opened: number, now: () => number) => {
  const frontier = openFrontier(opened, database.readNode);
  let next = opened;
  const write = (leaf: NewLeaf): Written => {
    const hash = leafHash(leaf.body);
    const earlier = database.indexOf(hash);
    const known = earlier === undefined ? undefined : database.leaf(earlier);
    if (known !== undefined) return { leaf: known, duplicate: true };
    const extra = leaf.extra ?? NO_EXTRA;
    const stored = { index: next, hash, body: leaf.body, extra, at: now() };
    database.insertLeaf(stored);
    frontier.add(next, hash, database.insertNode);
    for (const key of leaf.keys) database.insertKey(key, next);
    next += 1;
    return { leaf: stored, duplicate: false };
  };
  return (leaves: readonly NewLeaf[]): Written[] => {
    database.begin();
    const written = leaves.map(write);
    database.commit();
    return written;
  };
};
