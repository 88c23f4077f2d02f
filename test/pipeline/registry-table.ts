import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";

type Row = Record<string, SQLInputValue>;

/** What lies behind the local registry, open to whoever has the disk. */
export type RegistryTable = {
  readonly rows: () => readonly Row[];
  /** Runs SQL against the files' table. */
  readonly run: (sql: string, ...values: SQLInputValue[]) => void;
  /** Where the content of a file lies: the latest of that name. */
  readonly blobOf: (fileName: string) => string;
  /** Stores content and gives its name among the blobs. */
  readonly store: (content: Uint8Array) => string;
  /** Puts rows and contents back as they were when the table was opened. */
  readonly restore: () => void;
};

export const openTable = (state: string): RegistryTable => {
  const folder = join(state, "registry");
  const database = new DatabaseSync(join(folder, "registry.sqlite"));
  const all = (): Row[] => database.prepare("SELECT * FROM package_file").all() as Row[];
  const place = (blob: string): string => join(folder, "blobs", blob.slice(0, 2), blob);
  const rows = all();
  const blobs = new Map(
    rows.map(({ blob }) => [place(String(blob)), readFileSync(place(String(blob)))]),
  );
  return {
    rows: all,
    run: (sql, ...values) => {
      database.prepare(sql).run(...values);
    },
    blobOf: (fileName) => {
      const found = all().findLast((row) => row.file_name === fileName);
      if (found === undefined) throw new Error(`the registry has no ${fileName}`);
      return place(String(found.blob));
    },
    store: (content) => {
      const blob = hex(sha256(content));
      mkdirSync(dirname(place(blob)), { recursive: true });
      writeFileSync(place(blob), content);
      return blob;
    },
    restore: () => {
      database.exec("DELETE FROM package_file");
      for (const row of rows) {
        const names = Object.keys(row);
        const marks = names.map(() => "?").join();
        database
          .prepare(`INSERT INTO package_file (${names.join()}) VALUES (${marks})`)
          .run(...Object.values(row));
      }
      for (const [path, content] of blobs) writeFileSync(path, content);
      database.close();
    },
  };
};
