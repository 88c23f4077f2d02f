import type {
  DayCount,
  EventKind,
  EventRow,
  FileRow,
  PackageRow,
  Paged,
  SignerRow,
  SigningRow,
  Totals,
} from "../web/console.ts";
import type { ConsoleDatabase } from "./console-schema.ts";

/** Rows on one page of a list. */
export const PAGE = 50;

type Find = { readonly by: "signer" | "sha256" | "entry"; readonly value: number | string };

/**
 * Reads what the console lists. Each is one walk along an index from where the last page ended,
 * so no page takes longer because there is more.
 */
export type ConsoleQueries = {
  totals(): Totals;
  /** By name, after that name; only those that begin so; only those with refused files. */
  packages(after: string, prefix: string, refusedOnly: boolean): Paged<PackageRow>;
  package(project: string): PackageRow | undefined;
  /** Newest first. @param before - the id of the last one on the page before */
  files(project: string, before: number): Paged<FileRow>;
  file(project: string, filename: string): FileRow | undefined;
  filesOf(project: string, version: string): readonly FileRow[];
  filesWithDigest(sha256: string): readonly FileRow[];
  /** Newest first. */
  events(kinds: readonly EventKind[], before: number): Paged<EventRow>;
  eventsOf(project: string, filename: string): readonly EventRow[];
  /** Who signed last first. @param before - as `next` of the page before gave it */
  signers(before: string | undefined): Paged<SignerRow>;
  signer(id: number): SignerRow | undefined;
  signersNamed(identity: string): readonly SignerRow[];
  /** Newest first. */
  signings(find: Find | undefined, before: number): Paged<SigningRow>;
  /** @param signer - 0 for all of them */
  days(signer: number, from: number): readonly DayCount[];
};

const FILE = "id, project, version, filename, sha256, at, state, code, message, identity, source";
const PACKAGE = "project, files, verified, refused, last_at AS lastAt, last_version AS lastVersion";
const EVENT = "seq, at, kind, project, filename, sha256, code, message";
const SIGNER = "id, identity, issuer, signings, first_at AS firstAt, last_at AS lastAt";
const SIGNING = `SELECT s.seq, s.at, s.entry, s.kind, s.sha256, w.identity, w.issuer
  FROM signing s JOIN signer w ON w.id = s.signer`;

/** One row more than a page shows tells whether there is another page. */
const paged = <T>(rows: readonly unknown[], key: (row: T) => string | number): Paged<T> => {
  const shown = rows.slice(0, PAGE) as T[];
  const last = shown.at(-1);
  return rows.length > PAGE && last !== undefined
    ? { rows: shown, next: key(last) }
    : { rows: shown };
};

type Value = string | number;

/** The statements of the queries, by which their plans can be examined. */
export const statements = (kinds: number) => ({
  packages: `SELECT ${PACKAGE} FROM package WHERE project > ? AND project >= ? AND project < ?
    ORDER BY project LIMIT ${PAGE + 1}`,
  refusedPackages: `SELECT ${PACKAGE} FROM package
    WHERE refused > 0 AND project > ? AND project >= ? AND project < ?
    ORDER BY project LIMIT ${PAGE + 1}`,
  files: `SELECT ${FILE} FROM file WHERE project = ? AND id < ? ORDER BY id DESC LIMIT ${PAGE + 1}`,
  // Each kind walks its own part of the index; then at most as many pages as kinds are sorted.
  events: `SELECT * FROM (${Array.from(
    { length: kinds },
    () =>
      `SELECT * FROM (SELECT ${EVENT} FROM event WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ${PAGE + 1})`,
  ).join(" UNION ALL ")}) ORDER BY seq DESC LIMIT ${PAGE + 1}`,
  signers: `SELECT ${SIGNER} FROM signer WHERE (last_at, id) < (?, ?) ORDER BY last_at DESC, id DESC LIMIT ${PAGE + 1}`,
  signings: `${SIGNING} WHERE s.seq < ? ORDER BY s.seq DESC LIMIT ${PAGE + 1}`,
  bySigner: `${SIGNING} WHERE s.signer = ? AND s.seq < ? ORDER BY s.seq DESC LIMIT ${PAGE + 1}`,
  bySha256: `${SIGNING} WHERE s.sha256 = ? AND s.seq < ? ORDER BY s.seq DESC LIMIT ${PAGE + 1}`,
  byEntry: `${SIGNING} WHERE s.entry = ? AND s.seq < ? ORDER BY s.seq DESC LIMIT ${PAGE + 1}`,
  days: "SELECT day, count FROM signer_day WHERE signer = ? AND day >= ? ORDER BY day",
});

