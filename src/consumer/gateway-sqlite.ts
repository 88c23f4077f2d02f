import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, type Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import type {
  GatewayEvent,
  GatewayState,
  KeptVerdict,
  ProjectVerdicts,
  SeenFile,
  Settlement,
} from "./gateway-state.ts";
import { type Atomically, inGroups } from "./sqlite-groups.ts";

/** The version of the tables below; a later one is not touched. */
const VERSION = 2;
const FILE = "gateway.sqlite";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS seen_project (project TEXT PRIMARY KEY, files TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS verdict (
  project TEXT NOT NULL, filename TEXT NOT NULL, verdict TEXT NOT NULL,
  PRIMARY KEY (project, filename)
) STRICT;
CREATE TABLE IF NOT EXISTS publisher (project TEXT PRIMARY KEY, identity TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS version_mark (project TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, event TEXT NOT NULL
) STRICT;
`;

/** Before version 2 each seen file had a row of its own: thousands of them for one page. */
const GATHER = `
INSERT INTO seen_project (project, files)
  SELECT project, json_group_array(json_array(upstream, sha256, first_seen, json(listed)))
  FROM (SELECT * FROM seen_file ORDER BY rowid) GROUP BY project;
DROP TABLE seen_file;
`;

/** A seen file as it is kept: upstream, digest, first sight, and what is listed, with the name. */
type KeptFile = readonly [string, string, number, SeenFile["listed"]];

const keptOf = ({ upstream, sha256, firstSeen, listed }: SeenFile): KeptFile => [
  ...([upstream, sha256, firstSeen, listed] as const),
];

const seenOf = (
  project: NormalizedName,
  [upstream, sha256, firstSeen, listed]: KeptFile,
): SeenFile => ({ project, filename: listed.filename, upstream, sha256, firstSeen, listed });

const migrate = (database: DatabaseSync, from: number): void => {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
  if (from === 1) database.exec(GATHER);
  database.exec(`PRAGMA user_version = ${VERSION}; COMMIT`);
};

const open = (folder: string): DatabaseSync => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, FILE));
  // One page of an index can be 7 MB: the log takes some of them before it is merged.
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
    PRAGMA wal_autocheckpoint = 16384`,
  );
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version > VERSION) throw new Error(`made by a later release (version ${version})`);
  migrate(database, version);
  return database;
};

type Row = Record<string, unknown>;

/** What is said of known files replaces what was said; nothing else of them changes. */
const withSeen = (before: readonly SeenFile[], seen: readonly SeenFile[]): SeenFile[] => {
  const files = new Map(before.map((file) => [file.filename, file]));
  for (const file of seen) {
    const known = files.get(file.filename);
    files.set(file.filename, known === undefined ? file : { ...known, listed: file.listed });
  }
  return [...files.values()];
};

const filesIn = (
  database: DatabaseSync,
  atomically: Atomically,
): Pick<GatewayState, "files" | "see" | "projects"> => {
  const select = database.prepare("SELECT files FROM seen_project WHERE project = ?");
  const put = database.prepare(
    "INSERT OR REPLACE INTO seen_project (project, files) VALUES (?, ?)",
  );
  const projects = database.prepare("SELECT project FROM seen_project ORDER BY project");
  const all = (project: NormalizedName): SeenFile[] => {
    const row = select.get(project);
    const kept: KeptFile[] = row === undefined ? [] : JSON.parse(String(row.files));
    return kept.map((file) => seenOf(project, file));
  };
  const keep = (project: NormalizedName, files: readonly SeenFile[]): void => {
    put.run(project, JSON.stringify(files.map(keptOf)));
  };
  return {
    files: async (project) => all(project),
    see: (project, files) =>
      atomically(() => {
        const before = all(project);
        keep(project, withSeen(before, files));
        return before;
      }),
    projects: async () => projects.all().map((row) => String(row.project) as NormalizedName),
  };
};

/** Adds an event to the trail, inside the transaction that it is about. */
type Append = (event: GatewayEvent) => void;

const appendTo = (database: DatabaseSync): Append => {
  const insert = database.prepare("INSERT INTO event (at, event) VALUES (?, ?)");
  return (event) => {
    insert.run(event.at, JSON.stringify(event));
  };
};

