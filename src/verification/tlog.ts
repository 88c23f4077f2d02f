import { sha256 } from "../crypto/hash.ts";
import { verifySignature } from "../crypto/verify.ts";
import type { TlogEntry } from "../formats/bundle.ts";
import { base64, equal, hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { leafHash, verifyInclusion } from "../formats/merkle.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { Logged } from "../formats/tlog-body.ts";
import { checkBody } from "../formats/tlog-body-check.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import { absent, type Finding, passed, refused, refusedAs } from "./finding.ts";
import type { VerifiedTime } from "./timestamp.ts";
import { covers, describeWindow } from "./window.ts";

/** Rekor v1's integrated time, in milliseconds; nothing where the log gives none. */
const integratedAt = (entry: TlogEntry): number | undefined =>
  entry.integratedTime > 0n ? Number(entry.integratedTime) * 1000 : undefined;

/**
 * Finds the log's key by id, valid at the time that the entry states. A log without times
 * (Rekor v2) is compared with the verified times later.
 *
 * @returns `TLOG_UNKNOWN_LOG`, `TLOG_TIME`
 */
export const checkLog = (entry: TlogEntry, logs: readonly LogKey[]): Finding<LogKey> => {
  const known = logs.filter(({ logId }) => equal(logId, entry.logId));
  const name = hex(entry.logId);
  const [first] = known;
  if (first === undefined) {
    return refused("log-entry", "TLOG_UNKNOWN_LOG", `log ${name} is not trusted`, {
      expected: logs.map(({ logId }) => hex(logId)).join(", ") || "no log is trusted",
      actual: name,
    });
  }
  const at = integratedAt(entry);
  const valid = known.find(({ validity }) => at === undefined || covers(validity, at));
  if (valid === undefined) {
    const found = rfc3339(at ?? 0);
    return refused("log-entry", "TLOG_TIME", `log ${name} was not trusted at ${found}`, {
      expected: describeWindow(first.validity),
      actual: found,
    });
  }
  const detail = `entry ${entry.logIndex} of log ${valid.baseUrl || name}`;
  return passed("log-entry", valid, detail);
};

/**
 * Proves that the entry is about this signature, key and content: its body is computed again from
 * them and compared whole.
 *
 * @returns `TLOG_KIND`, `TLOG_ENTRY_FORMAT`, `TLOG_BODY`
 */
export const checkLogBody = (entry: TlogEntry, logged: Logged): Finding<undefined> => {
  const body = checkBody(entry.canonicalizedBody, entry.kind, entry.version, logged);
  if (!body.ok) return refusedAs("log-body", body);
  const leaf = hex(sha256(entry.canonicalizedBody));
  const detail = `the ${entry.kind} ${entry.version} entry is the one computed from the evidence`;
  return passed("log-body", undefined, detail, { expected: leaf, actual: leaf });
};

/** What Rekor v1 signs as its promise: RFC 8785 JSON of these four. */
const promised = (entry: TlogEntry): Uint8Array =>
  canonicalJson({
    body: base64(entry.canonicalizedBody),
    integratedTime: Number(entry.integratedTime),
    logID: hex(entry.logId),
    logIndex: Number(entry.logIndex),
  });

const isExact = (value: bigint): boolean => value <= BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Verifies the log's promise (SET), which alone makes the entry's time count.
 *
 * @returns the time, or nothing where the entry has no promise; `TLOG_SET`,
 * `TLOG_INCLUSION_MISSING` where there is neither promise nor proof
 */
export const checkPromise = async (
  entry: TlogEntry,
  log: LogKey,
): Promise<Finding<VerifiedTime | undefined>> => {
  const { signedEntryTimestamp } = entry;
  if (signedEntryTimestamp === undefined) {
    return entry.inclusionProof === undefined
      ? refused("log-promise", "TLOG_INCLUSION_MISSING", "the entry has no promise and no proof")
      : absent("log-promise", undefined, "the entry has no promise, so its time does not count");
  }
  const at = integratedAt(entry);
  if (at === undefined || !isExact(entry.integratedTime) || !isExact(entry.logIndex)) {
    return refused("log-promise", "TLOG_SET", "the promise is about an impossible time or index");
  }
  const message = promised(entry);
  const good = await verifySignature(log.publicKey, "sha256", signedEntryTimestamp, message);
  if (!good) return refused("log-promise", "TLOG_SET", "the log did not sign this promise");
  const detail = `the log promised entry ${entry.logIndex} at ${rfc3339(at)}`;
  return passed("log-promise", { at, by: "log" }, detail);
};

/** Rekor v2 has one index; v1's global index and that of the shard's tree differ. */
const hasOneIndex = (entry: TlogEntry): boolean =>
  entry.version === "0.0.2" && entry.kind !== "intoto";

/**
 * Proves by the Merkle path that the body is a leaf of the tree that the proof names.
 *
 * @returns `TLOG_INCLUSION`
 */
export const checkInclusion = (entry: TlogEntry): Finding<undefined> => {
  const proof = entry.inclusionProof;
  if (proof === undefined) {
    return absent("log-inclusion", undefined, "the entry has a promise and no inclusion proof");
  }
  if (hasOneIndex(entry) && entry.logIndex !== proof.logIndex) {
    return refused("log-inclusion", "TLOG_INCLUSION", "the entry and its proof differ in index", {
      expected: String(entry.logIndex),
      actual: String(proof.logIndex),
    });
  }
  const leaf = leafHash(entry.canonicalizedBody);
  const { logIndex, treeSize, hashes, rootHash } = proof;
  const included = verifyInclusion(leaf, logIndex, treeSize, hashes, rootHash);
  if (!included.ok) return refusedAs("log-inclusion", included);
  const root = hex(rootHash);
  const detail = `leaf ${logIndex} of ${treeSize} leads to the root`;
  return passed("log-inclusion", undefined, detail, { expected: root, actual: root });
};
