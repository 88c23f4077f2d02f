import { fail, failure, ok, type Result } from "../formats/result.ts";

/** Where a PostgreSQL database is. The password is never part of it. */
export type PostgresAddress = {
  /** A host, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Absent where there is no TLS; else the server must show a certificate for its host. */
  readonly tls?: {
    /** Path of the certificates to trust; those of the system where absent. */
    readonly rootFile?: string;
  };
};

const PARAMETERS = ["host", "port", "user", "dbname", "sslmode", "sslrootcert"];
const LOCAL = ["localhost", "127.0.0.1", "::1"];

/** Whether that is the address of a database, rather than a folder. */
export const isPostgresUrl = (text: string): boolean => /^postgres(?:ql)?:\/\//i.test(text);

const refuse = (why: string): Result<never> => fail("CONFIG", `the database's URL ${why}`);

const tlsOf = (host: string, query: URLSearchParams): Result<PostgresAddress["tls"]> => {
  const mode = query.get("sslmode");
  const rootFile = query.get("sslrootcert");
  const local = host.startsWith("/") || LOCAL.includes(host);
  if (mode === "disable" || (mode === null && rootFile === null && local)) return ok(undefined);
  if (mode !== null && mode !== "verify-full") {
    return refuse("has an sslmode other than verify-full and disable");
  }
  return ok(rootFile === null ? {} : { rootFile });
};

/** The user and the database, `undefined` where what is escaped is no text. */
const namesOf = ({ username, pathname }: URL): readonly [string, string] | undefined => {
  try {
    return [decodeURIComponent(username), decodeURIComponent(pathname.slice(1))];
  } catch {
    return undefined;
  }
};

/**
 * Reads `postgres://USER@HOST:PORT/DATABASE`, with the parameters of libpq that are supported:
 * host (also the folder of a socket), port, user, dbname, sslmode (`verify-full`, which is the
 * default except on this machine, or `disable`) and sslrootcert.
 *
 * @returns STATE_PASSWORD where it holds a password, which nobody may write on a command line;
 *   CONFIG. Neither shows any of the URL.
 */
export const parsePostgresUrl = (text: string): Result<PostgresAddress> => {
  const url = URL.parse(text);
  if (url === null) return refuse("cannot be read");
  if (url.password !== "" || url.searchParams.has("password")) {
    return { ok: false, error: failure("STATE_PASSWORD", "the database's URL holds a password") };
  }
  const { searchParams: query } = url;
  const names = namesOf(url);
  if (names === undefined) return refuse("cannot be read");
  const unknown = [...query.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown !== undefined) return refuse("has a parameter that is not known");
  // A URL has brackets around the numbers of IPv6, a socket's address has none.
  const bare = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const host = query.get("host") ?? (bare || "localhost");
  if (host.includes(",")) return refuse("names several hosts");
  const port = Number(query.get("port") ?? (url.port || "5432"));
  const user = names[0] || query.get("user");
  const database = query.get("dbname") ?? names[1];
  if (user === null || user === "") return refuse("names no user");
  if (database === "") return refuse("names no database");
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return refuse("has no good port");
  const tls = tlsOf(host, query);
  if (!tls.ok) return tls;
  return ok({ host, port, database, user, ...(tls.value === undefined ? {} : { tls: tls.value }) });
};

const FIELD = /(?:\\.|[^:\\])*/y;

/** The five fields of a line of a password file; `\\` makes the next character plain. */
const fieldsOf = (line: string): string[] => {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; at += 1) {
    FIELD.lastIndex = at;
    const field = FIELD.exec(line)?.[0] ?? "";
    fields.push(field.replace(/\\(.)/g, "$1"));
    at += field.length;
  }
  return fields;
};

/**
 * The password that a `.pgpass` has for an address: that of the first line that fits.
 * @see https://www.postgresql.org/docs/current/libpq-pgpass.html
 */
export const passwordIn = (content: string, address: PostgresAddress): string | undefined => {
  const { host, port, database, user } = address;
  const asked = [host.startsWith("/") ? "localhost" : host, String(port), database, user];
  for (const line of content.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = fieldsOf(line);
    const fits = asked.every((value, index) => fields[index] === "*" || fields[index] === value);
    if (fields.length === 5 && fits) return fields[4];
  }
  return undefined;
};
