import type { ReleaseVerdict } from "../stages/release.ts";

/**
 * What the console's pages are made of. Names, identities and messages are raw text of
 * others; times are milliseconds since 1970; digests are lower-case hexadecimal.
 */

/** `unchecked`: nobody has verified it here yet. */
export type FileState = "verified" | "refused" | "unchecked";

export type FileRow = {
  readonly project: string;
  readonly version: string;
  readonly filename: string;
  readonly sha256: string;
  readonly at: number;
  readonly state: FileState;
  readonly code: string;
  readonly message: string;
  /** Who signed; empty where nobody is known. */
  readonly identity: string;
  /** Its id in the registry; 0 where it is in none. */
  readonly source: number;
};

export type PackageRow = {
  readonly project: string;
  readonly files: number;
  readonly verified: number;
  readonly refused: number;
  readonly lastAt: number;
  readonly lastVersion: string;
};

/** `identity`: a file of a package was signed by others than the one before it. */
export const EVENT_KINDS = ["accepted", "refused", "alarm", "identity"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type EventRow = {
  readonly seq: number;
  readonly at: number;
  readonly kind: EventKind;
  /** Empty where the event is about no package. */
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  readonly code: string;
  readonly message: string;
};

export type SignerRow = {
  readonly id: number;
  readonly identity: string;
  /** Empty for a key. */
  readonly issuer: string;
  readonly signings: number;
  readonly firstAt: number;
  readonly lastAt: number;
};

/** An entry of a log, as its body says: the certificate in it is not verified. */
export type SigningRow = {
  readonly seq: number;
  readonly at: number;
  readonly entry: number;
  readonly kind: string;
  /** What the entry is over: of a DSSE entry the payload. */
  readonly sha256: string;
  readonly identity: string;
  readonly issuer: string;
};

export type DayCount = { readonly day: number; readonly count: number };

/** Numbers for the first page. */
export type Totals = {
  readonly packages: number;
  readonly files: number;
  readonly verified: number;
  readonly refused: number;
  readonly signings: number;
  readonly signers: number;
  readonly alarms: number;
};

export type TreeHeadRow = { readonly name: string; readonly size: number; readonly root: string };

/** A leaf and how large the tree was with it. */
export type GrowthPoint = { readonly at: number; readonly size: number };

export type WaiverRow = {
  readonly package: string;
  readonly version: string;
  readonly waives: readonly string[];
  readonly reason: string;
  readonly owner: string;
  readonly expires: string;
  readonly endsAt: number;
};

/** A consistency proof that was checked. */
export type Consistency = {
  readonly first: number;
  readonly second: number;
  readonly firstRoot: string;
  readonly secondRoot: string;
  readonly hashes: readonly string[];
  /** Why the proof does not hold; absent where it does. */
  readonly failure?: { readonly code: string; readonly message: string; readonly hint: string };
};

export type EntryView = {
  readonly index: number;
  readonly at: number;
  readonly leafHash: string;
  readonly kind: string;
  readonly sha256: string;
  readonly signers: readonly {
    readonly identity: string;
    readonly issuer: string;
    readonly claims: Readonly<Record<string, string>>;
  }[];
  readonly treeSize: number;
  readonly rootHash: string;
  readonly hashes: readonly string[];
  /** Whether the hashes lead from the leaf to the root: computed, not believed. */
  readonly included: boolean;
  readonly origin: string;
  readonly body: string;
};

/** Which console it is: of the local stack, whose log this is, or of a gateway. */
export type ConsoleOf = "stack" | "gateway";

/** A page of a list: its rows and where the next page begins. */
export type Paged<T> = { readonly rows: readonly T[]; readonly next?: string | number };

/** What a file's page shows beside its verdict. */
export type FileView = {
  readonly row: FileRow;
  readonly size: number | undefined;
  readonly summary: string;
  readonly requiresPython: string;
  readonly license: string;
  /** As it was just verified; absent where it was not. */
  readonly verdict?: ReleaseVerdict;
  /** What the audit trail kept of its verification. */
  readonly kept?: KeptCard;
};

export type KeptProof = {
  readonly kind: string;
  readonly code: string;
  readonly identity: string;
  readonly issuer: string;
  readonly claims: Readonly<Record<string, string>>;
  readonly times: readonly string[];
  readonly entries: readonly string[];
};
export type KeptCard = { readonly at: number; readonly proofs: readonly KeptProof[] };
