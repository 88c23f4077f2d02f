import { Hono } from "hono";
import type { HashName } from "../crypto/hash.ts";
import { importPublicKey, type KeyAlgorithm, type PrivateKey } from "../crypto/keys.ts";
import { verifyDigest } from "../crypto/verify.ts";
import { parseCertificate } from "../formats/certificate.ts";
import { noteKeyId } from "../formats/checkpoint.ts";
import { type Json, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import {
  type BodyVerifier,
  certificateVerifier,
  expectedBody,
  keyVerifier,
} from "../formats/tlog-body.ts";
import { parseBody } from "../formats/tlog-body-parse.ts";
import { tlogEntryJson } from "../formats/tlog-entry.ts";
import { failureResponse, jsonResponse, readJsonBody, refusalResponse } from "./log-http.ts";
import { checkpointSigner } from "./note-writer.ts";
import type { LogService } from "./rekor.ts";
import { MAX_TILE_ENTRY, parseTilePath, readTile } from "./tiles.ts";
import { type Appended, openTreeStore, type TreeStore } from "./tree-store.ts";

export type RekorV2Options = {
  /** The log's database file, of its own: no other log shares it. */
  readonly path: string;
  /** Ed25519: what witnesses demand of a log. */
  readonly key: PrivateKey;
  /** Names the log, in its checkpoints too. */
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

const MAX_REQUEST = 256 * 1024;

export const rekorV2Signer = ({ hostname, key }: Pick<RekorV2Options, "hostname" | "key">) =>
  checkpointSigner(hostname, hostname, key);

/** The keys by which a leaf is found, which are none; `undefined` for a body this log never makes. */
export const keysOfV2Body = (body: Uint8Array): string[] | undefined => {
  const parsed = parseBody(body);
  const own = parsed.ok && parsed.value.kind === "hashedrekord" && parsed.value.version === "0.0.2";
  return own ? [] : undefined;
};

/**
 * Opens Rekor v2 (rekor-tiles): hashedrekord 0.0.2 only, no promise and no time of its own; the
 * tree is read as tiles (c2sp.org/tlog-tiles). Answers `/api/v2/…`.
 */
export const rekorV2Service = async (options: RekorV2Options): Promise<Result<LogService>> => {
  const { path, now } = options;
  const store = await openTreeStore({ path, signer: rekorV2Signer(options), now });
  if (!store.ok) return store;
  const app = routes(store.value, options);
  return ok({
    fetch: async (request) => app.fetch(request),
    close: () => store.value.close(),
    store: store.value,
  });
};

const routes = (store: TreeStore, { hostname, key }: RekorV2Options): Hono => {
  const app = new Hono();
  const logId = noteKeyId(hostname, key.publicKey);
  app.post("/api/v2/log/entries", ({ req }) => createEntry(store, logId, req.raw));
  app.get("/api/v2/checkpoint", () => checkpoint(store));
  app.get("/api/v2/tile/*", ({ req }) => tile(store, req.path.slice("/api/v2/tile/".length)));
  app.notFound(() => refusalResponse(404, "there is nothing at this path"));
  app.onError(() => refusalResponse(500, "the log failed at this request"));
  return app;
};

const checkpoint = (store: TreeStore): Response =>
  new Response(store.head().note, {
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" },
  });

const tile = (store: TreeStore, path: string): Response => {
  const name = parseTilePath(path);
  const bytes = name === undefined ? undefined : readTile(store, name);
  if (bytes === undefined) return refusalResponse(404, "the tree has no such tile");
  return new Response(new Uint8Array(bytes), {
    headers: {
      "content-type": "application/octet-stream",
      "cache-control": "public, max-age=31536000, immutable",
    },
  });
};

type KeyDetails = {
  readonly algorithm: KeyAlgorithm;
  readonly hash: HashName;
  readonly bytes: number;
};

/** The keys that can be verified by digest, by protobuf-specs' names, and the hash each goes with. */
const KEY_DETAILS: Readonly<Record<string, KeyDetails>> = {
  PKIX_ECDSA_P256_SHA_256: { algorithm: "ecdsa-p256", hash: "sha256", bytes: 32 },
  PKIX_ECDSA_P384_SHA_384: { algorithm: "ecdsa-p384", hash: "sha384", bytes: 48 },
  PKIX_ECDSA_P521_SHA_512: { algorithm: "ecdsa-p521", hash: "sha512", bytes: 64 },
};

type Proposed = {
  readonly details: KeyDetails;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
  readonly verifier: BodyVerifier;
};

const readProposed = (json: Json): Proposed => {
  const request = json.only("hashedRekordRequestV002").field("hashedRekordRequestV002");
  const signature = request.field("signature");
  const verifier = signature.field("verifier");
  const name = verifier.field("keyDetails");
  const details = Object.hasOwn(KEY_DETAILS, name.string())
    ? KEY_DETAILS[name.string()]
    : undefined;
  if (details === undefined) return name.refuse("names a key that this log does not take");
  const digest = request.field("digest");
  if (digest.base64().length !== details.bytes) return digest.refuse("has the wrong length");
  return {
    details,
    digest: digest.base64(),
    signature: signature.field("content").base64(),
    verifier: readVerifier(verifier, details.algorithm),
  };
};

const readVerifier = (json: Json, algorithm: KeyAlgorithm): BodyVerifier => {
  const certificate = json.optional("x509Certificate");
  const publicKey = json.optional("publicKey");
  if ((certificate === undefined) === (publicKey === undefined)) {
    return json.refuse("must have a certificate or a key, and not both");
  }
  const raw = (certificate ?? publicKey ?? json).field("rawBytes").base64();
  const verifier =
    certificate === undefined
      ? keyOf(raw)
      : certificateVerifier(certificate.take(parseCertificate(raw)));
  if (verifier === undefined) return json.refuse("has a key of no supported kind");
  return verifier.key.algorithm === algorithm
    ? verifier
    : json.refuse(`has a key of kind ${verifier.key.algorithm}, not ${algorithm}`);
};

const keyOf = (spki: Uint8Array): BodyVerifier | undefined => {
  const key = importPublicKey(spki);
  return key === undefined ? undefined : keyVerifier(key);
};

const createEntry = async (
  store: TreeStore,
  logId: Uint8Array,
  request: Request,
): Promise<Response> => {
  const json = await readJsonBody(request, MAX_REQUEST);
  const body = json.ok ? await checkedBody(json.value) : json;
  const appended = body.ok ? await store.append({ body: body.value, keys: [] }) : body;
  if (!appended.ok) return failureResponse(appended.error);
  const { duplicate, leaf } = appended.value;
  return duplicate
    ? refusalResponse(409, `an equivalent entry already exists in the log with index ${leaf.index}`)
    : jsonResponse(201, logEntry(store, logId, appended.value));
};

const checkedBody = async (value: unknown): Promise<Result<Uint8Array>> => {
  const proposed = readJson(value, "TLOG_ENTRY_FORMAT", "request", readProposed);
  if (!proposed.ok) return proposed;
  const { details, digest, signature, verifier } = proposed.value;
  if ((await verifyDigest(verifier.key, signature, digest)) !== true) {
    return fail("SIGNATURE_INVALID", "the signature is not over this digest by this key");
  }
  const { hash } = details;
  const logged = { kind: "artifact", hash, digest, signature, verifier } as const;
  const body = expectedBody("hashedrekord", "0.0.2", logged);
  if (!body.ok || body.value.length <= MAX_TILE_ENTRY) return body;
  return fail("FORMAT_SIZE", `the entry has ${body.value.length} bytes, over ${MAX_TILE_ENTRY}`);
};

const logEntry = (store: TreeStore, logId: Uint8Array, { leaf, head }: Appended) =>
  tlogEntryJson({
    logIndex: BigInt(leaf.index),
    logId,
    kind: "hashedrekord",
    version: "0.0.2",
    integratedTime: 0n,
    signedEntryTimestamp: undefined,
    inclusionProof: {
      logIndex: BigInt(leaf.index),
      rootHash: head.root,
      treeSize: BigInt(head.size),
      hashes: store.inclusionProof(leaf.index, head.size),
      checkpoint: head.note,
    },
    canonicalizedBody: leaf.body,
  });
