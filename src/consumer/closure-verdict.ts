import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import type { Failure } from "../formats/result.ts";
import type { ProofKind, ReleaseVerdict } from "../stages/release.ts";
import type { Signer } from "../verification/verdict.ts";
import type { AttestationIdentity } from "./attestation-identity.ts";
import type { Closure, ClosureEntry, Unverifiable } from "./closure.ts";

/**
 * What a file of a lock came to.
 * - `verified`: signed by whom the policy, the caller or the lock itself expects
 * - `pinned`: the policy pins its digest; no evidence was asked for
 * - `signed`: its evidence is good, and nobody said who should sign
 * - `unattested`: nobody said who should sign, and there is no evidence
 * - `refused`: something is wrong with it; `failure` says what
 * - `unavailable`: it, or its evidence, could not be had; nothing is said about it
 */
export type Outcome = "verified" | "pinned" | "signed" | "unattested" | "refused" | "unavailable";

/** Who says who must have signed; `nobody` where nobody does. */
export type Demanded = "policy" | "caller" | "lock" | "nobody";

/** An evidence file that was read for a verdict; its bytes lie in the store, by digest. */
export type KeptEvidence = {
  readonly name: string;
  /** Lower-case hex. */
  readonly sha256: string;
};

/** The verdict on one file of a lock. */
export type FileVerdict = {
  readonly name: NormalizedName;
  readonly version: Version;
  readonly filename: string;
  /** Lower-case hex, as the lock states it. */
  readonly sha256: string;
  readonly outcome: Outcome;
  readonly demanded: Demanded;
  /** Bytes; absent where the file did not arrive. */
  readonly size?: number;
  /** Where it was fetched from, and the upstream that owns it. */
  readonly url?: string;
  readonly upstream?: string;
  /** Who signed, and the same as a lock would state it; absent where no evidence verified. */
  readonly signer?: Signer;
  readonly identity?: AttestationIdentity;
  /** Kinds of evidence that verified. */
  readonly proofs: readonly ProofKind[];
  /** Everything that was read about it, good or not. */
  readonly evidence: readonly KeptEvidence[];
  /** The whole verdict, with waivers and findings; absent where it was not judged. */
  readonly release?: ReleaseVerdict;
  /** Its name is of earlier times, so its content was not looked at. */
  readonly uninspected?: true;
  /** Why the index withdrew it, perhaps empty; absent where it did not. */
  readonly yanked?: string;
  /** There for `refused` and `unavailable`. */
  readonly failure?: Failure;
};

/** The verdicts on the files of one package of a lock that were wanted; all, unless some were not. */
export type EntryVerdict = {
  readonly entry: ClosureEntry;
  readonly files: readonly FileVerdict[];
  /** Digests that the lock allows and no file of the index has. */
  readonly unlisted: readonly string[];
};

export type ClosureVerdict = {
  readonly closure: Closure;
  readonly entries: readonly EntryVerdict[];
  readonly unverifiable: readonly Unverifiable[];
};

/** All files of a closure, in the lock's order. */
export const filesOf = ({ entries }: ClosureVerdict): FileVerdict[] =>
  entries.flatMap(({ files }) => files);

/** The first thing that is wrong: a refusal before an outage. */
export const failureOf = (verdict: ClosureVerdict): Failure | undefined => {
  const files = filesOf(verdict);
  const refused = files.find(({ outcome }) => outcome === "refused");
  return (refused ?? files.find(({ outcome }) => outcome === "unavailable"))?.failure;
};
