import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostgresAddress } from "../../src/consumer/postgres-address.ts";

const INSTALLED = "/usr/lib/postgresql";

/** The folder of the newest PostgreSQL's programs, where Debian has them. */
const programs = (): string | undefined => {
  try {
    const [newest] = readdirSync(INSTALLED).sort((a, b) => Number(b) - Number(a));
    return newest === undefined ? undefined : join(INSTALLED, newest, "bin");
  } catch {
    return undefined;
  }
};

export const POSTGRES_MISSING =
  programs() === undefined
    ? "PostgreSQL is not on this machine: apt-get install postgresql"
    : false;

const PASSWORD = "of this test only";
const USER = "gateway";

/** The server refuses to run as root, so it gets a user that owns nothing. */
const ordinary = (): { uid: number; command: string[] } => {
  const own = process.getuid?.() ?? 0;
  if (own !== 0) return { uid: own, command: [] };
  const uid = 65_534;
  return {
    uid,
    command: ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"],
  };
};

export type Cluster = {
  readonly password: string;
  /** A new and empty database. */
  readonly database: () => PostgresAddress;
  readonly urlOf: (address: PostgresAddress) => string;
  readonly stop: () => Promise<void>;
};

const ready = (server: ChildProcess): Promise<void> =>
  new Promise((done, failed) => {
    let said = "";
    server.stderr?.on("data", (text) => {
      said += text;
      if (said.includes("ready to accept connections")) done();
    });
    server.once("exit", () => failed(new Error(said)));
  });

/** A PostgreSQL of this test's own: in a temporary folder, on a Unix socket, for one user. */
export const startCluster = async (): Promise<Cluster> => {
  const bin = programs();
  if (bin === undefined) throw new Error("no PostgreSQL");
  const folder = mkdtempSync(join(tmpdir(), "ws-pg-"));
  const { uid, command } = ordinary();
  const run = (program: string, args: string[]) => {
    const [first = "", ...rest] = [...command, join(bin, program), ...args];
    execFileSync(first, rest, { cwd: folder, env: { ...process.env, PGPASSWORD: PASSWORD } });
  };
  const secretFile = join(folder, "password");
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(secretFile, PASSWORD, { mode: 0o600 });
  for (const path of [folder, data, secretFile]) chownSync(path, uid, uid);
  const login = ["-U", USER, "--auth=scram-sha-256", `--pwfile=${secretFile}`];
  run("initdb", ["-D", data, ...login, "-E", "UTF8", "--locale=C", "--no-sync"]);
  const settings = { listen_addresses: "", unix_socket_directories: folder, fsync: "off" };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const [first = "", ...rest] = [...command, join(bin, "postgres"), "-D", data, ...flags];
  const server = spawn(first, rest, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  await ready(server);
  let made = 0;
  return {
    password: PASSWORD,
    database: () => {
      made += 1;
      const name = `gateway${made}`;
      run("createdb", ["-h", folder, "-U", USER, name]);
      return { host: folder, port: 5432, database: name, user: USER };
    },
    urlOf: ({ host, database, user }) =>
      `postgres:///${database}?host=${encodeURIComponent(host)}&user=${user}`,
    stop: async () => {
      const ended = new Promise((done) => server.once("exit", done));
      server.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
