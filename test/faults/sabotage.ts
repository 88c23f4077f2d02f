import type { Database, Storage } from "../../src/services/storage.ts";
import type { Sabotage } from "./simulation.ts";

/**
 * The storage of a program that does not do what it should: the disk is sound, and is not asked.
 * What comes of it is what the simulation must see.
 */
export const sabotaged = (storage: Storage, sabotage: Sabotage | undefined): Storage => {
  switch (sabotage) {
    case undefined:
    case "answers-early":
      return storage;
    case "skips-folder-sync":
      return { ...storage, syncFolder: async () => undefined };
    case "skips-file-sync":
      return {
        ...storage,
        open: async (path, how) => ({
          ...(await storage.open(path, how)),
          sync: async () => undefined,
        }),
      };
    case "forgets-everything":
      return sabotaged(sabotaged(storage, "skips-file-sync"), "forgets-commits");
    case "forgets-commits":
      return { ...storage, openDatabase: (path, timeout) => lazy(storage, path, timeout) };
    default:
      return sabotage satisfies never;
  }
};

/** Commits that only the program itself sees: the transaction stays open until the next one. */
const lazy = (storage: Storage, path: string, timeout: number): Database => {
  const database = storage.openDatabase(path, timeout);
  let waiting = false;
  let begun = 0;
  return {
    ...database,
    exec: (sql) => {
      if (/^\s*BEGIN/i.test(sql)) {
        begun += 1;
        if (waiting) return;
      }
      waiting = /^\s*COMMIT/i.test(sql) && begun % 3 !== 1;
      if (!waiting) database.exec(sql);
    },
  };
};
