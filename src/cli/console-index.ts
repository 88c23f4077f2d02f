import type { EventRow, FileRow, FileState } from "../web/console.ts";
import type { ConsoleDatabase } from "./console-schema.ts";

type NewEvent = Omit<EventRow, "seq">;

export type NewSigning = {
  readonly at: number;
  readonly identity: string;
  readonly issuer: string;
  readonly entry: number;
  readonly kind: string;
  readonly sha256: string;
};

export type FileVerdict = {
  readonly state: FileState;
  readonly code: string;
  readonly message: string;
};

/** Writes what the console lists. Nothing is on the disk for certain before it is derived again. */
export type ConsoleIndex = {
  /** Runs `work` in one transaction. */
  atomically<T>(work: () => T): T;
  /** How far a source was read; 0 where nothing was. */
  position(source: string): number;
  moveTo(source: string, position: number): void;
  addSigning(signing: NewSigning): void;
  hasSigning(signing: NewSigning): boolean;
  /** A new file, or what is known of one now. Gives who signed the package's file before it. */
  putFile(file: FileRow): { readonly before: FileRow | undefined };
  setVerdict(project: string, filename: string, verdict: FileVerdict): void;
  addEvent(event: NewEvent): void;
  /** Leaves of the events that are about no package the last ones: anybody can cause such. */
  trimEvents(keep: number): void;
};

const DAY = 86_400_000;

const counted = (state: FileState) => ({
  verified: state === "verified" ? 1 : 0,
  refused: state === "refused" ? 1 : 0,
});

const totalsOf = (database: ConsoleDatabase) => {
  const add = database.prepare(
    "INSERT INTO total VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
  );
  return (name: string, by: number): void => {
    if (by !== 0) add.run(name, by);
  };
};

type Add = ReturnType<typeof totalsOf>;

type Signings = Pick<ConsoleIndex, "addSigning" | "hasSigning">;

const signings = (database: ConsoleDatabase, total: Add): Signings => {
  const signer = database.prepare(
    `INSERT INTO signer (identity, issuer, signings, first_at, last_at) VALUES (?, ?, 1, ?, ?)
    ON CONFLICT (identity, issuer) DO UPDATE SET signings = signings + 1,
      first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
    RETURNING id, signings`,
  );
  const day = database.prepare(
    "INSERT INTO signer_day VALUES (?, ?, 1) ON CONFLICT (signer, day) DO UPDATE SET count = count + 1",
  );
  const insert = database.prepare(
    "INSERT INTO signing (at, signer, entry, kind, sha256) VALUES (?, ?, ?, ?, ?)",
  );
  const known = database.prepare(
    "SELECT 1 FROM signing WHERE sha256 = ? AND entry = ? AND kind = ? LIMIT 1",
  );
  const addSigning: Signings["addSigning"] = ({ at, identity, issuer, entry, kind, sha256 }) => {
    const row = signer.get(identity, issuer, at, at);
    const id = Number(row?.id);
    if (row?.signings === 1) total("signers", 1);
    total("signings", 1);
    const date = Math.floor(at / DAY);
    day.run(id, date);
    // Signer 0 is all of them.
    day.run(0, date);
    insert.run(at, id, entry, kind, sha256);
  };
  return {
    addSigning,
    hasSigning: ({ sha256, entry, kind }) => known.get(sha256, entry, kind) !== undefined,
  };
};

type Change = {
  readonly project: string;
  readonly files: number;
  readonly from: FileState | undefined;
  readonly to: FileState;
  readonly at: number;
  readonly version: string;
};

const packages = (database: ConsoleDatabase, total: Add) => {
  const change = database.prepare(
    `INSERT INTO package VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project) DO UPDATE SET
      files = files + excluded.files, verified = verified + excluded.verified,
      refused = refused + excluded.refused,
      last_version = iif(excluded.last_at >= last_at, excluded.last_version, last_version),
      last_at = max(last_at, excluded.last_at) RETURNING files`,
  );
  return ({ project, files, from, to, at, version }: Change): void => {
    const before = from === undefined ? { verified: 0, refused: 0 } : counted(from);
    const verified = counted(to).verified - before.verified;
    const refused = counted(to).refused - before.refused;
    const row = change.get(project, files, verified, refused, at, version);
    if (files === 1 && row?.files === 1) total("packages", 1);
    total("files", files);
    total("verified", verified);
    total("refused", refused);
  };
};

const files = (
  database: ConsoleDatabase,
  total: Add,
): Pick<ConsoleIndex, "putFile" | "setVerdict"> => {
  const move = packages(database, total);
  const find = database.prepare("SELECT * FROM file WHERE project = ? AND filename = ?");
  const last = database.prepare(
    "SELECT * FROM file WHERE project = ? AND filename <> ? ORDER BY id DESC LIMIT 1",
  );
  const put = database.prepare(
    `INSERT INTO file (project, version, filename, sha256, at, state, code, message, identity, source)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, filename) DO UPDATE SET
      sha256 = excluded.sha256, at = excluded.at, state = excluded.state, code = excluded.code,
      message = excluded.message, identity = excluded.identity,
      source = excluded.source`,
  );
  const set = database.prepare(
    "UPDATE file SET state = ?, code = ?, message = ? WHERE project = ? AND filename = ?",
  );
  const known = (project: string, filename: string) =>
    find.get(project, filename) as FileRow | undefined;
  return {
    putFile: (file) => {
      const { project, version, filename, at, state } = file;
      const old = known(project, filename);
      const before = last.get(project, filename) as FileRow | undefined;
      put.run(
        ...[project, version, filename, file.sha256, at],
        ...[state, file.code, file.message, file.identity, file.source],
      );
      move({ project, files: old ? 0 : 1, from: old?.state, to: state, at, version });
      return { before: old ?? before };
    },
    setVerdict: (project, filename, { state, code, message }) => {
      const old = known(project, filename);
      if (old === undefined) return;
      set.run(state, code, message, project, filename);
      // Neither a new file nor a later one.
      move({ project, files: 0, from: old.state, to: state, at: 0, version: old.version });
    },
  };
};

export const consoleIndex = (database: ConsoleDatabase): ConsoleIndex => {
  const total = totalsOf(database);
  const position = database.prepare("SELECT value FROM mark WHERE name = ?");
  const moveTo = database.prepare("INSERT OR REPLACE INTO mark VALUES (?, ?)");
  const event = database.prepare(
    "INSERT INTO event (at, kind, project, filename, sha256, code, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const trim = database.prepare(
    `DELETE FROM event WHERE project = '' AND seq <=
      (SELECT seq FROM event WHERE project = '' ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
  );
  return {
    atomically: (work) => {
      database.exec("BEGIN");
      try {
        const done = work();
        database.exec("COMMIT");
        return done;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      }
    },
    trimEvents: (keep) => void trim.run(keep),
    position: (source) => Number(position.get(`at ${source}`)?.value ?? 0),
    moveTo: (source, at) => void moveTo.run(`at ${source}`, String(at)),
    ...signings(database, total),
    ...files(database, total),
    addEvent: ({ at, kind, project, filename, sha256, code, message }) => {
      event.run(at, kind, project, filename, sha256, code, message);
      if (kind === "alarm" || kind === "identity") total("alarms", 1);
    },
  };
};
