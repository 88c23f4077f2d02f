import type { IndexFile } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import type { Code } from "../formats/errors.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";

/** A file that an upstream has listed, as it was when it was first seen. */
export type SeenFile = {
  readonly project: NormalizedName;
  readonly filename: string;
  readonly upstream: string;
  /** Lower-case hex; empty where the upstream stated none. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  /** What the upstream said about it last. */
  readonly listed: IndexFile;
};

/** What the checks said about a file. */
export type KeptVerdict = {
  readonly project: NormalizedName;
  readonly filename: string;
  readonly sha256: string;
  /** Bytes; absent where the file never arrived. */
  readonly size?: number;
  /** Digest of the wheel's METADATA, which lies in the store. */
  readonly metadata?: string;
  /** Digest of a PEP 740 provenance object, which lies in the store. */
  readonly provenance?: string;
  /** Absent where the file was accepted. */
  readonly refusal?: { readonly code: Code; readonly message: string };
  /** Milliseconds since 1970; from `validUntil` on it is to be decided anew. */
  readonly decidedAt: number;
  readonly validUntil: number;
  /** Of the policy, configuration and trust by which it was decided. */
  readonly fingerprint: string;
};

export const EVENT_KINDS = ["accepted", "refused", "alarm"] as const;

/** One line of the audit trail. */
export type GatewayEvent = {
  readonly kind: (typeof EVENT_KINDS)[number];
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  readonly code?: Code;
  readonly message: string;
  /** JSON: the verdict, for an auditor. */
  readonly detail?: unknown;
};

/** An event with its place on the trail; places only grow, and some may be left out. */
export type NumberedEvent = { readonly number: number; readonly event: GatewayEvent };

/** A verdict to keep, and the line of the audit trail that goes with it. */
export type Settlement = { readonly verdict: KeptVerdict; readonly event: GatewayEvent };

/** Verdicts of a project, by file name. */
export type ProjectVerdicts = ReadonlyMap<string, KeptVerdict>;

/**
 * All that the gateway remembers, shared by its replicas. Each method is one atomic step, so
 * that replicas that meet over one file or one project agree afterwards on what holds.
 * Throws {@link StateUnreachable} where the memory does not answer.
 */
export type GatewayState = {
  /** Files of a project that any page has ever listed, oldest first. */
  files(project: NormalizedName): Promise<SeenFile[]>;
  /**
   * Remembers new files of a project and what is said now of known ones; digest and first sight
   * never change. Gives what was remembered of the project before.
   */
  see(project: NormalizedName, files: readonly SeenFile[]): Promise<SeenFile[]>;
  projects(): Promise<NormalizedName[]>;
  verdict(project: NormalizedName, filename: string): Promise<KeptVerdict | undefined>;
  verdicts(project: NormalizedName): Promise<ProjectVerdicts>;
  /**
   * Gives `judge` the project's verdicts as they are, and keeps what it answers, verdict and event
   * or neither, before anybody else's can come in. Where it answers nothing, nothing changes.
   */
  settle(
    project: NormalizedName,
    judge: (kept: ProjectVerdicts) => Settlement | undefined,
  ): Promise<void>;
  /** Who signs a project's files, as first seen. */
  publisher(project: NormalizedName): Promise<IdentityPolicy | undefined>;
  /** Keeps the publisher if there is none yet, and gives the one that holds. */
  pinPublisher(project: NormalizedName, publisher: IdentityPolicy): Promise<IdentityPolicy>;
  replacePublisher(project: NormalizedName, publisher: IdentityPolicy): Promise<void>;
  /** The highest version that was served. */
  mark(project: NormalizedName): Promise<Version | undefined>;
  raiseMark(project: NormalizedName, version: Version): Promise<void>;
  record(event: GatewayEvent): Promise<void>;
  /** The audit trail, oldest first. */
  events(): AsyncIterable<GatewayEvent>;
  /** A part of it: events behind the one with that number, 0 for the first, at most `limit`. */
  eventsAfter(number: number, limit: number): Promise<readonly NumberedEvent[]>;
  /** Asks for nothing; throws where the memory does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** The memory does not answer: nothing can be decided. */
export class StateUnreachable extends Error {
  override readonly name = "StateUnreachable";
}
