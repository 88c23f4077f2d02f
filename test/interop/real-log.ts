import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, withDaemon } from "./daemon.ts";
import { succeeded, type World } from "./world.ts";

// Trillian on MariaDB: what the real Rekor and the real CT log keep their trees in.

const DATABASE_USER = "test:interop";

/** MariaDB with Trillian's tables, on a port of its own. */
export const withDatabase = async <T>(
  world: World,
  folder: string,
  work: (uri: string) => Promise<T>,
) => {
  const data = join(folder, "mysql");
  const socket = join(folder, "db.sock");
  const root = process.getuid?.() === 0 ? ["--user=root"] : [];
  const made = ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal"];
  succeeded(await world.run("mariadb-install-db", [...made, ...root, "--skip-test-db"]));
  const port = await freePort();
  const args = [
    ...["--no-defaults", ...root, `--datadir=${data}`, `--socket=${socket}`],
    ...[`--port=${port}`, "--bind-address=127.0.0.1", `--pid-file=${join(folder, "db.pid")}`],
  ];
  const ready = async () => {
    const told = await world.run("mariadb-admin", [`--socket=${socket}`, "-uroot", "ping"]);
    return told.code === 0;
  };
  const options = { cwd: folder, env: process.env };
  return withDaemon({ program: "mariadbd", args, url: ready, options }, async () => {
    const module = ["mod", "download", "-json", "github.com/google/trillian@v1.8.0"];
    const env = { HOME: process.env.HOME };
    const { Dir } = JSON.parse(succeeded(await world.run("go", module, { env })).stdout);
    const [user = "", password = ""] = DATABASE_USER.split(":");
    const schema = await readFile(join(Dir, "storage/mysql/schema/storage.sql"), "utf8");
    const input = [
      "CREATE DATABASE trillian;",
      `CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
      `CREATE USER '${user}'@'localhost' IDENTIFIED BY '${password}';`,
      `GRANT ALL ON trillian.* TO '${user}'@'127.0.0.1', '${user}'@'localhost';`,
      `USE trillian;\n${schema}`,
    ].join("\n");
    succeeded(await world.run("mariadb", [`--socket=${socket}`, "-uroot"], { input }));
    return work(`${DATABASE_USER}@tcp(127.0.0.1:${port})/trillian`);
  });
};

export type Trillian = {
  readonly address: string;
  readonly port: number;
  readonly trees: string[];
};

export const withTrillian = async <T>(
  world: World,
  uri: string,
  work: (log: Trillian) => Promise<T>,
) => {
  const [rpc, http, signerRpc, signerHttp] = await Promise.all([
    ...[freePort(), freePort(), freePort(), freePort()],
  ]);
  const storage = ["--storage_system=mysql", `--mysql_uri=${uri}`, "--quota_system=noop"];
  const ports = (one?: number, other?: number) => [
    `--rpc_endpoint=127.0.0.1:${one}`,
    `--http_endpoint=127.0.0.1:${other}`,
  ];
  const options = { cwd: world.folder, env: process.env };
  const server = {
    program: world.program("trillian", "trillian_log_server"),
    args: [...storage, ...ports(rpc, http), "--logtostderr"],
    url: `http://127.0.0.1:${http}/healthz`,
    options,
  };
  const signer = {
    program: world.program("trillian", "trillian_log_signer"),
    args: [
      ...[...storage, ...ports(signerRpc, signerHttp), "--force_master", "--batch_size=100"],
      ...["--sequencer_interval=200ms", "--logtostderr"],
    ],
    url: `http://127.0.0.1:${signerHttp}/healthz`,
    options,
  };
  const address = `127.0.0.1:${rpc}`;
  const createTree = async () => {
    const program = world.program("trillian", "createtree");
    const made = succeeded(await world.run(program, [`--admin_server=${address}`]));
    return made.stdout.trim();
  };
  return withDaemon(server, () =>
    withDaemon(signer, async () =>
      work({ address, port: rpc ?? 0, trees: [await createTree(), await createTree()] }),
    ),
  );
};
