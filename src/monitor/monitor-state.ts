import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Sha256 } from "../crypto/hash.ts";
import { fromHex, hex } from "../formats/bytes.ts";
import { type CompactRange, compactRange } from "../formats/compact-range.ts";
import { fail, ok, type Result, unwrap } from "../formats/result.ts";
import type { Alarm, PendingAlarm } from "./alarm.ts";

/** What was read of a tree, in numbers. */
export type Counts = {
  readonly read: number;
  /** Entries by a watched identity, and those of them that a record knew at once. */
  readonly mine: number;
  readonly known: number;
  readonly impostors: number;
  readonly unreadable: number;
  /** Of those, how many were kept as they are. */
  readonly kept: number;
};

export const NOTHING_READ: Counts = {
  read: 0,
  mine: 0,
  known: 0,
  impostors: 0,
  unreadable: 0,
  kept: 0,
};

/** How far a tree was followed. It only ever grows. */
export type TreeState = {
  readonly url: string;
  readonly api: 1 | 2;
  readonly origin: string;
  /** The last checkpoint that was accepted, as it was signed. */
  readonly note: string;
  readonly size: number;
  readonly root: Sha256;
  /** The leaves that were looked at; at most `size`. */
  readonly range: CompactRange;
  /** The first leaf that was looked at. */
  readonly from: number;
  readonly counts: Counts;
  /** When the log last showed more than before, in milliseconds since 1970. */
  readonly grownAt: number;
  /** When leaves of it were last read, or it was taken up, in milliseconds since 1970. */
  readonly readAt?: number;
  /** The alarm after which the tree is not followed any further. */
  readonly halted?: string;
  /** Set once a log was read after the end of its keys: it is not asked again. */
  readonly finished?: true;
};

type LogName = { readonly url: string; readonly api: 1 | 2 };

