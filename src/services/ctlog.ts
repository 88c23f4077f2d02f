import { Hono } from "hono";
import { sha256 } from "../crypto/hash.ts";
import type { PrivateKey } from "../crypto/keys.ts";
import { base64, fromBase64, hex } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { Precertificate } from "./ca.ts";
import {
  leafTimestamp,
  precertificateChain,
  precertificateLeaf,
  signSct,
  signTreeHead,
} from "./ctlog-encoding.ts";
import { jsonResponse } from "./log-http.ts";
import { checkpointSigner } from "./note-writer.ts";
import { decimal } from "./rekor-log.ts";
import { openTreeStore, type TreeStore } from "./tree-store.ts";

export type CtLogOptions = {
  /** The log's database file; a second file is kept beside it. */
  readonly path: string;
  /** ECDSA P-256. */
  readonly key: PrivateKey;
  /** Names the log in the checkpoints that guard its state. */
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** DER of the authority's root certificates, for `get-roots`. */
  readonly roots: readonly Uint8Array[];
};

/** A promise that is already kept: the entry was in the tree, on the disk, before it was signed. */
type KeptPromise = {
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  /** SignedCertificateTimestamp (RFC 6962 §3.2), without a length in front. */
  readonly bytes: Uint8Array;
  /** Where the entry is in the log. */
  readonly index: number;
};

