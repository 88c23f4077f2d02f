import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { IndexFile } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, type Version } from "../dists/version.ts";
import type { Code } from "../formats/errors.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";

/** A file that an upstream has listed, as it was when it was first seen. */
export type SeenFile = {
  readonly project: NormalizedName;
  readonly filename: string;
  readonly upstream: string;
  /** Lower-case hex; empty where the upstream stated none. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  /** What the upstream said about it last. */
  readonly listed: IndexFile;
};

/** What the checks said about a file. */
export type KeptVerdict = {
  readonly project: NormalizedName;
  readonly filename: string;
  readonly sha256: string;
  /** Bytes; absent where the file never arrived. */
  readonly size?: number;
  /** Digest of the wheel's METADATA, which lies in the store. */
  readonly metadata?: string;
  /** Digest of a PEP 740 provenance object, which lies in the store. */
  readonly provenance?: string;
  /** Absent where the file was accepted. */
  readonly refusal?: { readonly code: Code; readonly message: string };
  /** Milliseconds since 1970; from `validUntil` on it is to be decided anew. */
  readonly decidedAt: number;
  readonly validUntil: number;
  /** Of the policy, configuration and trust by which it was decided. */
  readonly fingerprint: string;
};

export const EVENT_KINDS = ["accepted", "refused", "alarm"] as const;

/** One line of the audit trail. */
export type GatewayEvent = {
  readonly kind: (typeof EVENT_KINDS)[number];
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  readonly code?: Code;
  readonly message: string;
  /** JSON: the verdict, for an auditor. */
  readonly detail?: unknown;
};