/** All that the monitor remembers. Each method is one atomic, durable step. */
export type MonitorState = {
  /** When the monitor began, in milliseconds since 1970. */
  readonly inception: number;
  /** Of one log, or of all. */
  trees(log?: LogName): TreeState[];
  /** Whether all trees that a log had at first were taken up: others that come are new. */
  hasBegun(log: LogName): boolean;
  begin(log: LogName): void;
  /** Keeps a tree's state and the alarms that go with it, both or neither; open alarms stay. */
  save(tree: TreeState | undefined, alarms: readonly PendingAlarm[]): void;
  /** Alarms that were not told, oldest first. */
  pending(): PendingAlarm[];
  /** Every alarm so far, told or not, oldest first. */
  alarms(): Alarm[];
  alarm(id: string): Alarm | undefined;
  told(ids: readonly string[]): void;
  /** What a log did is over where it was told; should it begin again, that is another alarm. */
  settle(log: LogName, origin: string): void;
  /** Forgets alarms that turned out to be none. */
  withdraw(ids: readonly string[]): void;
  close(): void;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS monitor (inception INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trees (
  url TEXT NOT NULL, api INTEGER NOT NULL, origin TEXT NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (url, api, origin)
) STRICT;
CREATE TABLE IF NOT EXISTS logs (url TEXT NOT NULL, api INTEGER NOT NULL, PRIMARY KEY (url, api)) STRICT;
CREATE TABLE IF NOT EXISTS alarms (
  id TEXT PRIMARY KEY, event TEXT NOT NULL, alarm TEXT NOT NULL, due INTEGER NOT NULL,
  url TEXT NOT NULL, api INTEGER NOT NULL, origin TEXT NOT NULL,
  about TEXT NOT NULL, told INTEGER NOT NULL, over INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS alarms_event ON alarms (event) WHERE over = 0;`;

type Kept = Omit<TreeState, "root" | "range"> & {
  readonly root: string;
  readonly range: { readonly size: number; readonly hashes: readonly string[] };
};

const bytes = (text: string): Uint8Array => unwrap(fromHex(text));

const treeJson = ({ root, range, ...rest }: TreeState): string => {
  const hashes = range.hashes.map(hex);
  return JSON.stringify({ ...rest, root: hex(root), range: { ...range, hashes } } satisfies Kept);
};

const readTree = (text: string): TreeState => {
  const { root, range, ...rest } = JSON.parse(text) as Kept;
  return {
    ...rest,
    root: bytes(root) as Sha256,
    range: unwrap(compactRange(range.size, range.hashes.map(bytes))),
  };
};

/**
 * Opens the state in `folder`, or makes it.
 *
 * @param now - milliseconds since 1970
 * @returns `STATE_LOCKED` while another monitor has it, `STATE_CORRUPT`
 */
export const openMonitorState = (folder: string, now: number): Result<MonitorState> => {
  const path = join(folder, "monitor.db");
  try {
    mkdirSync(folder, { recursive: true });
    const database = new DatabaseSync(path);
    try {
      return ok(stateIn(database, now));
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    return /locked|busy/.test(reason)
      ? fail("STATE_LOCKED", `${path} is in use by another process`)
      : fail("STATE_CORRUPT", `${path} is no usable state: ${reason}`);
  }
};

/** What was accepted and read stays so: anything else is a bug, and must not be remembered. */
const forwards = (kept: readonly TreeState[], next: TreeState): void => {
  const last = kept.find(({ origin }) => origin === next.origin);
  const isBack = last && (next.size < last.size || next.range.size < last.range.size);
  if (isBack || next.range.size > next.size) throw new Error("a tree's state went back");
};

/** Runs statements in one transaction: all of them, or none. */
const atomicallyIn =
  (database: DatabaseSync) =>
  (work: () => void): void => {
    database.exec("BEGIN IMMEDIATE");
    try {
      work();
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };

type Row = Record<string, string | number>;

const readAlarm = ({ alarm }: Row): Alarm => JSON.parse(String(alarm)) as Alarm;

/** The alarms in a database, with `put` for one that is to be remembered unless it is open. */
const alarmsIn = (database: DatabaseSync) => {
  const all = (sql: string) => database.prepare(sql).all() as Row[];
  const atomically = atomicallyIn(database);
  const each = (sql: string, ids: readonly string[]): void => {
    const statement = database.prepare(sql);
    atomically(() => {
      for (const id of ids) statement.run(id);
    });
  };
  const insert = database.prepare(
    "INSERT INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT DO NOTHING",
  );
  return {
    put: ({ alarm, event, due }: PendingAlarm): void => {
      const { url, api, origin } = alarm.log;
      const about = alarm.entry === undefined ? "log" : "entry";
      insert.run(alarm.id, event, JSON.stringify(alarm), due, url, api, origin, about);
    },
    pending: () =>
      all("SELECT * FROM alarms WHERE told = 0 ORDER BY rowid").map((row) => ({
        alarm: readAlarm(row),
        event: String(row.event),
        due: Number(row.due),
      })),
    alarms: () => all("SELECT * FROM alarms ORDER BY rowid").map(readAlarm),
    alarm: (id: string) => {
      const row = database.prepare("SELECT alarm FROM alarms WHERE id = ?").get(id);
      return row === undefined ? undefined : readAlarm(row as Row);
    },
    told: (ids: readonly string[]) => each("UPDATE alarms SET told = 1 WHERE id = ?", ids),
    settle: ({ url, api }: LogName, origin: string): void => {
      const where = "url = ? AND api = ? AND origin = ? AND about = 'log' AND told = 1";
      database.prepare(`UPDATE alarms SET over = 1 WHERE ${where}`).run(url, api, origin);
    },
    withdraw: (ids: readonly string[]) => each("DELETE FROM alarms WHERE id = ? AND told = 0", ids),
  };
};

const stateIn = (database: DatabaseSync, now: number): MonitorState => {
  // The system lets go of the lock when the process ends, however it ends.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;");
  const atomically = atomicallyIn(database);
  atomically(() => {
    database.exec(SCHEMA);
    const begun = "SELECT count(*) FROM monitor";
    database.prepare(`INSERT INTO monitor SELECT ? WHERE (${begun}) = 0`).run(now);
  });
  const all = (sql: string) => database.prepare(sql).all() as Row[];
  const trees: MonitorState["trees"] = (log) =>
    all("SELECT state FROM trees ORDER BY rowid")
      .map(({ state }) => readTree(String(state)))
      .filter((tree) => log === undefined || (tree.url === log.url && tree.api === log.api));
  const inception = Number(all("SELECT inception FROM monitor")[0]?.inception);
  // A state that cannot be read is found now, and not in the middle of a pass.
  trees();
  const putTree = database.prepare(
    "INSERT INTO trees VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
  );
  const isLog = "FROM logs WHERE url = ? AND api = ?";
  const { put, ...alarmed } = alarmsIn(database);
  return {
    ...alarmed,
    inception,
    trees,
    hasBegun: ({ url, api }) => database.prepare(`SELECT 1 ${isLog}`).get(url, api) !== undefined,
    begin: ({ url, api }) => {
      database.prepare("INSERT INTO logs VALUES (?, ?) ON CONFLICT DO NOTHING").run(url, api);
    },
    save: (tree, alarms) =>
      atomically(() => {
        if (tree !== undefined) forwards(trees(tree), tree);
        if (tree !== undefined) putTree.run(tree.url, tree.api, tree.origin, treeJson(tree));
        for (const alarm of alarms) put(alarm);
      }),
    close: () => database.close(),
  };
};
