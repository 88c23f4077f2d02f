import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import type { Helpers, JudgeFile } from "../stages/3-verify.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";

/** What a thread verifies by; the same for all of its files. */
export type WorkerInput = {
  readonly folder: string;
  readonly expect: Expected;
  readonly trust: TrustedRoot;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether a line is all that is printed of a verdict. */
  readonly brief: boolean;
};

/** Below this a thread takes longer to start than it saves. */
const LEAST_FILES = 32;
/** More threads than this wait for the disk, and take memory. */
const MAX_WORKERS = 7;
/** A thread has the next file at hand when it is done with one. */
const AT_ONCE = 2;
const MEGABYTES = { maxYoungGenerationSizeMb: 8 };

/** The bundle has it as a file of its own beside this one. */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./verify-worker.ts" : "./verify-worker.js",
  import.meta.url,
);

/** Files of a thread are done in any order, so what is asked and answered has a number. */
export type Asked = { readonly number: number; readonly name: string };
export type Answered = { readonly number: number; readonly result: Result<ReleaseVerdict> };

type Settle = {
  readonly done: (result: Result<ReleaseVerdict>) => void;
  readonly failed: (error: Error) => void;
};

/** One thread. What it cannot answer, for whatever reason, throws: silence is no verdict. */
const startWorker = (input: WorkerInput) => {
  const worker = new Worker(WORKER, { workerData: input, resourceLimits: MEGABYTES });
  const waiting = new Map<number, Settle>();
  let asked = 0;
  let over: Error | undefined;
  const end = (error: Error): void => {
    over ??= error;
    for (const { failed } of waiting.values()) failed(over);
    waiting.clear();
  };
  worker.on("message", ({ number, result }: Answered) => {
    waiting.get(number)?.done(result);
    waiting.delete(number);
  });
  worker.on("error", (error) => end(error instanceof Error ? error : new Error("a thread failed")));
  worker.on("exit", () => end(new Error("a thread ended early")));
  const judge: JudgeFile = (name) =>
    new Promise((done, failed) => {
      if (over !== undefined) {
        failed(over);
        return;
      }
      asked += 1;
      waiting.set(asked, { done, failed });
      worker.postMessage({ number: asked, name } satisfies Asked);
    });
  return { judge, close: async () => void (await worker.terminate()) };
};

/** Threads for all processors but the one that this thread uses; none for a few files. */
export const verifyHelpers = (input: WorkerInput, files: number): Helpers | undefined => {
  const count = Math.min(availableParallelism() - 1, MAX_WORKERS);
  if (files < LEAST_FILES || count < 1) return undefined;
  // V8 would let its heap grow to three times what is in use, and a thousand files gain nothing.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=20");
  const workers = Array.from({ length: count }, () => startWorker(input));
  return {
    // Files are read without waiting, so nothing else would let the answers of threads in.
    turn: () => new Promise((resume) => setImmediate(resume)),
    judges: workers.flatMap(({ judge }) => Array.from({ length: AT_ONCE }, () => judge)),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
};