const BY = { signer: "bySigner", sha256: "bySha256", entry: "byEntry" } as const;

type Ask = {
  readonly all: (sql: string, ...values: Value[]) => Record<string, unknown>[];
  readonly one: (sql: string, ...values: Value[]) => unknown;
};

const seq = (row: { seq: number }): number => row.seq;
const TEXTS = statements(1);

const packageQueries = ({ all, one }: Ask): Pick<ConsoleQueries, "packages" | "package"> => ({
  packages: (after, prefix, refusedOnly) =>
    paged<PackageRow>(
      // No name has a character behind this one.
      all(
        refusedOnly ? TEXTS.refusedPackages : TEXTS.packages,
        ...[after, prefix, `${prefix}\u{10ffff}`],
      ),
      (row) => row.project,
    ),
  package: (project) =>
    one(`SELECT ${PACKAGE} FROM package WHERE project = ?`, project) as PackageRow | undefined,
});

type FileQueries = "files" | "file" | "filesOf" | "filesWithDigest";

const fileQueries = ({ all, one }: Ask): Pick<ConsoleQueries, FileQueries> => {
  const rows = (sql: string, ...values: Value[]): FileRow[] =>
    all(`SELECT ${FILE} FROM file WHERE ${sql}`, ...values) as unknown as FileRow[];
  return {
    files: (project, before) =>
      paged<FileRow & { id: number }>(all(TEXTS.files, project, before), (row) => row.id),
    file: (project, filename) =>
      one(`SELECT ${FILE} FROM file WHERE project = ? AND filename = ?`, project, filename) as
        | FileRow
        | undefined,
    filesOf: (project, version) => rows("project = ? AND version = ?", project, version),
    filesWithDigest: (sha256) => rows(`sha256 = ? LIMIT ${PAGE}`, sha256),
  };
};

type SignerQueries = "signers" | "signer" | "signersNamed" | "signings" | "days";

const signerQueries = ({ all, one }: Ask): Pick<ConsoleQueries, SignerQueries> => ({
  signers: (before = "") => {
    const [, at, id] = /^(\d{1,15})\.(\d{1,15})$/.exec(before) ?? [];
    const from = at === undefined ? Number.MAX_SAFE_INTEGER : Number(at);
    return paged<SignerRow>(
      all(TEXTS.signers, from, Number(id ?? 0)),
      (row) => `${row.lastAt}.${row.id}`,
    );
  },
  signer: (id) => one(`SELECT ${SIGNER} FROM signer WHERE id = ?`, id) as SignerRow | undefined,
  signersNamed: (identity) =>
    all(
      `SELECT ${SIGNER} FROM signer WHERE identity = ? LIMIT ${PAGE}`,
      identity,
    ) as unknown as SignerRow[],
  signings: (find, before) =>
    paged<SigningRow>(
      find === undefined
        ? all(TEXTS.signings, before)
        : all(TEXTS[BY[find.by]], find.value, before),
      seq,
    ),
  days: (signer, from) => all(TEXTS.days, signer, from) as unknown as DayCount[],
});

const eventQueries = ({ all }: Ask): Pick<ConsoleQueries, "events" | "eventsOf"> => ({
  events: (kinds, before) =>
    paged<EventRow>(
      all(statements(kinds.length).events, ...kinds.flatMap((kind) => [kind, before])),
      seq,
    ),
  eventsOf: (project, filename) =>
    all(
      `SELECT ${EVENT} FROM event WHERE project = ? AND filename = ? ORDER BY seq DESC LIMIT 20`,
      ...[project, filename],
    ) as unknown as EventRow[],
});

const totalsIn = ({ all }: Ask): Totals => {
  const rows = new Map(
    all("SELECT name, count FROM total").map((row) => [String(row.name), Number(row.count)]),
  );
  const of = (name: string): number => rows.get(name) ?? 0;
  return {
    ...{ packages: of("packages"), files: of("files"), verified: of("verified") },
    ...{ refused: of("refused"), signings: of("signings"), signers: of("signers") },
    alarms: of("alarms"),
  };
};

export const consoleQueries = (database: ConsoleDatabase): ConsoleQueries => {
  const ask: Ask = {
    all: (sql, ...values) => database.prepare(sql).all(...values),
    one: (sql, ...values) => database.prepare(sql).get(...values),
  };
  return {
    totals: () => totalsIn(ask),
    ...packageQueries(ask),
    ...fileQueries(ask),
    ...eventQueries(ask),
    ...signerQueries(ask),
  };
};
