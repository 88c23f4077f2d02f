import type { PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { base64, hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import type { StoredLeaf } from "./tree-database.ts";
import type { PublishedHead, TreeStore } from "./tree-store.ts";

/** One log with what its answers need. */
export type RekorLog = {
  readonly store: TreeStore;
  readonly key: PrivateKey;
  readonly treeId: bigint;
  /** Lower-case hex of SHA-256(SPKI). */
  readonly logId: string;
  /** Entries in the shards before this one: the log numbers its entries over all of them. */
  readonly offset: number;
};

/** The shards of one log, oldest first; only the current one takes entries. */
export type RekorShards = { readonly all: readonly RekorLog[]; readonly current: RekorLog };

/** Bytes of one request: an entry with a certificate has about 4 KB, an attestation seldom 1 MB. */
export const MAX_REQUEST = 1024 * 1024;

/** 16 hex digits of the tree, 64 of the leaf hash. */
export const entryIdOf = ({ treeId }: RekorLog, leaf: StoredLeaf): string =>
  treeId.toString(16).padStart(16, "0") + hex(leaf.hash);

/** An entry as Rekor shows it: its promise (SET) and its proof against the head. */
export const logEntry = (log: RekorLog, leaf: StoredLeaf, head: PublishedHead) => {
  const promised = {
    body: base64(leaf.body),
    integratedTime: Math.floor(leaf.at / 1000),
    logID: log.logId,
    logIndex: log.offset + leaf.index,
  };
  const hashes = log.store.inclusionProof(leaf.index, head.size).map(hex);
  return {
    [entryIdOf(log, leaf)]: {
      ...promised,
      verification: {
        inclusionProof: {
          checkpoint: head.note,
          hashes,
          logIndex: leaf.index,
          rootHash: hex(head.root),
          treeSize: head.size,
        },
        signedEntryTimestamp: base64(sign(log.key, "sha256", canonicalJson(promised))),
      },
    },
  };
};

/** A decimal number that a double holds exactly. */
export const decimal = (text: string | null | undefined): number | undefined =>
  text !== null && text !== undefined && /^(0|[1-9]\d{0,14})$/.test(text)
    ? Number(text)
    : undefined;
