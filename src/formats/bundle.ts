import type { Certificate } from "./certificate.ts";

/** A DSSE envelope with exactly one signature. */
export type Envelope = {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** As written in the envelope; often empty. */
  readonly keyid: string;
};

export type InclusionProof = {
  /** Index of the leaf in this tree (shard), not the log's global index. */
  readonly logIndex: bigint;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  readonly treeSize: bigint;
  /** From the leaf's sibling to the root, 32 bytes each. */
  readonly hashes: readonly Uint8Array[];
  /** The signed note, or `undefined` where the bundle has none (v0.1). */
  readonly checkpoint: string | undefined;
};

/** One transparency log entry as a bundle carries it (protobuf-specs TransparencyLogEntry). */
export type TlogEntry = {
  readonly logIndex: bigint;
  /** Raw bytes of logId.keyId. */
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  /** Seconds since 1970; 0 where the log gives none (Rekor v2). */
  readonly integratedTime: bigint;
  readonly signedEntryTimestamp: Uint8Array | undefined;
  readonly inclusionProof: InclusionProof | undefined;
  readonly canonicalizedBody: Uint8Array;
};

export type KeyMaterial =
  | {
      readonly kind: "certificate";
      readonly certificate: Certificate;
      readonly chain: readonly Certificate[];
    }
  | { readonly kind: "public-key"; readonly hint: string };

export type BundleContent =
  | {
      readonly kind: "message-signature";
      /** The digest the bundle claims; a hint, never trusted. */
      readonly digest: { readonly algorithm: string; readonly bytes: Uint8Array } | undefined;
      readonly signature: Uint8Array;
    }
  | { readonly kind: "dsse"; readonly envelope: Envelope };

/** A Sigstore bundle, parsed once at the edge. */
export type Bundle = {
  readonly version: "0.1" | "0.2" | "0.3";
  readonly material: KeyMaterial;
  readonly entries: readonly TlogEntry[];
  /** DER of RFC 3161 TimeStampResp or TimeStampToken, as the bundle carries them. */
  readonly timestamps: readonly Uint8Array[];
  readonly content: BundleContent;
};
