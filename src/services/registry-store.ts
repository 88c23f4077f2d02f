import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasher } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import type { RegistryKind } from "./registry-access.ts";
import { type Database, disk, makeLastingFolder, type Storage } from "./storage.ts";

/** A file of a package, as the registry keeps it. */
export type RegistryFile = {
  readonly id: number;
  readonly packageId: number;
  readonly project: string;
  readonly kind: RegistryKind;
  /** As it was uploaded; looked up by `normalized`. */
  readonly name: string;
  readonly normalized: string;
  readonly version: string;
  /** In the generic registry with its folders, separated by `/`. */
  readonly fileName: string;
  readonly size: number;
  /** Lower-case hex of the digest that the registry states. */
  readonly sha256: string;
  /** Lower-case hex of the content's true digest, under which the content lies. */
  readonly blob: string;
  readonly requiresPython: string | null;
  /** Digest of the core metadata (PEP 658), hex, which lies among the blobs too. */
  readonly metadata: string | null;
  /** JSON array of PEP 740 attestations. */
  readonly attestations: string | null;
  /** JSON of a `RegistryPublisher`. */
  readonly publisher: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
};

export type NewFile = Omit<RegistryFile, "id" | "packageId">;

/** Content that has arrived completely, and lies flushed in a temporary file. */
export type Received = {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Moves the content to its place; it survives a crash from then on. */
  keep(): Promise<void>;
  discard(): Promise<void>;
};

export type RegistryStore = {
  /** Streams content to disk. `undefined` if there is more than `maxBytes`. Throws if it breaks off. */
  receive(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    maxBytes: number,
  ): Promise<Received | undefined>;
  /** Gives `undefined` if the package has a file of that name and `duplicates` is false. */
  add(file: NewFile, duplicates: boolean): RegistryFile | undefined;
  /** Files of a package by its normalised name, oldest first; hidden ones never. */
  files(project: string, kind: RegistryKind, normalized: string): RegistryFile[];
  /** The last file of that name that was added. */
  latest(
    project: string,
    kind: RegistryKind,
    name: string,
    version: string,
    fileName: string,
  ): RegistryFile | undefined;
  /** A PyPI file by the digest that the registry states. */
  byDigest(project: string, sha256: string, fileName: string): RegistryFile | undefined;
  /** Files of all projects and kinds that were added after the one with that id, in order. */
  addedAfter(id: number, limit: number): RegistryFile[];
  /** Distinct package names of a project, sorted. */
  names(project: string, kind: RegistryKind): string[];
  /** Where a kept blob lies. */
  pathOf(blob: string): string;
  close(): void;
};

const SCHEMA = `
CREATE TABLE IF NOT EXISTS package (
  id INTEGER PRIMARY KEY, project TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  normalized TEXT NOT NULL, version TEXT NOT NULL, UNIQUE (project, kind, name, version)
) STRICT;
CREATE INDEX IF NOT EXISTS package_by_name ON package (project, kind, normalized);
CREATE TABLE IF NOT EXISTS package_file (
  id INTEGER PRIMARY KEY AUTOINCREMENT, package_id INTEGER NOT NULL REFERENCES package (id),
  file_name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, blob TEXT NOT NULL,
  requires_python TEXT, metadata TEXT, attestations TEXT, publisher TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS file_by_name ON package_file (package_id, file_name);
`;

const COLUMNS = `
SELECT f.id, p.id AS packageId, p.project, p.kind, p.name, p.normalized, p.version,
  f.file_name AS fileName, f.size, f.sha256, f.blob, f.requires_python AS requiresPython,
  f.metadata, f.attestations, f.publisher, f.created_at AS createdAt
FROM package_file f JOIN package p ON p.id = f.package_id`;

const SELECT = `${COLUMNS}
WHERE p.project = ? AND p.kind = ?`;

const openDatabase = (path: string, storage: Storage): Database => {
  const database = storage.openDatabase(path, 5000);
  // FULL makes a commit reach the disk before the answer says 201.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  database.exec(SCHEMA);
  return database;
};

type Blobs = Pick<RegistryStore, "receive" | "pathOf">;

