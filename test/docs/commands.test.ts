import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openShell } from "../cli/shell.ts";
import { startCommand } from "../pipeline/command.ts";

/**
 * Every block marked `sh` in the documentation is run, in a folder with a project `greeter` and the
 * local stack up. Pages come one after another, so that each can use what the pipeline's page made.
 */
const root = new URL("../../", import.meta.url);
const docs = readdirSync(new URL("docs/", root)).filter((name) => name.endsWith(".md"));
const FIRST = "docs/pipeline.md";
const pages = [FIRST, "README.md", ...docs.map((name) => `docs/${name}`)];

const blocksOf = (page: string): string[] => {
  const text = readFileSync(new URL(page, root), "utf8");
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block.trim());
};

const shell = openShell({ WHEELSEAL_STATE: ".wheelseal/state" });
cpSync(new URL("examples/greeter", root), join(shell.folder, "greeter"), {
  recursive: true,
  filter: (path) => !path.endsWith("/dist"),
});
const stack = startCommand(["up", "--state", join(shell.folder, ".wheelseal/state")]);

after(async () => {
  stack.child.kill("SIGTERM");
  await stack.ended;
  rmSync(shell.folder, { recursive: true, force: true });
});

/** Whoever asks for a token before that would start a stack of his own, and this one would give up. */
const up = async (): Promise<void> => {
  for (let tries = 0; tries < 600; tries += 1) {
    if (existsSync(join(shell.folder, ".wheelseal/state/stack.json"))) return;
    await sleep(100);
  }
  assert.fail("the stack does not come up");
};

describe("commands in the documentation", () => {
  const seen = new Set<string>();
  for (const page of new Set(pages)) {
    for (const block of blocksOf(page)) {
      seen.add(page);
      test(`${page}: ${block.split("\n")[0]}`, async () => {
        if (page === FIRST) await up();
        const { output, code } = shell.run(`set -e\n${block}`);
        assert.equal(code, 0, output);
      });
    }
  }

  test("the stack was up all the time", () => {
    assert.equal(stack.child.exitCode, null);
  });

  test("there are some on each page that has tasks", () => {
    for (const page of ["docs/pipeline.md", "docs/verify.md", "docs/local-stack.md"]) {
      assert.ok(seen.has(page), page);
    }
  });
});
