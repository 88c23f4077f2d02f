import type { PublicKey } from "../crypto/keys.ts";
import type { Certificate } from "./certificate.ts";

/** Milliseconds since 1970; `end` absent means still valid. */
export type Validity = { readonly start: number; readonly end: number | undefined };

export type LogKey = {
  /** Base URL as the trust root gives it; only a name, never fetched because it is here. */
  readonly baseUrl: string;
  /** Raw bytes of logId.keyId. */
  readonly logId: Uint8Array;
  /** Raw bytes of checkpointKeyId where given. */
  readonly checkpointKeyId: Uint8Array | undefined;
  readonly publicKey: PublicKey;
  readonly validity: Validity;
};

export type Authority = {
  readonly uri: string;
  /** Leaf-most first, root last, as in the trust root. */
  readonly chain: readonly Certificate[];
  readonly validity: Validity;
};

/** Whom a verifier trusts: protobuf-specs TrustedRoot, parsed and checked. */
export type TrustedRoot = {
  readonly tlogs: readonly LogKey[];
  readonly certificateAuthorities: readonly Authority[];
  readonly ctlogs: readonly LogKey[];
  readonly timestampAuthorities: readonly Authority[];
};
