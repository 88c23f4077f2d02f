import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TemporaryFolder = {
  /** Real and absolute. */
  readonly path: string;
  discard(): Promise<void>;
};

const kept = new Set<string>();

const sweep = (): void => {
  for (const path of kept) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 2 });
    } catch {
      // Something still writes there: the system empties its temporary folder some day.
    }
  }
};

/** A new folder that nobody else reads; it goes at the latest when this process exits. */
export const temporaryFolder = async (prefix: string): Promise<TemporaryFolder> => {
  if (!process.listeners("exit").includes(sweep)) process.on("exit", sweep);
  const path = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  kept.add(path);
  const discard = async () => {
    await rm(path, { recursive: true, force: true });
    kept.delete(path);
  };
  return { path, discard };
};
