import { DatabaseSync } from "node:sqlite";

/**
 * What the console lists, derived from a log, a registry or an audit trail, and made anew
 * whenever it does not fit them: it is no evidence of anything.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signer (
  id INTEGER PRIMARY KEY, identity TEXT NOT NULL, issuer TEXT NOT NULL, signings INTEGER NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, UNIQUE (identity, issuer)
) STRICT;
CREATE INDEX IF NOT EXISTS signer_by_time ON signer (last_at, id);
CREATE TABLE IF NOT EXISTS signer_day (
  signer INTEGER NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (signer, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signing (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, signer INTEGER NOT NULL,
  entry INTEGER NOT NULL, kind TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS signing_by_signer ON signing (signer, seq);
CREATE INDEX IF NOT EXISTS signing_by_digest ON signing (sha256, seq);
CREATE INDEX IF NOT EXISTS signing_by_entry ON signing (entry, seq);
CREATE TABLE IF NOT EXISTS package (
  project TEXT PRIMARY KEY, files INTEGER NOT NULL, verified INTEGER NOT NULL,
  refused INTEGER NOT NULL, last_at INTEGER NOT NULL, last_version TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS package_refused ON package (project) WHERE refused > 0;
CREATE TABLE IF NOT EXISTS file (
  id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, version TEXT NOT NULL,
  filename TEXT NOT NULL, sha256 TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
  code TEXT NOT NULL, message TEXT NOT NULL, identity TEXT NOT NULL, source INTEGER NOT NULL, UNIQUE (project, filename)
) STRICT;
CREATE INDEX IF NOT EXISTS file_by_project ON file (project, id);
CREATE INDEX IF NOT EXISTS file_by_digest ON file (sha256);
CREATE TABLE IF NOT EXISTS event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL,
  project TEXT NOT NULL, filename TEXT NOT NULL, sha256 TEXT NOT NULL, code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS event_by_kind ON event (kind, seq);
CREATE INDEX IF NOT EXISTS event_by_file ON event (project, filename, seq);
CREATE TABLE IF NOT EXISTS total (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

const TABLES = ["mark", "signer", "signer_day", "signing", "package", "file", "event", "total"];

/** Changes whenever the tables do. */
const VERSION = 1;

export type ConsoleDatabase = DatabaseSync;

const empty = (database: DatabaseSync): void => {
  for (const table of TABLES) database.exec(`DROP TABLE IF EXISTS ${table}`);
  database.exec(`${SCHEMA}; PRAGMA user_version = ${VERSION}`);
};

/**
 * Opens the index, emptied where it belongs to something else or is of another version.
 *
 * @param path - a file, or `:memory:`
 * @param source - names what it is derived from: another log is another source
 */
export const openConsoleDatabase = (path: string, source: string): ConsoleDatabase => {
  const database = new DatabaseSync(path);
  // It can be derived anew, so no commit waits for the disk.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 5000");
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version !== VERSION) empty(database);
  const known = database.prepare("SELECT value FROM mark WHERE name = 'source'").get()?.value;
  if (known !== undefined && known !== source) empty(database);
  database.prepare("INSERT OR REPLACE INTO mark VALUES ('source', ?)").run(source);
  return database;
};

/** Forgets everything that was derived. */
export const emptyConsoleDatabase = (database: ConsoleDatabase, source: string): void => {
  empty(database);
  database.prepare("INSERT OR REPLACE INTO mark VALUES ('source', ?)").run(source);
};
