import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fail, ok, type Result } from "../formats/result.ts";

/** A claim on a folder: the operating system gives it up with the process, however that ends. */
export type Exclusive = { readonly release: () => void };

/** What holds the locks: a database that nobody refers to is closed, and its lock given up. */
const held = new Set<DatabaseSync>();

/**
 * Claims a folder for this process alone, by a lock that SQLite holds on a file in it.
 * @returns STATE_LOCKED, FILE_UNWRITABLE
 */
export const claimFolder = (folder: string): Result<Exclusive> => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(join(folder, "lock.sqlite"));
    try {
      database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    } catch {
      database.close();
      return fail("STATE_LOCKED", `${folder} is in use by another gateway`);
    }
    held.add(database);
    const release = (): void => {
      held.delete(database);
      database.close();
    };
    return ok({ release });
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${folder}: ${(error as { code?: string }).code ?? "error"}`);
  }
};
