import { parentPort, workerData } from "node:worker_threads";
import { inspectDistribution } from "../clients/archive.ts";
import { systemFiles } from "../clients/files.ts";
import { judgeFile } from "../stages/3-verify.ts";
import { briefly } from "../stages/brief.ts";
import type { Answered, Asked, WorkerInput } from "./verify-pool.ts";

// A thread of verify-pool.ts: verifies the files that it is told the names of.

const { folder, expect, trust, now, brief } = workerData as WorkerInput;
const means = { files: systemFiles, inspect: inspectDistribution, now: () => now };
const input = { expect, trust, ...means, ...(brief ? { keep: briefly } : {}) };

parentPort?.on("message", async ({ number, name }: Asked) => {
  const result = await judgeFile(input, folder, name);
  parentPort?.postMessage({ number, result } satisfies Answered);
});
