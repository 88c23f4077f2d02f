import { Hono } from "hono";
import type { PrivateKey } from "../crypto/keys.ts";
import { fromBigEndian, hex } from "../formats/bytes.ts";
import { formatPem } from "../formats/pem.ts";
import { ok, type Result } from "../formats/result.ts";
import { failureResponse, jsonResponse, readJsonBody, refusalResponse } from "./log-http.ts";
import { checkpointSigner } from "./note-writer.ts";
import { checkEntry } from "./rekor-entries.ts";
import {
  decimal,
  entryIdOf,
  logEntry,
  MAX_REQUEST,
  type RekorLog,
  type RekorShards,
} from "./rekor-log.ts";
import { addSearchRoutes } from "./rekor-search.ts";
import { openTreeStore, type TreeStore } from "./tree-store.ts";

export type RekorOptions = {
  /** The log's database file; a second file is kept beside it. */
  readonly path: string;
  /** ECDSA P-256: what cosign 2 demands of a log. */
  readonly key: PrivateKey;
  /** The shards before this one, oldest first; they are only read. */
  readonly earlier?: readonly { readonly path: string; readonly key: PrivateKey }[];
  /** Names the log in its checkpoints. */
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Where the service is mounted, for Location headers: empty, or like `/rekor`. */
  readonly pathPrefix?: string;
};

/** A service that answers requests whose paths begin with `/api/`. */
export type LogService = {
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
  readonly store: TreeStore;
};

/** The tree id is made from the key, so that it needs no file of its own: 63 bits of its digest. */
export const treeIdOf = (key: PrivateKey): bigint =>
  fromBigEndian(key.publicKey.keyId.subarray(0, 8)) & 0x7fff_ffff_ffff_ffffn;

/** `<hostname> - <tree id>` is the first line of a Rekor v1 checkpoint, `<hostname>` its signer. */
export const rekorSigner = ({ hostname, key }: Pick<RekorOptions, "hostname" | "key">) =>
  checkpointSigner(`${hostname} - ${treeIdOf(key)}`, hostname, key);

/** Opens Rekor v1 (its OpenAPI description, version 1.5) over one tree, and those before it. */
export const rekorService = async (options: RekorOptions): Promise<Result<LogService>> => {
  const shards: RekorLog[] = [];
  const close = async (): Promise<void> => {
    for (const { store } of shards) await store.close();
  };
  const { hostname, now, path, key } = options;
  for (const own of [...(options.earlier ?? []), { path, key }]) {
    const signer = rekorSigner({ hostname, key: own.key });
    const store = await openTreeStore({ path: own.path, signer, now });
    if (!store.ok) {
      await close();
      return store;
    }
    shards.push({
      ...{ store: store.value, key: own.key, treeId: treeIdOf(own.key) },
      logId: hex(own.key.publicKey.keyId),
      offset: shards.reduce((sum, shard) => sum + shard.store.head().size, 0),
    });
  }
  const current = shards.at(-1);
  if (current === undefined) throw new Error("a log without a shard");
  const app = routes({ all: shards, current }, options);
  return ok({ fetch: async (request) => app.fetch(request), close, store: current.store });
};

const routes = (shards: RekorShards, { pathPrefix = "" }: RekorOptions): Hono => {
  const app = new Hono();
  const location = (entryId: string) => `${pathPrefix}/api/v1/log/entries/${entryId}`;
  const { current } = shards;
  app.post("/api/v1/log/entries", async ({ req }) => createEntry(current, req.raw, location));
  app.get("/api/v1/log/publicKey", ({ req }) => publicKey(shards, req.query("treeID")));
  app.get("/api/v1/log", () => logState(shards));
  app.get("/api/v1/log/proof", ({ req }) => consistency(shards, new URL(req.url).searchParams));
  addSearchRoutes(app, shards);
  app.notFound(() => refusalResponse(404, "there is nothing at this path"));
  app.onError(() => refusalResponse(500, "the log failed at this request"));
  return app;
};

/** The shard of this tree id, the current one where none is named. */
const shardOf = ({ all, current }: RekorShards, treeId: string | null | undefined) =>
  treeId === null || treeId === undefined
    ? current
    : all.find((shard) => String(shard.treeId) === treeId);

const createEntry = async (
  log: RekorLog,
  request: Request,
  location: (entryId: string) => string,
): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  const entry = json.ok ? await checkEntry(json.value) : json;
  const appended = entry.ok ? await log.store.append(entry.value) : entry;
  if (!appended.ok) return failureResponse(appended.error);
  const { leaf, duplicate, head } = appended.value;
  const entryId = entryIdOf(log, leaf);
  if (duplicate) {
    const message = `an equivalent entry already exists in the transparency log with UUID ${entryId}`;
    return refusalResponse(409, message, { location: location(entryId) });
  }
  const headers = { location: location(entryId), etag: entryId };
  return jsonResponse(201, logEntry(log, leaf, head), headers);
};

const publicKey = (shards: RekorShards, treeId: string | undefined): Response => {
  const shard = shardOf(shards, treeId);
  if (shard === undefined) return refusalResponse(404, "this log has no such tree");
  const pem = formatPem("PUBLIC KEY", shard.key.publicKey.spki);
  return new Response(pem, { headers: { "content-type": "application/x-pem-file" } });
};

const shardState = ({ store, treeId }: RekorLog) => {
  const { root, size, note } = store.head();
  return { rootHash: hex(root), signedTreeHead: note, treeID: String(treeId), treeSize: size };
};

const logState = ({ all, current }: RekorShards): Response => {
  const inactiveShards = all.filter((shard) => shard !== current).map(shardState);
  return jsonResponse(200, { inactiveShards, ...shardState(current) });
};

const consistency = (shards: RekorShards, query: URLSearchParams): Response => {
  const first = decimal(query.get("firstSize") ?? "1");
  const last = decimal(query.get("lastSize"));
  if (first === undefined || last === undefined || first < 1 || last < first) {
    return refusalResponse(422, "firstSize and lastSize are not sizes from 1 upwards, in order");
  }
  const shard = shardOf(shards, query.get("treeID"));
  if (shard === undefined) return refusalResponse(404, "this log has no such tree");
  const { store } = shard;
  if (last > store.head().size) {
    return refusalResponse(400, `the log has only ${store.head().size} entries`);
  }
  const hashes = store.consistencyProof(first, last).map(hex);
  return jsonResponse(200, { hashes, rootHash: hex(store.root(last)) });
};
