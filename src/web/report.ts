import type { BuildRecord } from "../formats/build-record.ts";
import type { Failure } from "../formats/result.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { TimelineStage } from "./timeline.ts";

/**
 * What a run leaves for people: the same content as the page and as JSON. Everything in it that
 * came from a package, a certificate or a service is raw text.
 */
export type PipelineReport = {
  readonly reportVersion: 1;
  readonly tool: { readonly name: "wheelseal"; readonly version: string };
  /** RFC 3339, UTC. */
  readonly writtenAt: string;
  readonly ok: boolean;
  /** Why the run stopped; absent where it did not. */
  readonly error?: Failure;
  readonly record?: BuildRecord;
  readonly timeline: readonly TimelineStage[];
  readonly files: readonly ReleaseVerdict[];
  /** Whom the run expected, in words. */
  readonly expected: string;
  /** Where the trust root came from. */
  readonly trust: string;
  readonly imported: readonly string[];
};
