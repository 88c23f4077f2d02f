import { existsSync } from "node:fs";
import { equal, hex } from "../formats/bytes.ts";
import { leafHash } from "../formats/merkle.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { openCheckpointFile } from "./checkpoint-file.ts";
import type { CheckpointSigner } from "./note-writer.ts";
import type { StoredLeaf, TreeDatabase } from "./tree-database.ts";
import { openFrontier, rootOf, storedCount } from "./tree-math.ts";
import { openDatabase } from "./tree-store.ts";

export type FsckOptions = {
  /** The log's database; its checkpoint file is looked for beside it. */
  readonly path: string;
  readonly signer: CheckpointSigner;
  /** The keys by which a leaf must be found; `undefined` for a leaf that the log never makes. */
  readonly keysOf?: (leaf: Uint8Array) => readonly string[] | undefined;
};

export type FsckReport = {
  readonly leaves: number;
  /** Size of the last checkpoint that was signed. */
  readonly checkpointSize: number;
  /** Lower-case hex of the root over all leaves. */
  readonly root: string;
  /** What is wrong, one sentence each, at most 100; the log is sound only without any. */
  readonly findings: readonly string[];
};

const MAX_FINDINGS = 100;

/**
 * Derives a whole log anew from its leaves and compares: every leaf hash, every inner node, the
 * order of indexes, how leaves are found, and the root that the last checkpoint states.
 *
 * @returns `FILE_UNREADABLE` where there is no log, `STATE_LOCKED` where one is running,
 * `STATE_CORRUPT` where nothing can be read; all else is a finding
 */
export const fsckLog = async (options: FsckOptions): Promise<Result<FsckReport>> => {
  const checkpointPath = `${options.path}.checkpoint`;
  for (const path of [options.path, checkpointPath]) {
    if (!existsSync(path)) return fail("FILE_UNREADABLE", `there is no ${path}`);
  }
  const database = openDatabase(options.path);
  if (!database.ok) return database;
  try {
    const file = await openCheckpointFile(checkpointPath);
    if (!file.ok) return file;
    await file.value.close();
    return ok(await examine(options, database.value, file.value.last ?? ""));
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    return fail("STATE_CORRUPT", `${options.path} cannot be read: ${reason}`);
  } finally {
    database.value.close();
  }
};

const examine = async (
  { signer, keysOf }: FsckOptions,
  database: TreeDatabase,
  note: string,
): Promise<FsckReport> => {
  const findings: string[] = [];
  const report = (finding: string): void => {
    if (findings.length < MAX_FINDINGS) findings.push(finding);
  };
  const head = await signer.open(note);
  if (head === undefined) report("the last checkpoint is not signed by this log's key");
  const examineLeaf = leafExaminer(database, keysOf, report);
  const read = nodesFromLeaves();
  let leaves = 0;
  for (const leaf of database.leaves()) {
    if (leaf.index !== leaves) report(`leaf ${leaves} is missing; ${leaf.index} follows`);
    examineLeaf(leaf);
    read.add(leaves, leafHash(leaf.body), (position, hash) => {
      const stored = database.nodeAt(position);
      if (stored === undefined || !equal(stored, hash)) {
        report(`the tree node at ${position} is not what leaf ${leaf.index} makes it`);
      }
    });
    leaves += 1;
    if (head?.size === leaves && !equal(read.root(leaves), head.root)) {
      report(`the first ${leaves} leaves do not have the root that was signed`);
    }
  }
  const { nodes } = database.counts();
  if (nodes !== storedCount(leaves)) report(`${nodes} tree nodes, not ${storedCount(leaves)}`);
  if (head !== undefined && head.size > leaves) {
    report(`${leaves} leaves of the ${head.size} that were promised`);
  }
  return { leaves, checkpointSize: head?.size ?? 0, root: hex(read.root(leaves)), findings };
};

/** The tree as the leaves make it, keeping only what later roots are made of. */
const nodesFromLeaves = () => {
  const nothing = () => {
    throw new Error("a new tree reads no nodes");
  };
  const frontier = openFrontier(0, nothing);
  return {
    add: frontier.add,
    root: (size: number) => rootOf(size, frontier.open),
  };
};

const leafExaminer =
  (
    database: TreeDatabase,
    keysOf: FsckOptions["keysOf"],
    report: (finding: string) => void,
  ): ((leaf: StoredLeaf) => void) =>
  ({ index, hash, body }) => {
    if (!equal(hash, leafHash(body))) report(`leaf ${index} was changed: its hash is another`);
    if (database.indexOf(hash) !== index) report(`leaf ${index} is not found by its hash`);
    const keys = keysOf === undefined ? [] : keysOf(body);
    if (keys === undefined) report(`leaf ${index} is no entry that this log makes`);
    for (const key of keys ?? []) {
      if (!database.hasKey(key, index)) report(`leaf ${index} is not found by ${key}`);
    }
  };
