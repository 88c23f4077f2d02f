import type { Failure } from "../formats/result.ts";
import { STAGES, type StageEvent, type StageName } from "../stages/events.ts";

/** One stage of a run, as its events tell it. Times are milliseconds since 1970. */
export type TimelineStage = {
  readonly stage: StageName;
  readonly state: "waiting" | "running" | "done" | "failed";
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly summary?: string;
  readonly messages: readonly string[];
  readonly failure?: Failure;
};

const MAX_MESSAGES = 200;

const next = (before: TimelineStage, event: StageEvent): TimelineStage => {
  switch (event.kind) {
    case "started":
      return { stage: before.stage, state: "running", startedAt: event.at, messages: [] };
    case "progress":
      return { ...before, messages: [...before.messages, event.message].slice(-MAX_MESSAGES) };
    case "output":
      return before;
    case "finished":
      return { ...before, state: "done", endedAt: event.at, summary: event.summary };
    case "failed":
      return { ...before, state: "failed", endedAt: event.at, failure: event.failure };
    default:
      return event satisfies never;
  }
};

/** The six stages in their order; the two that publish in the order in which they began. */
export const timelineOf = (events: readonly StageEvent[]): readonly TimelineStage[] => {
  const stages = new Map<StageName, TimelineStage>(
    STAGES.map((stage) => [stage, { stage, state: "waiting", messages: [] }]),
  );
  for (const event of events) {
    const before = stages.get(event.stage);
    if (before !== undefined) stages.set(event.stage, next(before, event));
  }
  const began = (stage: StageName): number => stages.get(stage)?.startedAt ?? Number.MAX_VALUE;
  const signaturesFirst = began("publish-signatures") < began("publish");
  return (signaturesFirst ? SIGNATURES_FIRST : STAGES).flatMap((stage) => stages.get(stage) ?? []);
};

const SIGNATURES_FIRST: readonly StageName[] = [
  "build",
  "sign",
  "verify",
  "publish-signatures",
  "publish",
  "consume",
];
