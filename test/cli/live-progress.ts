import { progressFor } from "../../src/cli/render-progress.ts";
import { systemTerminal } from "../../src/cli/terminal.ts";
import { failure } from "../../src/formats/result.ts";
import { STAGES } from "../../src/stages/events.ts";

/** Shows a run's progress on this process's terminal; started inside one by its test. */
const progress = progressFor(systemTerminal(), STAGES);
const pause = () => new Promise((done) => setTimeout(done, 150));
progress.report({ kind: "started", stage: "build", at: 0 });
progress.report({ kind: "output", stage: "build", at: 1, text: "the compiler says no\n" });
await pause();
progress.report({ kind: "finished", stage: "build", at: 1500, summary: "s".repeat(300) });
progress.report({ kind: "started", stage: "sign", at: 1500 });
await pause();
const refused = failure("TOKEN_EXPIRED", "the token has expired");
progress.report({ kind: "failed", stage: "sign", at: 2500, failure: refused });
progress.close();
