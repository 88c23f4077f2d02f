import { type Failure, failure } from "../formats/result.ts";
import type { ProofKind, WaiverNote } from "../stages/release.ts";
import { filesOfShard, type Shard, type ShardNote } from "../stages/shard.ts";
import type { AttestationIdentity } from "./attestation-identity.ts";
import type { AuditChange } from "./audit-changes.ts";
import type { Closure, Unverifiable } from "./closure.ts";
import { type ClosureVerdict, type FileVerdict, filesOf, type Outcome } from "./closure-verdict.ts";

/** What an audit says of one file of a lock. */
export type AuditFile = {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly outcome: Outcome;
  /** Who says who must have signed. */
  readonly demanded: FileVerdict["demanded"];
  readonly size?: number;
  readonly url?: string;
  /** Who published it, as a lock states it, and the certificate's own words. */
  readonly publisher?: AttestationIdentity;
  readonly signer?: { readonly identity: string; readonly issuer: string };
  /** RFC 3339. */
  readonly signedAt: readonly string[];
  readonly proofs: readonly ProofKind[];
  readonly waivers: readonly WaiverNote[];
  readonly yanked?: string;
  readonly failure?: Failure;
};

/** The audit of a lock, or of a part of it: the JSON document of `wheelseal audit`. */
export type Audit = {
  readonly kind: "audit";
  readonly ok: boolean;
  readonly error?: Failure;
  readonly shard?: ShardNote;
  /** Name and digest of the lock, and of the one that it is compared with. */
  readonly lock: { readonly file: string; readonly sha256: string };
  readonly since?: { readonly file: string; readonly sha256: string };
  /** The document that says whom to expect, where one does. */
  readonly policy?: { readonly from: string; readonly sha256: string };
  /** Digest of the trust root in use. */
  readonly trust: string;
  /** Whether files that nobody vouches for are refused. */
  readonly unattested: "allow" | "refuse";
  readonly files: readonly AuditFile[];
  readonly unverifiable: readonly Unverifiable[];
  readonly changes: readonly AuditChange[];
};

/** What names a package of a lock. */
export const unitOf = ({ name, version }: { name: string; version: string }): string =>
  `${name} ${version}`;

/** The packages of a shard; what is no file is in each of them. */
export const partOf = (closure: Closure, shard: Shard | undefined): Closure => {
  if (shard === undefined) return closure;
  const wanted = new Set(filesOfShard(closure.entries.map(unitOf), shard));
  return { ...closure, entries: closure.entries.filter((entry) => wanted.has(unitOf(entry))) };
};

const fileOf = (file: FileVerdict): AuditFile => {
  const { name, version, filename, sha256, outcome, demanded, identity, signer } = file;
  const { size, url, yanked, failure: failed, proofs, release } = file;
  const times = (release?.proofs ?? []).flatMap(({ verdict }) =>
    verdict.verified ? verdict.times : [],
  );
  return {
    ...{ name, version, filename, sha256, outcome, demanded, proofs },
    ...(size === undefined ? {} : { size }),
    ...(url === undefined ? {} : { url }),
    ...(identity === undefined ? {} : { publisher: identity }),
    ...(signer?.kind === "certificate"
      ? { signer: { identity: signer.san, issuer: signer.issuer } }
      : {}),
    signedAt: [...new Set(times)].sort(),
    waivers: release?.waivers ?? [],
    ...(yanked === undefined ? {} : { yanked }),
    ...(failed === undefined ? {} : { failure: failed }),
  };
};

/** What an audit is made of. */
export type AuditParts = Omit<Audit, "kind" | "ok" | "error" | "files" | "unverifiable"> & {
  readonly verdict: ClosureVerdict;
};

export const auditOf = ({ verdict, ...parts }: AuditParts): Audit => {
  const { unverifiable } = verdict;
  return concluded({ ...parts, files: filesOf(verdict).map(fileOf), unverifiable });
};

/** Draws the conclusion of an audit, whole or joined of parts. */
export const concluded = (audit: Omit<Audit, "kind" | "ok" | "error">): Audit => {
  const error = auditFailure(audit);
  const { files, unverifiable, changes, ...rules } = audit;
  const conclusion = { ok: error === undefined, ...(error === undefined ? {} : { error }) };
  return { kind: "audit", ...rules, ...conclusion, files, unverifiable, changes };
};

/** The first thing that is not as demanded: refusals, then outages. */
const auditFailure = (audit: Omit<Audit, "kind" | "ok" | "error">): Failure | undefined => {
  const { files, unverifiable, changes } = audit;
  const refused = files.find(({ outcome }) => outcome === "refused")?.failure;
  if (refused !== undefined) return refused;
  const changed = changes.find((change) => change.failure !== undefined)?.failure;
  if (changed !== undefined) return changed;
  if (audit.unattested === "refuse") {
    const bare = files.find(({ outcome }) => outcome === "unattested");
    if (bare !== undefined) {
      return failure("LOCK_UNATTESTED", `nobody vouches for ${bare.filename}`);
    }
    const [tree] = unverifiable;
    if (tree !== undefined) {
      return failure("LOCK_UNVERIFIABLE", `${tree.name} is a source (${tree.kind}), not a file`);
    }
  }
  return files.find(({ outcome }) => outcome === "unavailable")?.failure;
};
