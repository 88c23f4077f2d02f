import { join, resolve } from "node:path";
import { claimFolder } from "../consumer/exclusive.ts";
import { openSqliteState } from "../consumer/gateway-sqlite.ts";
import type { GatewayState } from "../consumer/gateway-state.ts";
import {
  isPostgresUrl,
  type PostgresAddress,
  parsePostgresUrl,
  passwordIn,
} from "../consumer/postgres-address.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";

const MAX_FILE = 1024 * 1024;
const FOLDER = ".wheelseal/gateway";

/** Where a gateway keeps what: its memory, and the folder that only one process uses. */
type Place = { readonly folder: string; readonly database?: PostgresAddress };

/** By --state, a folder or the URL of a database, and --store, a folder of this replica's own. */
const placeOf = ({ flags, terminal }: Invocation): Result<Place> => {
  const state = typeof flags.state === "string" ? flags.state : FOLDER;
  const store = typeof flags.store === "string" ? flags.store : undefined;
  if (isPostgresUrl(state)) {
    const database = parsePostgresUrl(state);
    if (!database.ok) return database;
    return ok({ folder: resolve(terminal.cwd, store ?? FOLDER), database: database.value });
  }
  if (store !== undefined) return fail("USAGE", "--store goes with a database as --state");
  return ok({ folder: resolve(terminal.cwd, state) });
};

/** The password for a database: PGPASSWORD, or what PGPASSFILE or ~/.pgpass says. */
const passwordFor = async (
  { terminal, files }: Invocation,
  address: PostgresAddress,
): Promise<Result<string>> => {
  const { PGPASSWORD, PGPASSFILE, HOME } = terminal.env;
  if (PGPASSWORD !== undefined && PGPASSWORD !== "") return ok(PGPASSWORD);
  const path = PGPASSFILE ?? (HOME === undefined ? undefined : join(HOME, ".pgpass"));
  if (path === undefined) return ok("");
  const content = await files.readIfPresent(resolve(terminal.cwd, path), MAX_FILE);
  if (!content.ok) return content;
  return ok(passwordIn(new TextDecoder().decode(content.value), address) ?? "");
};

const openDatabase = async (
  invocation: Invocation,
  address: PostgresAddress,
): Promise<Result<GatewayState>> => {
  const password = await passwordFor(invocation, address);
  if (!password.ok) return password;
  const { rootFile } = address.tls ?? {};
  const path = rootFile === undefined ? undefined : resolve(invocation.terminal.cwd, rootFile);
  const ca = path === undefined ? ok(undefined) : await invocation.files.read(path, MAX_FILE);
  if (!ca.ok) return ca;
  const { openPostgresState } = await import("../consumer/gateway-postgres.ts");
  const roots = ca.value === undefined ? {} : { ca: ca.value };
  return openPostgresState(address, { password: password.value, ...roots });
};

/** The gateway's memory, to be read beside a gateway that runs. */
export const openMemory = async (invocation: Invocation): Promise<Result<GatewayState>> => {
  const place = placeOf(invocation);
  if (!place.ok) return place;
  const { database, folder } = place.value;
  return database === undefined ? openSqliteState(folder) : openDatabase(invocation, database);
};

/** The memory, and the folder of the store, which is this process's own until it ends. */
export const openMemoryAndStore = async (
  invocation: Invocation,
): Promise<Result<{ readonly state: GatewayState; readonly store: string }>> => {
  const place = placeOf(invocation);
  if (!place.ok) return place;
  const { folder } = place.value;
  const claim = claimFolder(folder);
  if (!claim.ok) return claim;
  const state = await openMemory(invocation);
  if (!state.ok) {
    claim.value.release();
    return state;
  }
  const close = async (): Promise<void> => {
    await state.value.close();
    claim.value.release();
  };
  return ok({ state: { ...state.value, close }, store: join(folder, "store") });
};
