import type { Hono } from "hono";
import { sha256 } from "../crypto/hash.ts";
import { fromHex, hex } from "../formats/bytes.ts";
import { type Json, readJson } from "../formats/json.ts";
import { leafHash } from "../formats/merkle.ts";
import { failureResponse, jsonResponse, readJsonBody, refusalResponse } from "./log-http.ts";
import { checkEntry } from "./rekor-entries.ts";
import {
  decimal,
  entryIdOf,
  logEntry,
  MAX_REQUEST,
  type RekorLog,
  type RekorShards,
} from "./rekor-log.ts";
import { readVerifier } from "./rekor-verifier.ts";
import type { StoredLeaf } from "./tree-database.ts";

/** Entries that one query may ask for, as Rekor's `max_entries`-like limit. */
const MAX_QUERY = 10;

/** Index answers are cut here: a common name has entries without end. */
const MAX_FOUND = 1000;

/** The routes that read entries. */
export const addSearchRoutes = (app: Hono, shards: RekorShards): void => {
  app.get("/api/v1/log/entries", ({ req }) => entryAt(shards, req.query("logIndex")));
  app.get("/api/v1/log/entries/:uuid", ({ req }) => entryNamed(shards, req.param("uuid")));
  app.post("/api/v1/log/entries/retrieve", ({ req }) => retrieve(shards, req.raw));
  app.post("/api/v1/index/retrieve", ({ req }) => searchIndex(shards, req.raw));
};

/** An entry, and the shard that has it. */
type Found = { readonly log: RekorLog; readonly leaf: StoredLeaf };

const shown = (found: Found | undefined): Response =>
  found === undefined
    ? refusalResponse(404, "the log has no such entry")
    : jsonResponse(200, shownEntry(found));

const shownEntry = ({ log, leaf }: Found) => logEntry(log, leaf, log.store.head());

const foundIn = (log: RekorLog, index: number | undefined): Found | undefined => {
  const leaf = index === undefined ? undefined : log.store.leaf(index);
  return leaf === undefined ? undefined : { log, leaf };
};

/** By the log's own numbers, which go over all its shards. */
const numbered = ({ all }: RekorShards, index: number): Found | undefined => {
  const log = all.findLast(({ offset }) => offset <= index);
  return log === undefined ? undefined : foundIn(log, index - log.offset);
};

/** In the newest shard that has it. */
const withHash = ({ all }: RekorShards, hash: Uint8Array): Found | undefined => {
  for (const log of all.toReversed()) {
    const found = foundIn(log, log.store.find(hash));
    if (found !== undefined) return found;
  }
  return undefined;
};

const entryAt = (shards: RekorShards, logIndex: string | undefined): Response => {
  const index = decimal(logIndex);
  if (index === undefined) return refusalResponse(422, "logIndex is not an index");
  return shown(numbered(shards, index));
};

const UUID = /^([0-9a-fA-F]{16})?([0-9a-fA-F]{64})$/;

/** By leaf hash, or by tree id and leaf hash; `undefined` for a tree of another log, too. */
const named = (shards: RekorShards, uuid: string): Found | undefined => {
  const [, tree, hash = ""] = UUID.exec(uuid) ?? [];
  const bytes = fromHex(hash);
  if (!bytes.ok) return undefined;
  if (tree === undefined) return withHash(shards, bytes.value);
  const log = shards.all.find(({ treeId }) => treeId === BigInt(`0x${tree}`));
  return log === undefined ? undefined : foundIn(log, log.store.find(bytes.value));
};

const entryNamed = (shards: RekorShards, uuid: string): Response =>
  UUID.test(uuid)
    ? shown(named(shards, uuid))
    : refusalResponse(422, "an entry's id is 64 or 80 hexadecimal digits");

type Query = {
  readonly uuids: readonly string[];
  readonly indexes: readonly number[];
  readonly proposed: readonly unknown[];
};

