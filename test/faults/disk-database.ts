import { DatabaseSync } from "node:sqlite";
import type { Database } from "../../src/services/storage.ts";
import type { Chance } from "../fuzz/mutate.ts";
import { fileAt, torn } from "./disk-bytes.ts";

/** What this disk does wrong, apart from losing its power. */
export type Faults = {
  /** One in so many writes finds no space left; 0 for never. */
  readonly full: number;
  /** One in so many flushes fails. */
  readonly broken: number;
  /** One in so many flushes of a file says that it succeeded, and did nothing. */
  readonly lyingFiles: number;
  /** The same for databases. */
  readonly lyingDatabases: number;
};

/** The two files of a database in WAL mode. */
export type Pages = {
  readonly main: Uint8Array | undefined;
  readonly wal: Uint8Array | undefined;
};

type Surroundings = {
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly strikes: (one: number) => boolean;
  /** Does one change, or cuts the power in the midst of it. */
  change(work: { readonly finish: () => void; readonly cutWithin: () => void }): void;
  /** Says what would be left now. */
  keep(pages: Pages): void;
  readonly open: Set<() => void>;
};

const WAL_HEADER = 32;
const NOTHING = new Uint8Array(0);

/** Small, so that few entries already fill many, and a checkpoint of the WAL comes often. */
const PAGE = 512;
const CHECKPOINTS = [1, 8, 40, 1000];

/**
 * Real SQLite on real files, looked at around each change. In between it does what its
 * documentation says of WAL mode with `synchronous = FULL`: a new WAL's header is flushed before
 * anything else of it; its frames are flushed before the commit is told; pages go from the WAL to
 * the database only when they are flushed, and are flushed before the WAL begins anew. Of what is
 * written between two flushes any sectors may be there after a loss of power.
 */
export const recordedDatabase = (path: string, around: Surroundings): Database => {
  const { chance, strikes } = around;
  const database = new DatabaseSync(path);
  const every = CHECKPOINTS[chance(CHECKPOINTS.length)];
  const pages = (): Pages => ({ main: fileAt(path), wal: fileAt(`${path}-wal`) });
  const shut = () => database.close();
  around.open.add(shut);
  let lied = false;
  const keep = (now: Pages): void => {
    // A disk that lied about one flush holds an older state until it flushes again.
    lied = strikes(around.faults().lyingDatabases);
    if (!lied) around.keep(now);
  };
  const change = (run: () => void, within: (before: Pages, after: Pages) => Pages): void => {
    const before = pages();
    around.change({
      finish: () => {
        run();
        keep(pages());
      },
      cutWithin: () => {
        run();
        around.keep(within(before, pages()));
      },
    });
  };
  const commit = (sql: string): void => {
    const { full, broken } = around.faults();
    if (strikes(full) || strikes(broken)) {
      // What a failed commit leaves is unknown: all of it or nothing.
      change(
        () => (chance(2) === 0 ? database.exec(sql) : undefined),
        (before, after) => (chance(2) === 0 ? before : after),
      );
      throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
    }
    change(
      () => database.exec(sql),
      (before, after) => cutCommit(before, after, chance),
    );
  };
  /** How SQLite makes its files is not taken apart: they are there, or they are not. */
  const make = (sql: string): void => {
    change(
      () => {
        database.exec(`PRAGMA page_size = ${PAGE}`);
        database.exec(sql);
        database.exec(`PRAGMA wal_autocheckpoint = ${every}`);
      },
      (before, after) => (chance(2) === 0 ? before : after),
    );
  };
  const exec = (sql: string): void => {
    if (/^\s*COMMIT/i.test(sql)) commit(sql);
    else if (/journal_mode|CREATE TABLE/.test(sql)) make(sql);
    else database.exec(sql);
  };
  return {
    exec,
    prepare: (sql) => database.prepare(sql),
    close: () => {
      change(
        () => {
          if (around.open.delete(shut)) shut();
        },
        (before, after) => cutClose(before, after, chance),
      );
    },
  };
};

/** What is left of a commit in whose midst the power went. */
const cutCommit = (before: Pages, after: Pages, chance: Chance): Pages => {
  const keeps = (): boolean => chance(2) === 0;
  const [oldWal, newWal] = [before.wal ?? NOTHING, after.wal ?? NOTHING];
  const oldHeader = oldWal.subarray(0, WAL_HEADER);
  const newHeader = newWal.subarray(0, WAL_HEADER);
  const restarted = Buffer.compare(oldHeader, newHeader) !== 0;
  const headed = new Uint8Array(Math.max(oldWal.length, WAL_HEADER));
  headed.set(oldWal);
  headed.set(newHeader);
  switch (chance(5)) {
    case 0:
      return before;
    case 1:
      return { main: before.main, wal: restarted ? headed : oldWal };
    case 2:
      return { main: before.main, wal: torn(restarted ? headed : oldWal, newWal, keeps) };
    case 3:
      return { main: torn(before.main ?? NOTHING, after.main ?? NOTHING, keeps), wal: newWal };
    default:
      return after;
  }
};

/** At its end SQLite brings all pages to the database, flushes it, and removes the WAL. */
const cutClose = (before: Pages, after: Pages, chance: Chance): Pages => {
  const keeps = (): boolean => chance(2) === 0;
  switch (chance(4)) {
    case 0:
      return before;
    case 1:
      return { main: torn(before.main ?? NOTHING, after.main ?? NOTHING, keeps), wal: before.wal };
    case 2:
      return { main: after.main, wal: before.wal };
    default:
      return after;
  }
};
