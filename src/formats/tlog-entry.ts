import type { InclusionProof, TlogEntry } from "./bundle.ts";
import { base64 } from "./bytes.ts";
import type { Json } from "./json.ts";

/** A tree of 2^63 leaves has no longer path. */
const MAX_HASHES = 64;

const HASH_BYTES = 32;

/** A signed note of a log with its witnesses; C2SP notes are far smaller. */
const MAX_CHECKPOINT = 64 * 1024;

const hash = (json: Json): Uint8Array => {
  const bytes = json.base64();
  return bytes.length === HASH_BYTES ? bytes : json.refuse(`is not ${HASH_BYTES} bytes`);
};

/** Protobuf's JSON leaves out a field that is zero, so a missing number is 0. */
const index = (json: Json, name: string): bigint => {
  const value = json.optional(name)?.int64() ?? 0n;
  return value >= 0n ? value : json.refuse(`has a negative ${name}`);
};

const readCheckpoint = (json: Json | undefined): string | undefined => {
  const envelope = json?.only("envelope").field("envelope");
  const text = envelope?.string();
  if (text !== undefined && text.length > MAX_CHECKPOINT) envelope?.refuse("is too long");
  return text;
};

const readProof = (json: Json): InclusionProof => {
  json.only("logIndex", "rootHash", "treeSize", "hashes", "checkpoint");
  return {
    logIndex: index(json, "logIndex"),
    rootHash: hash(json.field("rootHash")),
    treeSize: index(json, "treeSize"),
    hashes: json.optional("hashes")?.items(MAX_HASHES).map(hash) ?? [],
    checkpoint: readCheckpoint(json.optional("checkpoint")),
  };
};

/**
 * Reads a TransparencyLogEntry in protobuf's JSON (protobuf-specs sigstore_rekor.proto): int64
 * as text, bytes as base64, no unknown fields.
 */
export const readTlogEntry = (json: Json): TlogEntry => {
  json.only(
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
  );
  const kindVersion = json.field("kindVersion").only("kind", "version");
  const promise = json.optional("inclusionPromise")?.only("signedEntryTimestamp");
  const proof = json.optional("inclusionProof");
  return {
    logIndex: index(json, "logIndex"),
    logId: json.field("logId").only("keyId").field("keyId").base64(),
    kind: kindVersion.field("kind").string(),
    version: kindVersion.field("version").string(),
    integratedTime: index(json, "integratedTime"),
    signedEntryTimestamp: promise?.field("signedEntryTimestamp").base64(),
    inclusionProof: proof === undefined ? undefined : readProof(proof),
    canonicalizedBody: json.field("canonicalizedBody").base64(),
  };
};

const proofJson = (proof: InclusionProof) => ({
  logIndex: String(proof.logIndex),
  rootHash: base64(proof.rootHash),
  treeSize: String(proof.treeSize),
  hashes: proof.hashes.map(base64),
  ...(proof.checkpoint === undefined ? {} : { checkpoint: { envelope: proof.checkpoint } }),
});

/** The JSON value of an entry. Zeros and empty lists are written: some readers demand them. */
export const tlogEntryJson = (entry: TlogEntry) => ({
  logIndex: String(entry.logIndex),
  logId: { keyId: base64(entry.logId) },
  kindVersion: { kind: entry.kind, version: entry.version },
  integratedTime: String(entry.integratedTime),
  ...(entry.signedEntryTimestamp === undefined
    ? {}
    : { inclusionPromise: { signedEntryTimestamp: base64(entry.signedEntryTimestamp) } }),
  ...(entry.inclusionProof === undefined
    ? {}
    : { inclusionProof: proofJson(entry.inclusionProof) }),
  canonicalizedBody: base64(entry.canonicalizedBody),
});
