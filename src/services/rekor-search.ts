import type { Hono } from "hono";
import { sha256 } from "../crypto/hash.ts";
import { fromBigEndian, fromHex, hex } from "../formats/bytes.ts";
import { type Json, readJson } from "../formats/json.ts";
import { leafHash } from "../formats/merkle.ts";
import { failureResponse, jsonResponse, readJsonBody, refusalResponse } from "./log-http.ts";
import { checkEntry } from "./rekor-entries.ts";
import { decimal, entryIdOf, logEntry, MAX_REQUEST, type RekorLog } from "./rekor-log.ts";
import { readVerifier } from "./rekor-verifier.ts";
import type { StoredLeaf } from "./tree-database.ts";

/** Entries that one query may ask for, as Rekor's `max_entries`-like limit. */
const MAX_QUERY = 10;

/** Index answers are cut here: a common name has entries without end. */
const MAX_FOUND = 1000;

/** The routes that read entries. */
export const addSearchRoutes = (app: Hono, log: RekorLog): void => {
  app.get("/api/v1/log/entries", ({ req }) => entryAt(log, req.query("logIndex")));
  app.get("/api/v1/log/entries/:uuid", ({ req }) => entryNamed(log, req.param("uuid")));
  app.post("/api/v1/log/entries/retrieve", ({ req }) => retrieve(log, req.raw));
  app.post("/api/v1/index/retrieve", ({ req }) => searchIndex(log, req.raw));
};

const shown = (log: RekorLog, leaf: StoredLeaf | undefined): Response =>
  leaf === undefined
    ? refusalResponse(404, "the log has no such entry")
    : jsonResponse(200, logEntry(log, leaf, log.store.head()));

const entryAt = (log: RekorLog, logIndex: string | undefined): Response => {
  const index = decimal(logIndex);
  if (index === undefined) return refusalResponse(422, "logIndex is not an index");
  return shown(log, log.store.leaf(index));
};

const UUID = /^([0-9a-fA-F]{16})?([0-9a-fA-F]{64})$/;

const leafWithHash = (log: RekorLog, hash: Uint8Array): StoredLeaf | undefined => {
  const index = log.store.find(hash);
  return index === undefined ? undefined : log.store.leaf(index);
};

/** By leaf hash, or by tree id and leaf hash; `undefined` for another tree, too. */
const leafNamed = (log: RekorLog, uuid: string): StoredLeaf | undefined => {
  const [, tree, hash = ""] = UUID.exec(uuid) ?? [];
  const treeId = tree === undefined ? undefined : fromHex(tree);
  if (treeId?.ok && fromBigEndian(treeId.value) !== log.treeId) return undefined;
  const bytes = fromHex(hash);
  return bytes.ok ? leafWithHash(log, bytes.value) : undefined;
};

const entryNamed = (log: RekorLog, uuid: string): Response =>
  UUID.test(uuid)
    ? shown(log, leafNamed(log, uuid))
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

const retrieve = async (log: RekorLog, request: Request): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  if (!json.ok) return failureResponse(json.error);
  const query = readJson(json.value, "TLOG_ENTRY_FORMAT", "query", readQuery);
  if (!query.ok) return refusalResponse(422, query.error.message);
  const { uuids, indexes, proposed } = query.value;
  const leaves = [
    ...uuids.map((uuid) => leafNamed(log, uuid)),
    ...indexes.map((index) => log.store.leaf(index)),
  ];
  for (const entry of proposed) {
    if (isNeverHeld(entry)) continue;
    const checked = await checkEntry(entry);
    if (!checked.ok) return failureResponse(checked.error);
    leaves.push(leafWithHash(log, leafHash(checked.value.body)));
  }
  const head = log.store.head();
  const found = leaves.filter((leaf) => leaf !== undefined);
  return jsonResponse(
    200,
    found.map((leaf) => logEntry(log, leaf, head)),
  );
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

const searchIndex = async (log: RekorLog, request: Request): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  if (!json.ok) return failureResponse(json.error);
  const query = readJson(json.value, "TLOG_ENTRY_FORMAT", "query", readIndexQuery);
  if (!query.ok) return failureResponse(query.error);
  const { keys, and } = query.value;
  const sets = keys.map((key) => log.store.search(key, MAX_FOUND));
  const indexes = [...new Set(sets.flat())]
    .filter((index) => !and || sets.every((set) => set.includes(index)))
    .toSorted((a, b) => a - b);
  const leaves = indexes.map((index) => log.store.leaf(index));
  const found = leaves.filter((leaf) => leaf !== undefined);
  return jsonResponse(
    200,
    found.map((leaf) => entryIdOf(log, leaf)),
  );
};
