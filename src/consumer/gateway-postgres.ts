import postgres from "postgres";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, type Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import {
  type GatewayEvent,
  type GatewayState,
  type KeptVerdict,
  type ProjectVerdicts,
  type SeenFile,
  StateUnreachable,
} from "./gateway-state.ts";
import type { PostgresAddress } from "./postgres-address.ts";
import { migrate, SchemaTooNew } from "./postgres-schema.ts";

type Sql = postgres.Sql;
type Transaction = postgres.TransactionSql;
type Row = postgres.Row;

const CONNECTIONS = 8;
/** Seconds. */
const CONNECT_TIMEOUT = 5;
/** Milliseconds. */
const STATEMENT_TIMEOUT = 30_000;
/** First halves of advisory locks, so that a project's and the trail's never meet. */
const LOCK = { project: 0x77_73_01, events: 0x77_73_02 } as const;

/** What proves who is who: the password, empty where none is asked for, and the roots of TLS. */
export type PostgresLogin = { readonly password: string; readonly ca?: Uint8Array };

const connect = (address: PostgresAddress, { password, ca }: PostgresLogin): Sql => {
  const { host, port, database, user, tls } = address;
  const roots = ca === undefined ? {} : { ca: Buffer.from(ca) };
  return postgres({
    ...(host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }),
    database,
    username: user,
    password,
    ssl: tls === undefined ? false : { ...roots, rejectUnauthorized: true, servername: host },
    max: CONNECTIONS,
    connect_timeout: CONNECT_TIMEOUT,
    idle_timeout: 60,
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: "wheelseal gateway",
      statement_timeout: STATEMENT_TIMEOUT,
      search_path: "wheelseal_gateway",
    },
  });
};

const seenOf = (row: Row): SeenFile => ({
  project: row.project,
  filename: row.filename,
  upstream: row.upstream,
  sha256: row.sha256,
  firstSeen: Number(row.first_seen),
  listed: JSON.parse(row.listed),
});

/** Until the transaction ends, nobody else changes what is remembered of the project. */
const lockProject = async (client: Transaction, project: NormalizedName): Promise<void> => {
  await client`SELECT pg_advisory_xact_lock(${LOCK.project}, hashtext(${project}))`;
};

const filesIn = (sql: Sql): Pick<GatewayState, "files" | "see" | "projects"> => {
  const all = async (client: Sql | Transaction, project: NormalizedName): Promise<SeenFile[]> =>
    (await client`SELECT * FROM seen_file WHERE project = ${project} ORDER BY id`).map(seenOf);
  return {
    files: (project) => all(sql, project),
    see: (project, files) =>
      sql.begin(async (client) => {
        await lockProject(client, project);
        const before = await all(client, project);
        const rows = files.map(({ listed, ...file }) => ({
          ...file,
          first_seen: file.firstSeen,
          listed: JSON.stringify(listed),
        }));
        const columns = ["project", "filename", "upstream", "sha256", "first_seen", "listed"];
        // A statement takes 65,535 parameters.
        for (let at = 0; at < rows.length; at += 5_000) {
          await client`INSERT INTO seen_file ${client(rows.slice(at, at + 5_000), columns as never)}
            ON CONFLICT (project, filename) DO UPDATE SET listed = excluded.listed`;
        }
        return before;
      }),
    projects: async () =>
      (await sql`SELECT DISTINCT project FROM seen_file ORDER BY project`).map(
        ({ project }) => project,
      ),
  };
};

/** One at a time, so that nobody who reads the trail to its end sees a line come in before it. */
const append = async (client: Transaction, event: GatewayEvent): Promise<void> => {
  await client`SELECT pg_advisory_xact_lock(${LOCK.events}, 0)`;
  await client`INSERT INTO event (at, event) VALUES (${event.at}, ${JSON.stringify(event)})`;
};

const verdictOf = (row: Row | undefined): KeptVerdict | undefined =>
  row === undefined ? undefined : JSON.parse(row.verdict);

const allVerdicts = async (
  client: Sql | Transaction,
  project: NormalizedName,
): Promise<ProjectVerdicts> => {
  const rows = await client`SELECT verdict FROM verdict WHERE project = ${project}`;
  const kept = rows.flatMap((row) => verdictOf(row) ?? []);
  return new Map(kept.map((verdict) => [verdict.filename, verdict]));
};

const verdictsIn = (sql: Sql): Pick<GatewayState, "verdict" | "verdicts" | "settle"> => ({
  verdict: async (project, filename) => {
    const [row] = await sql`SELECT verdict FROM verdict
      WHERE project = ${project} AND filename = ${filename}`;
    return verdictOf(row);
  },
  verdicts: (project) => allVerdicts(sql, project),
  settle: async (project, judge) => {
    await sql.begin(async (client) => {
      await lockProject(client, project);
      const settlement = judge(await allVerdicts(client, project));
      if (settlement === undefined) return;
      const { verdict, event } = settlement;
      await client`INSERT INTO verdict (project, filename, verdict)
        VALUES (${project}, ${verdict.filename}, ${JSON.stringify(verdict)})
        ON CONFLICT (project, filename) DO UPDATE SET verdict = excluded.verdict`;
      await append(client, event);
    });
  },
});

