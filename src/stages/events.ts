import type { Failure } from "../formats/result.ts";

export const STAGES = [
  "build",
  "sign",
  "verify",
  "publish",
  "publish-signatures",
  "consume",
] as const;

export type StageName = (typeof STAGES)[number];

/** What a stage tells while it works. `at` is milliseconds since 1970. */
export type StageEvent =
  | { readonly kind: "started"; readonly stage: StageName; readonly at: number }
  | {
      readonly kind: "progress";
      readonly stage: StageName;
      readonly at: number;
      readonly message: string;
    }
  | {
      readonly kind: "output";
      readonly stage: StageName;
      readonly at: number;
      /** Lines that a program of someone else printed: shown as they are, never parsed. */
      readonly text: string;
    }
  | {
      readonly kind: "finished";
      readonly stage: StageName;
      readonly at: number;
      readonly summary: string;
    }
  | {
      readonly kind: "failed";
      readonly stage: StageName;
      readonly at: number;
      readonly failure: Failure;
    };

export type Report = (event: StageEvent) => void;
