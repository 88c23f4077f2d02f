import type { Result } from "../formats/result.ts";

/** One tree of a log, as the log offers it: nothing here is verified. */
export type OfferedTree = {
  /** What the log calls the tree, to ask about it; empty where it has only one. */
  readonly id: string;
  /** The signed note of the tree's checkpoint. */
  readonly checkpoint: string;
  /** Whether it still grows. */
  readonly active: boolean;
  /** The log's index of the tree's first leaf. */
  readonly offset: number;
};

/** One leaf of a tree, as the log gives it: nothing here is verified. */
export type ReadEntry = {
  /** Its place in the tree. */
  readonly index: number;
  readonly body: Uint8Array;
  /** Seconds since 1970 where the log states a time. */
  readonly integratedTime?: number;
};

/**
 * Reads a log for somebody who follows it. What comes back is only parsed; it is to be checked
 * against a checkpoint whose signature was verified.
 *
 * Fails with REKOR_REFUSED, REKOR_RESPONSE, MONITOR_GAP where the log does not have what a tree of
 * this size has, FORMAT_SIZE above the caps, and NETWORK_UNREACHABLE after bounded retries.
 */
export type LogReader = {
  trees(): Promise<Result<OfferedTree[]>>;
  /** The consistency proof from `older` to `newer` leaves, for 0 < older < newer. */
  consistency(tree: OfferedTree, older: number, newer: number): Promise<Result<Uint8Array[]>>;
  /** Roots of the full subtrees that make up the first `count` leaves of a tree of `size`. */
  edge(tree: OfferedTree, count: number, size: number): Promise<Result<readonly Uint8Array[]>>;
  /** Leaves from `from` on in a tree of `size`, in order: at least one, and as many as is handy. */
  entries(tree: OfferedTree, from: number, size: number): Promise<Result<ReadEntry[]>>;
};
