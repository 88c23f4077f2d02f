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

/** The stages of a run in the order in which they began; those that did not begin follow. */
export const timelineOf = (events: readonly StageEvent[]): readonly TimelineStage[] => {
  const stages = new Map<StageName, TimelineStage>();
  for (const event of events) {
    const before = stages.get(event.stage) ?? {
      stage: event.stage,
      state: "waiting",
      messages: [],
    };
    stages.set(event.stage, next(before, event));
  }
  for (const stage of STAGES) {
    if (!stages.has(stage)) stages.set(stage, { stage, state: "waiting", messages: [] });
  }
  return [...stages.values()];
};
