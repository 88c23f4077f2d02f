import type { FileVerdict } from "../consumer/closure-verdict.ts";
import type { Invocation } from "./command.ts";
import { progressFor } from "./render-progress.ts";

/** Shows who looks at a terminal how far the verification of a lock is. */
export const watchedVerification = async <T>(
  { terminal, outside }: Pick<Invocation, "terminal" | "outside">,
  verify: (report: (verdict: FileVerdict) => void) => Promise<T>,
): Promise<T> => {
  if (!terminal.live) return verify(() => undefined);
  const progress = progressFor(terminal, ["verify"]);
  const stage = "verify";
  let files = 0;
  progress.report({ kind: "started", stage, at: outside.now() });
  try {
    return await verify(({ filename }) => {
      files += 1;
      const message = `${files}: ${filename}`;
      progress.report({ kind: "progress", stage, at: outside.now(), message });
    });
  } finally {
    const summary = `${files} files looked at`;
    progress.report({ kind: "finished", stage, at: outside.now(), summary });
    progress.close();
  }
};
