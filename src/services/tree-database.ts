import type { Sha256 } from "../crypto/hash.ts";
import { sha256 } from "../crypto/hash.ts";
import { utf8 } from "../formats/bytes.ts";
import { type Database, disk, type Storage } from "./storage.ts";
import type { ReadNode } from "./tree-math.ts";
import { storedPosition } from "./tree-math.ts";

/** A leaf as it is kept. */
export type StoredLeaf = {
  readonly index: number;
  readonly hash: Sha256;
  /** What was hashed, without the 0x00 in front. */
  readonly body: Uint8Array;
  /** What goes with the leaf without being hashed: a CT log's chain. */
  readonly extra: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** The tables of one log. All methods are synchronous; only the owner of the store writes. */
export type TreeDatabase = {
  begin(): void;
  commit(): void;
  insertLeaf(leaf: StoredLeaf): void;
  insertNode(position: number, hash: Sha256): void;
  insertKey(key: string, index: number): void;
  leaf(index: number): StoredLeaf | undefined;
  /** All leaves in order, one at a time. */
  leaves(): Iterable<StoredLeaf>;
  indexOf(hash: Uint8Array): number | undefined;
  /** Indexes in order, at most `limit`. */
  withKey(key: string, limit: number): number[];
  hasKey(key: string, index: number): boolean;
  readonly readNode: ReadNode;
  /** As `readNode`, by position, and `undefined` where there is none. */
  nodeAt(position: number): Sha256 | undefined;
  /** The number of leaves, the highest index plus one, and the number of nodes. */
  counts(): { readonly leaves: number; readonly next: number; readonly nodes: number };
  close(): void;
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leaf (
    "index" INTEGER PRIMARY KEY, hash BLOB NOT NULL, at INTEGER NOT NULL,
    body BLOB NOT NULL, extra BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS leaf_hash ON leaf (hash);
  CREATE TABLE IF NOT EXISTS node (position INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS key (
    digest BLOB NOT NULL, "index" INTEGER NOT NULL, PRIMARY KEY (digest, "index")
  ) STRICT, WITHOUT ROWID;
`;

/**
 * WAL with a flush at every commit: what was committed survives the power. The lock is exclusive
 * and taken here, so that two processes never extend one tree.
 */
const PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -32000;
  PRAGMA wal_autocheckpoint = 4000;
`;

/** Keys are looked up, never listed: their digests are shorter, and one length. */
const keyDigest = (key: string): Uint8Array => sha256(utf8(key)).subarray(0, 16);

const CACHED_NODES = 50_000;

type LeafRow = { index: number; hash: Sha256; at: number; body: Uint8Array; extra: Uint8Array };

/** Opens or makes the file. Throws SQLite's error where it is locked, damaged or unreadable. */
export const openTreeDatabase = (path: string, storage: Storage = disk): TreeDatabase => {
  const db = storage.openDatabase(path, 0);
  db.exec(PRAGMAS);
  db.exec("BEGIN IMMEDIATE");
  db.exec(SCHEMA);
  db.exec("COMMIT");
  const leaf = db.prepare('SELECT "index", hash, at, body, extra FROM leaf WHERE "index" = ?');
  const leaves = db.prepare('SELECT "index", hash, at, body, extra FROM leaf ORDER BY "index"');
  const indexOf = db.prepare('SELECT "index" FROM leaf WHERE hash = ?');
  const withKey = db.prepare('SELECT "index" FROM key WHERE digest = ? ORDER BY "index" LIMIT ?');
  const hasKey = db.prepare('SELECT 1 FROM key WHERE digest = ? AND "index" = ?');
  const counts = db.prepare(
    'SELECT (SELECT count(*) FROM leaf) AS leaves, (SELECT coalesce(max("index") + 1, 0) FROM leaf) AS next, (SELECT count(*) FROM node) AS nodes',
  );
  const insertLeaf = db.prepare("INSERT INTO leaf VALUES (?, ?, ?, ?, ?)");
  const insertNode = db.prepare("INSERT INTO node VALUES (?, ?)");
  const nodes = cachedNodes(db);
  const insertKey = db.prepare("INSERT OR IGNORE INTO key VALUES (?, ?)");
  return {
    begin: () => db.exec("BEGIN IMMEDIATE"),
    commit: () => db.exec("COMMIT"),
    insertLeaf: (row) => {
      insertLeaf.run(row.index, row.hash, row.at, row.body, row.extra);
    },
    insertNode: (position, hash) => {
      insertNode.run(position, hash);
      nodes.remember(position, hash);
    },
    insertKey: (key, index) => {
      insertKey.run(keyDigest(key), index);
    },
    leaf: (index) => leaf.get(index) as LeafRow | undefined,
    leaves: () => leaves.iterate() as Iterable<LeafRow>,
    indexOf: (hash) => (indexOf.get(hash) as { index: number } | undefined)?.index,
    withKey: (key, limit) =>
      (withKey.all(keyDigest(key), limit) as { index: number }[]).map((row) => row.index),
    hasKey: (key, index) => hasKey.get(keyDigest(key), index) !== undefined,
    readNode: nodes.read,
    nodeAt: nodes.at,
    counts: () => counts.get() as ReturnType<TreeDatabase["counts"]>,
    close: () => db.close(),
  };
};

type CachedNodes = {
  readonly read: ReadNode;
  at(position: number): Sha256 | undefined;
  remember(position: number, hash: Sha256): void;
};

/** A full subtree never changes, so its hash may be kept without end. */
const cachedNodes = (db: Database): CachedNodes => {
  const select = db.prepare("SELECT hash FROM node WHERE position = ?");
  const cache = new Map<number, Sha256>();
  const remember = (position: number, hash: Sha256): void => {
    if (cache.size >= CACHED_NODES) cache.clear();
    cache.set(position, hash);
  };
  const at = (position: number): Sha256 | undefined => {
    const known = cache.get(position);
    if (known !== undefined) return known;
    const row = select.get(position) as { hash: Sha256 } | undefined;
    if (row !== undefined) remember(position, row.hash);
    return row?.hash;
  };
  const read: ReadNode = (level, index) => {
    const hash = at(storedPosition(level, index));
    if (hash === undefined) throw new Error(`tree node ${level}/${index} is missing`);
    return hash;
  };
  return { read, at, remember };
};