const verdictsIn = (
  database: DatabaseSync,
  atomically: Atomically,
  append: Append,
): Pick<GatewayState, "verdict" | "verdicts" | "settle"> => {
  const one = database.prepare("SELECT verdict FROM verdict WHERE project = ? AND filename = ?");
  const all = database.prepare("SELECT verdict FROM verdict WHERE project = ?");
  const put = database.prepare(
    "INSERT OR REPLACE INTO verdict (project, filename, verdict) VALUES (?, ?, ?)",
  );
  const read = (row: Row | undefined): KeptVerdict | undefined =>
    row === undefined ? undefined : JSON.parse(String(row.verdict));
  const findAll = (project: NormalizedName): ProjectVerdicts => {
    const kept = all.all(project).flatMap((row) => read(row) ?? []);
    return new Map(kept.map((verdict) => [verdict.filename, verdict]));
  };
  const keep = (project: NormalizedName, { verdict, event }: Settlement): void => {
    put.run(project, verdict.filename, JSON.stringify(verdict));
    append(event);
  };
  return {
    verdict: async (project, filename) => read(one.get(project, filename)),
    verdicts: async (project) => findAll(project),
    settle: (project, judge) =>
      atomically(() => {
        const settlement = judge(findAll(project));
        if (settlement !== undefined) keep(project, settlement);
      }),
  };
};

const publishersIn = (
  database: DatabaseSync,
  atomically: Atomically,
): Pick<GatewayState, "publisher" | "pinPublisher" | "replacePublisher"> => {
  const select = database.prepare("SELECT identity FROM publisher WHERE project = ?");
  const insert = database.prepare(
    "INSERT OR IGNORE INTO publisher (project, identity) VALUES (?, ?)",
  );
  const put = database.prepare(
    "INSERT OR REPLACE INTO publisher (project, identity) VALUES (?, ?)",
  );
  const find = (project: NormalizedName): IdentityPolicy | undefined => {
    const row = select.get(project);
    return row === undefined ? undefined : JSON.parse(String(row.identity));
  };
  return {
    publisher: async (project) => find(project),
    pinPublisher: async (project, publisher) =>
      find(project) ??
      atomically(() => {
        insert.run(project, JSON.stringify(publisher));
        return find(project) ?? publisher;
      }),
    replacePublisher: async (project, publisher) => {
      await atomically(() => put.run(project, JSON.stringify(publisher)));
    },
  };
};

const marksIn = (
  database: DatabaseSync,
  atomically: Atomically,
): Pick<GatewayState, "mark" | "raiseMark"> => {
  const select = database.prepare("SELECT version FROM version_mark WHERE project = ?");
  const put = database.prepare(
    "INSERT OR REPLACE INTO version_mark (project, version) VALUES (?, ?)",
  );
  const find = (project: NormalizedName): Version | undefined => {
    const row = select.get(project);
    return row === undefined ? undefined : (String(row.version) as Version);
  };
  const isHigher = (project: NormalizedName, version: Version): boolean => {
    const old = find(project);
    return old === undefined || compareVersions(old, version) < 0;
  };
  const raise = (project: NormalizedName, version: Version): void => {
    if (isHigher(project, version)) put.run(project, version);
  };
  return {
    mark: async (project) => find(project),
    raiseMark: async (project, version) => {
      if (isHigher(project, version)) await atomically(() => raise(project, version));
    },
  };
};

const eventsIn = (
  database: DatabaseSync,
  atomically: Atomically,
  append: Append,
): Pick<GatewayState, "record" | "events" | "eventsAfter"> => {
  const after = database.prepare("SELECT id, event FROM event WHERE id > ? ORDER BY id LIMIT ?");
  return {
    record: (event) => atomically(() => append(event)),
    events: async function* () {
      // One of its own: it may go on while another begins.
      for (const row of database.prepare("SELECT event FROM event ORDER BY id").iterate()) {
        yield JSON.parse(String(row.event));
      }
    },
    eventsAfter: async (number, limit) =>
      after
        .all(number, limit)
        .map((row) => ({ number: Number(row.id), event: JSON.parse(String(row.event)) })),
  };
};

/**
 * The gateway's memory in one SQLite file in `folder`, made where absent; for one process.
 * @returns STATE_CORRUPT
 */
export const openSqliteState = (folder: string): Result<GatewayState> => {
  try {
    const database = open(folder);
    const append = appendTo(database);
    const atomically = inGroups(database, join(folder, `${FILE}-wal`));
    return ok({
      ...filesIn(database, atomically),
      ...verdictsIn(database, atomically, append),
      ...publishersIn(database, atomically),
      ...marksIn(database, atomically),
      ...eventsIn(database, atomically, append),
      ping: async () => undefined,
      close: async () => {
        await atomically.close();
        database.close();
      },
    });
  } catch (error) {
    const what = error instanceof Error ? error.message : "unknown error";
    return fail("STATE_CORRUPT", `${folder}: ${what}`);
  }
};