const publishersIn = (
  sql: Sql,
): Pick<GatewayState, "publisher" | "pinPublisher" | "replacePublisher"> => {
  const find: GatewayState["publisher"] = async (project) => {
    const [row] = await sql`SELECT identity FROM publisher WHERE project = ${project}`;
    return row === undefined ? undefined : JSON.parse(row.identity);
  };
  return {
    publisher: find,
    pinPublisher: async (project, publisher) => {
      await sql`INSERT INTO publisher (project, identity)
        VALUES (${project}, ${JSON.stringify(publisher)}) ON CONFLICT DO NOTHING`;
      return (await find(project)) ?? publisher;
    },
    replacePublisher: async (project, publisher) => {
      await sql`INSERT INTO publisher (project, identity)
        VALUES (${project}, ${JSON.stringify(publisher)})
        ON CONFLICT (project) DO UPDATE SET identity = excluded.identity`;
    },
  };
};

const marksIn = (sql: Sql): Pick<GatewayState, "mark" | "raiseMark"> => {
  const find = async (client: Sql | Transaction, project: NormalizedName) => {
    const [row] = await client`SELECT version FROM version_mark WHERE project = ${project}`;
    return row === undefined ? undefined : (row.version as Version);
  };
  return {
    mark: (project) => find(sql, project),
    raiseMark: async (project, version) => {
      const isHigher = (old: Version | undefined) =>
        old === undefined || compareVersions(old, version) < 0;
      // Nearly always it is there already, and then nothing is locked.
      if (!isHigher(await find(sql, project))) return;
      await sql.begin(async (client) => {
        await lockProject(client, project);
        if (!isHigher(await find(client, project))) return;
        await client`INSERT INTO version_mark (project, version) VALUES (${project}, ${version})
          ON CONFLICT (project) DO UPDATE SET version = excluded.version`;
      });
    },
  };
};

const eventsIn = (sql: Sql): Pick<GatewayState, "record" | "events" | "eventsAfter"> => ({
  record: (event) => sql.begin((client) => append(client, event)),
  events: async function* () {
    for await (const rows of sql`SELECT event FROM event ORDER BY id`.cursor(500)) {
      for (const row of rows) yield JSON.parse(row.event);
    }
  },
  eventsAfter: async (number, limit) => {
    const rows = await sql`SELECT id, event FROM event
      WHERE id > ${number} ORDER BY id LIMIT ${limit}`;
    return rows.map(({ id, event }) => ({ number: Number(id), event: JSON.parse(event) }));
  },
});

const reason = (error: unknown): string => {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "unknown error";
};

const shown = ({ host, port, database }: PostgresAddress): string =>
  `database ${database} at ${host}:${port}`;

/** The same methods, with whatever goes wrong in them told as {@link StateUnreachable}. */
const guarded = (state: GatewayState, address: PostgresAddress): GatewayState => {
  const unreachable = (error: unknown) =>
    new StateUnreachable(`${shown(address)}: ${reason(error)}`, { cause: error });
  const guard =
    <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      method(...args).catch((error: unknown) => Promise.reject(unreachable(error)));
  return {
    files: guard(state.files),
    see: guard(state.see),
    projects: guard(state.projects),
    verdict: guard(state.verdict),
    verdicts: guard(state.verdicts),
    settle: guard(state.settle),
    publisher: guard(state.publisher),
    pinPublisher: guard(state.pinPublisher),
    replacePublisher: guard(state.replacePublisher),
    mark: guard(state.mark),
    raiseMark: guard(state.raiseMark),
    record: guard(state.record),
    eventsAfter: guard(state.eventsAfter),
    ping: guard(state.ping),
    events: state.events,
    close: state.close,
  };
};

/**
 * The gateway's memory in a PostgreSQL database, for any number of replicas. Tables are made, or
 * brought up to date, in the schema `wheelseal_gateway`.
 *
 * @returns STATE_UNREACHABLE, also where the login is refused; STATE_CORRUPT for tables that a
 *   later release made
 */
export const openPostgresState = async (
  address: PostgresAddress,
  login: PostgresLogin,
): Promise<Result<GatewayState>> => {
  const sql = connect(address, login);
  try {
    await migrate(sql);
  } catch (error) {
    await sql.end({ timeout: 1 });
    return error instanceof SchemaTooNew
      ? fail("STATE_CORRUPT", `${shown(address)}: ${error.message}`)
      : fail("STATE_UNREACHABLE", `${shown(address)}: ${reason(error)}`);
  }
  const state: GatewayState = {
    ...filesIn(sql),
    ...verdictsIn(sql),
    ...publishersIn(sql),
    ...marksIn(sql),
    ...eventsIn(sql),
    ping: async () => {
      await sql`SELECT 1`;
    },
    close: () => sql.end({ timeout: 1 }),
  };
  return ok(guarded(state, address));
};
