import type { PublicKey } from "../crypto/keys.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { Bundle } from "../formats/bundle.ts";
import type { Failure } from "../formats/result.ts";
import type { Sct } from "../formats/sct.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { WitnessDemand } from "./witness.ts";

/** Whom the caller expects. Several expectations mean: any one of them. */
export type IdentityPolicy =
  | { readonly kind: "exact"; readonly san: string; readonly issuer: string }
  | GitLabIdentity
  | GitHubIdentity
  | { readonly kind: "email"; readonly email: string; readonly issuer: string };

/** A GitLab CI job; every field that is given must match, `project` and `issuer` always. */
export type GitLabIdentity = {
  readonly kind: "gitlab";
  /** Exact issuer URL, for example that of the GitLab instance. */
  readonly issuer: string;
  /** Full path, for example `acme/widgets`. */
  readonly project: string;
  /** Path of the CI configuration, `.gitlab-ci.yml` unless given. */
  readonly configPath?: string;
  /** Glob over the whole ref, for example `refs/tags/v*`; `*` does not cross `/`. */
  readonly ref?: string;
  readonly environment?: string;
  /** Numeric ids as text (.15 and .17). */
  readonly projectId?: string;
  readonly namespaceId?: string;
  /** Commit, 40 or 64 hexadecimal digits (.13). */
  readonly sha?: string;
};

/** A GitHub Actions workflow; every field that is given must match, `repository` and `issuer` always. */
export type GitHubIdentity = {
  readonly kind: "github";
  readonly issuer: string;
  readonly repository: string;
  readonly workflow: string;
  readonly ref?: string;
  readonly sha?: string;
};

/** Who must have signed: one of some identities, or the holder of a managed key. */
export type Expectation =
  | { readonly kind: "identity"; readonly anyOf: readonly IdentityPolicy[] }
  | { readonly kind: "key"; readonly key: PublicKey };

/** All that one verification takes; it reads no clock, file or network of its own. */
export type VerificationInput = {
  readonly artifact: Artifact;
  readonly bundle: Bundle;
  readonly trust: TrustedRoot;
  readonly expect: Expectation;
  /** Milliseconds since 1970; bounds the future, never replaces a verified time. */
  readonly now: number;
  /** Predicate types accepted in a DSSE bundle; any in-toto statement where absent. */
  readonly predicateTypes?: readonly string[];
  /** Logs of which an entry must verify; 1 where absent. Several entries of one log are one. */
  readonly tlogThreshold?: number;
  /** Witnesses that must vouch for the checkpoint of every log entry; none where absent. */
  readonly witnesses?: WitnessDemand;
  /** The SCT that the authority handed out beside the certificate, where it is not inside. */
  readonly detachedSct?: Sct;
};

/** The checks, in the order in which verify.ts makes them. */
export const CHECKS = [
  "material",
  "log-entry",
  "log-body",
  "log-promise",
  "log-inclusion",
  "log-checkpoint",
  "timestamp",
  "time",
  "chain",
  "usage",
  "sct",
  "identity",
  "statement",
  "subject",
  "signature",
] as const;

/** One of {@link CHECKS}. */
export type CheckName = (typeof CHECKS)[number];

/** One comparison that was made, in words and values a person can follow. */
export type Check = {
  readonly name: CheckName;
  /** `absent`: the evidence has no such thing and the rules do not demand it. */
  readonly status: "passed" | "failed" | "absent";
  /** What was found, in one sentence. */
  readonly detail: string;
  readonly expected?: string;
  readonly actual?: string;
};

/** Who signed, as the certificate states it; raw values, to be escaped wherever shown. */
export type Signer =
  | {
      readonly kind: "certificate";
      readonly san: string;
      /** How the certificate carries it; `other-name` is Fulcio's username. */
      readonly sanKind: "uri" | "email" | "dns" | "other-name";
      readonly issuer: string;
      /** Fulcio's extensions 1.3.6.1.4.1.57264.1.N by N, as text. */
      readonly claims: Readonly<Record<string, string>>;
    }
  | { readonly kind: "key" /** Lower-case hex of SHA-256(SPKI). */; readonly keyId: string };

/** An entry of a transparency log that was verified. */
export type LoggedAt = {
  readonly logIndex: string;
  /** Lower-case hex. */
  readonly logId: string;
  /** RFC 3339 where the log vouches for a time. */
  readonly integratedTime?: string;
  /** The inclusion proof as it was verified; absent where the log's promise alone was. */
  readonly inclusion?: Inclusion;
};

/** A verified way from a leaf to a signed root; hashes in lower-case hex. */
export type Inclusion = {
  /** Index in the tree, which is not the log's global index where it has several trees. */
  readonly leafIndex: string;
  readonly treeSize: string;
  readonly leafHash: string;
  readonly rootHash: string;
  /** From the leaf's sibling up. */
  readonly hashes: readonly string[];
  /** The signed checkpoint, as the evidence carries it. */
  readonly checkpoint?: string;
};

/** What verification came to. Nothing but `verified: true` is a success. */
export type Verdict =
  | {
      readonly verified: true;
      /** `release`: the file name is bound too; `bytes-only`: nothing but the content is. */
      readonly binding: "release" | "bytes-only";
      readonly signer: Signer;
      /** RFC 3339 times at which the signature is proven to have existed. */
      readonly times: readonly string[];
      readonly logged: readonly LoggedAt[];
      readonly predicateType?: string;
      /** The in-toto statement's predicate, as parsed JSON, for DSSE bundles. */
      readonly predicate?: unknown;
      readonly checks: readonly Check[];
    }
  | { readonly verified: false; readonly failure: Failure; readonly checks: readonly Check[] };