/** All that the gateway remembers. */
export type GatewayState = {
  /** Files of a project that any page has ever listed, oldest first. */
  files(project: NormalizedName): SeenFile[];
  /** Remembers new files and what is said now of known ones; digest and first sight never change. */
  see(files: readonly SeenFile[]): void;
  projects(): NormalizedName[];
  verdict(project: NormalizedName, filename: string): KeptVerdict | undefined;
  verdicts(project: NormalizedName): Map<string, KeptVerdict>;
  keepVerdict(verdict: KeptVerdict): void;
  /** Who signs a project's files, as first seen. */
  publisher(project: NormalizedName): IdentityPolicy | undefined;
  /** Keeps the publisher if there is none yet, and gives the one that holds. */
  pinPublisher(project: NormalizedName, publisher: IdentityPolicy): IdentityPolicy;
  replacePublisher(project: NormalizedName, publisher: IdentityPolicy): void;
  /** The highest version that was served. */
  mark(project: NormalizedName): Version | undefined;
  raiseMark(project: NormalizedName, version: Version): void;
  record(event: GatewayEvent): void;
  /** The audit trail, oldest first. */
  events(): Iterable<GatewayEvent>;
  close(): void;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS seen_file (
  project TEXT NOT NULL, filename TEXT NOT NULL, upstream TEXT NOT NULL, sha256 TEXT NOT NULL,
  first_seen INTEGER NOT NULL, listed TEXT NOT NULL, PRIMARY KEY (project, filename)
) STRICT;
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

const open = (folder: string): DatabaseSync => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(folder, "gateway.sqlite"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
  database.exec(SCHEMA);
  return database;
};

type Row = Record<string, unknown>;

const seenOf = (row: Row): SeenFile => ({
  project: String(row.project) as NormalizedName,
  filename: String(row.filename),
  upstream: String(row.upstream),
  sha256: String(row.sha256),
  firstSeen: Number(row.first_seen),
  listed: JSON.parse(String(row.listed)),
});

const filesIn = (database: DatabaseSync): Pick<GatewayState, "files" | "see" | "projects"> => ({
  files: (project) =>
    database
      .prepare("SELECT * FROM seen_file WHERE project = ? ORDER BY rowid")
      .all(project)
      .map(seenOf),
  see: (files) => {
    const insert = database.prepare(
      `INSERT INTO seen_file (project, filename, upstream, sha256, first_seen, listed)
      VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (project, filename) DO UPDATE SET listed = excluded.listed`,
    );
    database.exec("BEGIN IMMEDIATE");
    try {
      for (const { project, filename, upstream, sha256, firstSeen, listed } of files) {
        insert.run(project, filename, upstream, sha256, firstSeen, JSON.stringify(listed));
      }
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  },
  projects: () =>
    database
      .prepare("SELECT DISTINCT project FROM seen_file ORDER BY project")
      .all()
      .map((row) => String(row.project) as NormalizedName),
});

const verdictsIn = (
  database: DatabaseSync,
): Pick<GatewayState, "verdict" | "verdicts" | "keepVerdict"> => {
  const read = (row: Row | undefined): KeptVerdict | undefined =>
    row === undefined ? undefined : JSON.parse(String(row.verdict));
  return {
    verdict: (project, filename) =>
      read(
        database
          .prepare("SELECT verdict FROM verdict WHERE project = ? AND filename = ?")
          .get(project, filename),
      ),
    verdicts: (project) => {
      const rows = database.prepare("SELECT verdict FROM verdict WHERE project = ?").all(project);
      const kept = rows.flatMap((row) => read(row) ?? []);
      return new Map(kept.map((verdict) => [verdict.filename, verdict]));
    },
    keepVerdict: (verdict) => {
      database
        .prepare("INSERT OR REPLACE INTO verdict (project, filename, verdict) VALUES (?, ?, ?)")
        .run(verdict.project, verdict.filename, JSON.stringify(verdict));
    },
  };
};

const publishersIn = (
  database: DatabaseSync,
): Pick<GatewayState, "publisher" | "pinPublisher" | "replacePublisher"> => {
  const find = (project: NormalizedName): IdentityPolicy | undefined => {
    const row = database.prepare("SELECT identity FROM publisher WHERE project = ?").get(project);
    return row === undefined ? undefined : JSON.parse(String(row.identity));
  };
  const insert = (verb: string, project: NormalizedName, publisher: IdentityPolicy) =>
    database
      .prepare(`${verb} INTO publisher (project, identity) VALUES (?, ?)`)
      .run(project, JSON.stringify(publisher));
  return {
    publisher: find,
    pinPublisher: (project, publisher) => {
      insert("INSERT OR IGNORE", project, publisher);
      return find(project) ?? publisher;
    },
    replacePublisher: (project, publisher) => {
      insert("INSERT OR REPLACE", project, publisher);
    },
  };
};

const marksIn = (database: DatabaseSync): Pick<GatewayState, "mark" | "raiseMark"> => {
  const mark = (project: NormalizedName): Version | undefined => {
    const row = database.prepare("SELECT version FROM version_mark WHERE project = ?").get(project);
    return row === undefined ? undefined : (String(row.version) as Version);
  };
  return {
    mark,
    raiseMark: (project, version) => {
      const old = mark(project);
      if (old !== undefined && compareVersions(old, version) >= 0) return;
      database
        .prepare("INSERT OR REPLACE INTO version_mark (project, version) VALUES (?, ?)")
        .run(project, version);
    },
  };
};

const eventsIn = (database: DatabaseSync): Pick<GatewayState, "record" | "events"> => ({
  record: (event) => {
    database
      .prepare("INSERT INTO event (at, event) VALUES (?, ?)")
      .run(event.at, JSON.stringify(event));
  },
  events: function* () {
    for (const row of database.prepare("SELECT event FROM event ORDER BY id").iterate()) {
      yield JSON.parse(String(row.event));
    }
  },
});

/**
 * The gateway's memory in one SQLite file in `folder`, made where absent.
 * @returns STATE_CORRUPT
 */
export const openGatewayState = (folder: string): Result<GatewayState> => {
  try {
    const database = open(folder);
    return ok({
      ...filesIn(database),
      ...verdictsIn(database),
      ...publishersIn(database),
      ...marksIn(database),
      ...eventsIn(database),
      close: () => database.close(),
    });
  } catch (error) {
    const what = error instanceof Error ? error.message : "unknown error";
    return fail("STATE_CORRUPT", `${folder}: ${what}`);
  }
};
