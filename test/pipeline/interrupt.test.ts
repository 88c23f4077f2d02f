import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { stateHolder } from "../../src/services/state-lock.ts";
import { ownBackend, write } from "../stages/build-support.ts";
import { startCommand, temporary } from "./command.ts";

/** A pipeline that gets a signal lets go of the stack and of what it put into temporary folders. */
describe("an interrupted pipeline", { concurrency: 2 }, () => {
  for (const [signal, line, exit] of [
    ["SIGINT", /in the backend/, 130],
    ["SIGTERM", /^Consumer verification …$/, 143],
  ] as const) {
    test(`${signal} ends it with exit code ${exit}`, async (t) => {
      const { path, remove } = temporary();
      t.after(remove);
      const [project, state, scratch] = ["project", "state", "scratch"].map((name) =>
        join(path, name),
      );
      assert.ok(project && state && scratch);
      mkdirSync(scratch);
      const slow = signal === "SIGINT" ? "time.sleep(60)" : "pass";
      write(project, ownBackend(`import time; print("in the backend", flush=True); ${slow}`));
      const args = ["pipeline", project, "--profile", "local", "--state", state];
      const running = startCommand(args, {
        env: { TMPDIR: scratch },
        onLine: (text, child) => {
          if (line.test(text)) child.kill(signal);
        },
      });
      const { code, stderr } = await running.ended;
      assert.equal(code, exit, stderr);
      assert.match(stderr, /^interrupted: run it again to go on where it stopped$/m);
      assert.equal(await stateHolder(state), undefined);
      assert.throws(() => readFileSync(join(state, "stack.json")), { code: "ENOENT" });
      assert.deepEqual(readdirSync(scratch), []);
    });
  }
});