/** The certificate log of RFC 6962. Only its own authority, in the same process, adds to it. */
export type CtLog = {
  /** The same precertificate again gets a promise with the first one's time. */
  addPrecertificate(entry: Precertificate): Promise<Result<KeptPromise>>;
  /** Answers `/ct/v1/…`. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
  readonly store: TreeStore;
};

/** Signs the checkpoints that guard the state; readers of RFC 6962 see signed tree heads instead. */
export const ctLogSigner = ({ hostname, key }: Pick<CtLogOptions, "hostname" | "key">) =>
  checkpointSigner(hostname, hostname, key);

/** What a leaf is found by: issuer and TBS, whatever the time. */
export const precertificateKeys = (leaf: Uint8Array): string[] => [
  // Behind version, type, time and entry type; in front of the empty extensions.
  `precertificate:${hex(sha256(leaf.subarray(12, -2)))}`,
];

export const ctLog = async (options: CtLogOptions): Promise<Result<CtLog>> => {
  const { path, now } = options;
  const store = await openTreeStore({ path, signer: ctLogSigner(options), now });
  if (!store.ok) return store;
  const app = routes(store.value, options);
  return ok({
    addPrecertificate: (entry) => addPrecertificate(store.value, options, entry),
    fetch: async (request) => app.fetch(request),
    close: () => store.value.close(),
    store: store.value,
  });
};

const addPrecertificate = async (
  store: TreeStore,
  { key, now }: CtLogOptions,
  entry: Precertificate,
): Promise<Result<KeptPromise>> => {
  const body = precertificateLeaf(entry, now());
  const keys = precertificateKeys(body);
  const [known] = store.search(keys[0] ?? "", 1);
  const earlier = known === undefined ? undefined : store.leaf(known);
  const leaf = { body, extra: precertificateChain(entry), keys };
  const appended = earlier === undefined ? await store.append(leaf) : ok({ leaf: earlier });
  if (!appended.ok) return appended;
  const { leaf: logged } = appended.value;
  const timestamp = leafTimestamp(logged.body);
  return ok({ timestamp, bytes: signSct(key, logged.body), index: logged.index });
};

/** Entries of one answer; who wants more asks again, as RFC 6962 §4.6 allows. */
const MAX_ENTRIES = 256;

const refuse = (status: number, message: string): Response =>
  jsonResponse(status, { success: false, error_message: message });

const routes = (store: TreeStore, options: CtLogOptions): Hono => {
  const app = new Hono();
  const treeHead = treeHeads(store, options);
  const query = (request: Request) => new URL(request.url).searchParams;
  app.get("/ct/v1/get-sth", () => jsonResponse(200, treeHead()));
  app.get("/ct/v1/get-sth-consistency", ({ req }) => consistency(store, query(req.raw)));
  app.get("/ct/v1/get-proof-by-hash", ({ req }) => proofByHash(store, query(req.raw)));
  app.get("/ct/v1/get-entries", ({ req }) => entries(store, query(req.raw)));
  app.get("/ct/v1/get-entry-and-proof", ({ req }) => entryAndProof(store, query(req.raw)));
  app.get("/ct/v1/get-roots", () => jsonResponse(200, { certificates: options.roots.map(base64) }));
  for (const path of ["/ct/v1/add-chain", "/ct/v1/add-pre-chain"]) {
    app.post(path, () => refuse(403, "this log takes entries from its own authority only"));
  }
  app.notFound(() => refuse(404, "there is nothing at this path"));
  app.onError(() => refuse(500, "the log failed at this request"));
  return app;
};

/** A head is signed anew when the tree grew, and once a minute so that it stays fresh. */
const treeHeads = (store: TreeStore, { key, now }: CtLogOptions) => {
  const FRESH = 60_000;
  const signed = () => {
    const head = store.head();
    const timestamp = now();
    return {
      tree_size: head.size,
      timestamp,
      sha256_root_hash: base64(head.root),
      tree_head_signature: base64(signTreeHead(key, head, timestamp)),
    };
  };
  let last = signed();
  return () => {
    const stale = last.tree_size !== store.head().size || now() - last.timestamp > FRESH;
    if (stale) last = signed();
    return last;
  };
};

const consistency = (store: TreeStore, query: URLSearchParams): Response => {
  const first = decimal(query.get("first"));
  const second = decimal(query.get("second"));
  if (first === undefined || second === undefined || first > second) {
    return refuse(400, "first and second are not tree sizes in order");
  }
  if (second > store.head().size) return refuse(400, "the tree is not that large");
  return jsonResponse(200, { consistency: store.consistencyProof(first, second).map(base64) });
};

const proofByHash = (store: TreeStore, query: URLSearchParams): Response => {
  const hash = fromBase64(query.get("hash") ?? "");
  const size = decimal(query.get("tree_size"));
  if (!hash.ok || hash.value.length !== 32 || size === undefined || size > store.head().size) {
    return refuse(400, "hash is not 32 bytes in base64, or tree_size is not a size of the tree");
  }
  const index = store.find(hash.value);
  if (index === undefined || index >= size) return refuse(404, "the tree has no such leaf");
  const path = store.inclusionProof(index, size).map(base64);
  return jsonResponse(200, { leaf_index: index, audit_path: path });
};

const shownEntry = (store: TreeStore, index: number) => {
  const leaf = store.leaf(index);
  if (leaf === undefined) throw new Error(`leaf ${index} is missing`);
  return { leaf_input: base64(leaf.body), extra_data: base64(leaf.extra) };
};

const entries = (store: TreeStore, query: URLSearchParams): Response => {
  const start = decimal(query.get("start"));
  const end = decimal(query.get("end"));
  if (start === undefined || end === undefined || start > end || start >= store.head().size) {
    return refuse(400, "start and end are not indexes of the tree in order");
  }
  const count = Math.min(end + 1, store.head().size, start + MAX_ENTRIES) - start;
  return jsonResponse(200, {
    entries: Array.from({ length: count }, (_, i) => shownEntry(store, start + i)),
  });
};

const entryAndProof = (store: TreeStore, query: URLSearchParams): Response => {
  const index = decimal(query.get("leaf_index"));
  const size = decimal(query.get("tree_size"));
  if (index === undefined || size === undefined || index >= size || size > store.head().size) {
    return refuse(400, "leaf_index and tree_size are not those of a leaf in the tree");
  }
  const path = store.inclusionProof(index, size).map(base64);
  return jsonResponse(200, { ...shownEntry(store, index), audit_path: path });
};
