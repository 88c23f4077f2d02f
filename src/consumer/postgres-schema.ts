import type postgres from "postgres";

/** The tables are of a release that came after this one. */
export class SchemaTooNew extends Error {
  override readonly name = "SchemaTooNew";
}

/** What leads from each version of the tables to the next; only ever appended to. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE seen_file (
    id bigint GENERATED ALWAYS AS IDENTITY, project text NOT NULL, filename text NOT NULL,
    upstream text NOT NULL, sha256 text NOT NULL, first_seen bigint NOT NULL,
    listed text NOT NULL, PRIMARY KEY (project, filename)
  );
  CREATE TABLE verdict (
    project text NOT NULL, filename text NOT NULL, verdict text NOT NULL,
    PRIMARY KEY (project, filename)
  );
  CREATE TABLE publisher (project text PRIMARY KEY, identity text NOT NULL);
  CREATE TABLE version_mark (project text PRIMARY KEY, version text NOT NULL);
  CREATE TABLE event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint NOT NULL, event text NOT NULL
  );
  `,
];

/** One replica at a time may change tables. */
const LOCK = 0x77_73_00;

/** Brings the tables up to date, all or nothing. Throws {@link SchemaTooNew}. */
export const migrate = (sql: postgres.Sql): Promise<void> =>
  sql.begin(async (client) => {
    await client`SELECT pg_advisory_xact_lock(${LOCK}, 0)`;
    await client`CREATE SCHEMA IF NOT EXISTS wheelseal_gateway`;
    await client`CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY)`;
    const [row] = await client`SELECT coalesce(max(version), 0) AS version FROM migration`;
    const version = Number(row?.version);
    if (version > MIGRATIONS.length) {
      throw new SchemaTooNew(`made by a later release (version ${version})`);
    }
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await client.unsafe(statements);
      await client`INSERT INTO migration (version) VALUES (${index + 1})`;
    }
  }) as Promise<void>;
