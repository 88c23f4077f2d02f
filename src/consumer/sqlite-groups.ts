import { open } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";

/** Does all or nothing of what `work` writes. */
export type Atomically = <T>(work: () => T) => Promise<T>;

export type Groups = Atomically & {
  /** Ends what is waiting, and brings it to the disk. */
  readonly close: () => Promise<void>;
};

/** Brings a file to the disk without anybody waiting, as often as there is something new. */
const openSync = (path: string) => {
  let running: Promise<void> | undefined;
  let again = false;
  const once = async (): Promise<void> => {
    const file = await open(path, "r+");
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  };
  const all = async (): Promise<void> => {
    do {
      again = false;
      // A log that cannot be opened was merged into the database, which flushes it.
      await once().catch(() => undefined);
    } while (again);
    running = undefined;
  };
  return {
    sync: (): void => {
      again = true;
      running ??= all();
    },
    settled: async (): Promise<void> => running,
  };
};

/**
 * Writes that come at the same time share a transaction; each is undone alone if it fails. SQLite
 * flushes its log while everything else stands still, so this does it, beside the work, right
 * after each transaction: the end of the process loses nothing, a power failure what came in the
 * last moment.
 *
 * @param log - path of the database's write-ahead log
 */
export const inGroups = (database: DatabaseSync, log: string): Groups => {
  const disk = openSync(log);
  let waiting: { run: () => () => void; reject: (error: unknown) => void }[] = [];
  const flush = (): void => {
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      database.exec("BEGIN IMMEDIATE");
      const settle = group.map(({ run }) => run());
      database.exec("COMMIT");
      for (const done of settle) done();
      disk.sync();
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      for (const { reject } of group) reject(error);
    }
  };
  const one = <T>(work: () => T): T => {
    database.exec("SAVEPOINT one");
    try {
      return work();
    } catch (error) {
      database.exec("ROLLBACK TO one");
      throw error;
    } finally {
      database.exec("RELEASE one");
    }
  };
  const atomically: Atomically = (work) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush);
      const run = () => {
        try {
          const value = one(work);
          return () => resolve(value);
        } catch (error) {
          return () => reject(error);
        }
      };
      waiting.push({ run, reject });
    });
  const close = (): Promise<void> => {
    flush();
    return disk.settled();
  };
  return Object.assign(atomically, { close });
};