const blobStore = (folder: string, storage: Storage): Blobs => {
  const incoming = join(folder, "incoming");
  const place = (blob: string): string => join(folder, "blobs", blob.slice(0, 2), blob);
  // What a killed process left there was never answered with 201.
  rmSync(incoming, { recursive: true, force: true });
  let count = 0;
  let prepared = false;
  /** The folders, so that a power loss after the first answer does not take them away. */
  const prepare = async (): Promise<void> => {
    if (prepared) return;
    await makeLastingFolder(storage, join(folder, "blobs"), dirname(folder));
    await storage.makeFolder(incoming);
    prepared = true;
  };
  const keep = async (temporary: string, blob: string): Promise<void> => {
    await storage.makeFolder(dirname(place(blob)));
    await storage.rename(temporary, place(blob));
    await storage.syncFolder(dirname(place(blob)));
    await storage.syncFolder(join(folder, "blobs"));
  };
  return {
    receive: async (chunks, maxBytes) => {
      count += 1;
      const temporary = join(incoming, String(count));
      const discard = () => storage.remove(temporary);
      await prepare();
      try {
        const written = await writeStream(storage, temporary, chunks, maxBytes);
        if (written === undefined) {
          await discard();
          return undefined;
        }
        return { ...written, keep: () => keep(temporary, written.sha256), discard };
      } catch (error) {
        await discard();
        throw error;
      }
    },
    pathOf: place,
  };
};

const writeStream = async (
  storage: Storage,
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<{ sha256: string; size: number } | undefined> => {
  const file = await storage.open(path, "new");
  const state = hasher("sha256");
  let size = 0;
  try {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > maxBytes) return undefined;
      state.update(chunk);
      await file.write(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hex(state.digest()), size };
};

/** Opens the registry's state in `folder`: SQLite metadata beside content-addressed files. */
export const registryStore = (folder: string, storage: Storage = disk): RegistryStore => {
  mkdirSync(join(folder, "blobs"), { recursive: true, mode: 0o700 });
  const database = openDatabase(join(folder, "registry.sqlite"), storage);
  const rows = (sql: string, ...values: string[]): RegistryFile[] =>
    database.prepare(`${SELECT} ${sql}`).all(...values) as unknown as RegistryFile[];
  const latest: RegistryStore["latest"] = (project, kind, name, version, fileName) =>
    rows(
      "AND p.name = ? AND p.version = ? AND f.file_name = ? ORDER BY f.id DESC LIMIT 1",
      ...[project, kind, name, version, fileName],
    )[0];
  return {
    ...blobStore(folder, storage),
    latest,
    files: (project, kind, normalized) =>
      rows("AND p.normalized = ? ORDER BY f.id", project, kind, normalized),
    byDigest: (project, sha256, fileName) =>
      rows("AND f.sha256 = ? AND f.file_name = ? LIMIT 1", project, "pypi", sha256, fileName)[0],
    addedAfter: (id, limit) =>
      database
        .prepare(`${COLUMNS} WHERE f.id > ? ORDER BY f.id LIMIT ?`)
        .all(id, limit) as unknown as RegistryFile[],
    names: (project, kind) =>
      database
        .prepare("SELECT DISTINCT name FROM package WHERE project = ? AND kind = ? ORDER BY name")
        .all(project, kind)
        .map((row) => String(row.name)),
    add: (file, duplicates) => {
      const { project, kind, name, version, fileName } = file;
      if (!duplicates && latest(project, kind, name, version, fileName)) return undefined;
      insert(database, file);
      return latest(project, kind, name, version, fileName);
    },
    close: () => database.close(),
  };
};

/** SQLite itself rolls back where the disk fails, and then refuses to do it again. */
const rollBack = (database: Database): void => {
  try {
    database.exec("ROLLBACK");
  } catch {
    // What failed before is what matters.
  }
};

const insert = (database: Database, file: NewFile): void => {
  database.exec("BEGIN IMMEDIATE");
  try {
    database
      .prepare(
        "INSERT OR IGNORE INTO package (project, kind, name, normalized, version) VALUES (?, ?, ?, ?, ?)",
      )
      .run(file.project, file.kind, file.name, file.normalized, file.version);
    database
      .prepare(
        `INSERT INTO package_file (package_id, file_name, size, sha256, blob, requires_python,
          metadata, attestations, publisher, created_at)
        SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM package
        WHERE project = ? AND kind = ? AND name = ? AND version = ?`,
      )
      .run(
        ...[file.fileName, file.size, file.sha256, file.blob, file.requiresPython],
        ...[file.metadata, file.attestations, file.publisher, file.createdAt],
        ...[file.project, file.kind, file.name, file.version],
      );
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
};
