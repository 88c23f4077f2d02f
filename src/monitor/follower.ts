import type { LogReader } from "../clients/log-reader.ts";
import type { Failure, Result } from "../formats/result.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import type { Witness } from "../verification/witness.ts";
import type { SignedEntry } from "./alarm.ts";
import type { Watch } from "./inspect.ts";
import type { Counts, MonitorState } from "./monitor-state.ts";

/** A log to follow, and the keys that the trust root has for it. */
export type FollowedLog = {
  readonly url: string;
  readonly api: 1 | 2;
  /** At least one: the key in use, and those of its earlier trees. */
  readonly keys: readonly LogKey[];
};

/** Where to begin with a tree that was not followed before. */
export type Start = { readonly kind: "now" } | { readonly kind: "index"; readonly index: number };

/** Told while a tree is read. */
export type Progress = {
  readonly log: FollowedLog;
  readonly origin: string;
  readonly read: number;
  readonly size: number;
};

/** What it takes to follow one log. */
export type Follower = {
  readonly log: FollowedLog;
  readonly reader: LogReader;
  readonly state: MonitorState;
  readonly watch: Watch;
  readonly witnesses: readonly Witness[];
  readonly witnessThreshold: number;
  readonly start: Start;
  readonly isKnown: (entry: SignedEntry) => boolean;
  /** Milliseconds that a record may come later than its entry. */
  readonly grace: number;
  /** Milliseconds for which an active tree may stay as it is; any time where absent. */
  readonly maxAge: number | undefined;
  /** Keeps an entry that cannot be read under this name. */
  readonly keep: (name: string, content: Uint8Array) => Promise<Result<void>>;
  readonly report: (progress: Progress) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
};

/** How a pass over one tree ended. */
export type TreeOutcome = {
  readonly url: string;
  readonly api: 1 | 2;
  /** Empty where the log could not even be asked for its trees. */
  readonly origin: string;
  /** Leaves that were looked at in this pass, of all passes, and that the log has signed for. */
  readonly read: number;
  readonly followed: number;
  readonly size: number;
  /** Of all passes. */
  readonly counts: Counts;
  /** Why the pass ended before all was read. */
  readonly failure?: Failure;
};