const readQuery = (json: Json): Query => {
  const list = (name: string): Json[] => json.optional(name)?.items(MAX_QUERY) ?? [];
  const query = {
    uuids: list("entryUUIDs").map((uuid) =>
      UUID.test(uuid.string()) ? uuid.string() : uuid.refuse("is no entry id"),
    ),
    indexes: list("logIndexes").map((index) =>
      index.integer() >= 0 ? index.integer() : index.refuse("is no index"),
    ),
    proposed: list("entries").map((entry) => entry.value),
  };
  const count = query.uuids.length + query.indexes.length + query.proposed.length;
  return count > 0 && count <= MAX_QUERY ? query : json.refuse(`asks for ${count} entries`);
};

/** cosign asks for an attestation as dsse and as intoto at once; of the latter we hold none. */
const isNeverHeld = (proposed: unknown): boolean =>
  typeof proposed === "object" &&
  proposed !== null &&
  "kind" in proposed &&
  proposed.kind === "intoto";

const retrieve = async (shards: RekorShards, request: Request): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  if (!json.ok) return failureResponse(json.error);
  const query = readJson(json.value, "TLOG_ENTRY_FORMAT", "query", readQuery);
  if (!query.ok) return refusalResponse(422, query.error.message);
  const { uuids, indexes, proposed } = query.value;
  const found = [
    ...uuids.map((uuid) => named(shards, uuid)),
    ...indexes.map((index) => numbered(shards, index)),
  ];
  for (const entry of proposed) {
    if (isNeverHeld(entry)) continue;
    const checked = await checkEntry(entry);
    if (!checked.ok) return failureResponse(checked.error);
    found.push(withHash(shards, leafHash(checked.value.body)));
  }
  return jsonResponse(200, found.filter((each) => each !== undefined).map(shownEntry));
};

const HASH = /^(sha(?:1|256|512):)?([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$/;

type IndexQuery = { readonly keys: readonly string[]; readonly and: boolean };

const hashKey = (hash: Json): string => {
  const [, prefix = "sha256:", value] = HASH.exec(hash.string()) ?? [];
  return value === undefined ? hash.refuse("is no digest") : prefix + value.toLowerCase();
};

const publicKeyKey = (publicKey: Json): string => {
  const content = publicKey.field("content");
  return hex(sha256(content.take(readVerifier(content.base64())).pem));
};

const readIndexQuery = (json: Json): IndexQuery => {
  const [hash, email, subject, publicKey] = ["hash", "email", "subject", "publicKey"].map((name) =>
    json.optional(name),
  );
  const keys = [
    hash && hashKey(hash),
    email?.string(),
    subject?.string(),
    publicKey && publicKeyKey(publicKey),
  ].filter((key) => key !== undefined);
  if (keys.length === 0) return json.refuse("names nothing to look for");
  const operator = json.optional("operator")?.string() ?? "";
  if (!["", "and", "or"].includes(operator)) return json.refuse("has an unknown operator");
  return { keys, and: operator === "and" };
};

const searched = (log: RekorLog, { keys, and }: IndexQuery): string[] => {
  const sets = keys.map((key) => log.store.search(key, MAX_FOUND));
  return [...new Set(sets.flat())]
    .filter((index) => !and || sets.every((set) => set.includes(index)))
    .toSorted((a, b) => a - b)
    .map((index) => log.store.leaf(index))
    .filter((leaf) => leaf !== undefined)
    .map((leaf) => entryIdOf(log, leaf));
};

const searchIndex = async (shards: RekorShards, request: Request): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  if (!json.ok) return failureResponse(json.error);
  const query = readJson(json.value, "TLOG_ENTRY_FORMAT", "query", readIndexQuery);
  if (!query.ok) return failureResponse(query.error);
  return jsonResponse(
    200,
    shards.all.flatMap((log) => searched(log, query.value)),
  );
};
