import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { showRelease } from "../../src/cli/render-release.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { verifyHelpers, type WorkerInput } from "../../src/cli/verify-pool.ts";
import { inspectDistribution } from "../../src/clients/archive.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { LENT_SIZE } from "../../src/clients/lend.ts";
import { ok, unwrap } from "../../src/formats/result.ts";
import { type Helpers, judgeFile, verifyFolder } from "../../src/stages/3-verify.ts";
import { briefly } from "../../src/stages/brief.ts";
import { signRelease } from "./signed-release.ts";

let folder: string;
let release: Awaited<ReturnType<typeof signRelease>>;
let input: WorkerInput;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-pool-"));
  release = await signRelease(folder);
  const { dist, trust, san, issuer } = release;
  const expect = { kind: "identity", anyOf: [{ kind: "exact", san, issuer }] } as const;
  input = { folder: dist, expect, trust, now: Date.now(), brief: false };
});

after(async () => {
  await release.close();
  await rm(folder, { recursive: true, force: true });
});

const stageInput = (helpers: () => Helpers | undefined) => ({
  ...input,
  files: systemFiles,
  inspect: inspectDistribution,
  now: () => input.now,
  report: () => undefined,
  helpers,
});

test("threads give the verdicts that this one would", async () => {
  await writeFile(join(folder, "dist", "other-1.0-py3-none-any.whl"), "no wheel");
  const helpers = verifyHelpers(input, 100);
  if (helpers === undefined) return;
  try {
    const [judge] = helpers.judges;
    const names = (await systemFiles.list(release.dist)) as { ok: true; value: string[] };
    const files = names.value.filter((name) => /\.(whl|tar\.gz)$/.test(name));
    for (const name of files) {
      const { now, ...own } = stageInput(() => undefined);
      const expected = await judgeFile({ ...own, now }, release.dist, name);
      assert.deepEqual(await judge?.(name), expected);
    }
    assert.equal(files.length, 3);
  } finally {
    await helpers.close();
    await rm(join(folder, "dist", "other-1.0-py3-none-any.whl"));
  }
});

test("of what is printed in a line, threads keep what the line needs, and refusals whole", async () => {
  await writeFile(join(folder, "dist", "other-1.0-py3-none-any.whl"), "no wheel");
  const helpers = verifyHelpers({ ...input, brief: true }, 100);
  if (helpers === undefined) return;
  try {
    const [judge] = helpers.judges;
    const { now, ...own } = stageInput(() => undefined);
    const names = (await systemFiles.list(release.dist)) as { ok: true; value: string[] };
    for (const name of names.value.filter((one) => /\.(whl|tar\.gz)$/.test(one))) {
      const whole = unwrap(await judgeFile({ ...own, now }, release.dist, name));
      const kept = unwrap((await judge?.(name)) ?? ok(whole));
      assert.deepEqual(kept, briefly(whole));
      const lines: string[][] = [[], []];
      for (const [at, verdict] of [whole, kept].entries()) {
        const out = (line: string) => lines[at]?.push(line);
        showRelease({ out, colour: false } as unknown as Terminal, verdict);
      }
      assert.deepEqual(lines[0], lines[1]);
      const isWhole = JSON.stringify(kept) === JSON.stringify(whole);
      assert.equal(isWhole, whole.failure !== undefined);
    }
  } finally {
    await helpers.close();
    await rm(join(folder, "dist", "other-1.0-py3-none-any.whl"));
  }
});

test("files that are verified here do not keep the others from answering", async () => {
  const names = Array.from({ length: 20 }, (_, n) => `other_${n}-1.0-py3-none-any.whl`);
  const paths = names.map((name) => join(folder, "dist", name));
  for (const path of paths) await writeFile(path, "no wheel");
  const threads = verifyHelpers(input, 100);
  if (threads === undefined) return;
  let answered = 0;
  const judge: Helpers["judges"][number] = async (name) => {
    // As an answer of a thread: behind what this one does without waiting.
    await new Promise((resume) => setImmediate(resume));
    answered += 1;
    return judgeFile(
      stageInput(() => undefined),
      release.dist,
      name,
    );
  };
  const { turn } = threads;
  try {
    await verifyFolder(stageInput(() => ({ judges: [judge], turn, close: async () => {} })));
    assert.ok(answered >= 8, `${answered} of 22 were answered`);
  } finally {
    await threads.close();
    for (const path of paths) await rm(path);
  }
});

test("a thread that has two files at once says which answer is which", async () => {
  const helpers = verifyHelpers(input, 100);
  if (helpers === undefined) return;
  const large = "large-1.0-py3-none-any.whl";
  await writeFile(join(folder, "dist", large), new Uint8Array(LENT_SIZE + 1));
  try {
    const [one, two] = helpers.judges;
    // That a file is absent is known before a large one is read.
    const asked = [one?.(large), two?.("absent-1.0-py3-none-any.whl")];
    const [there, absent] = await Promise.all(asked);
    assert.ok(there?.ok, "the large one has its own verdict");
    assert.equal(there.value.filename, large);
    assert.equal(absent?.ok, false);
  } finally {
    await helpers.close();
    await rm(join(folder, "dist", large));
  }
});

test("for a few files no thread is started", () => {
  assert.equal(verifyHelpers(input, 2), undefined);
});

test("whoever verified them, verdicts stand in the order of the files", async () => {
  let asked = 0;
  const { helpers: _, ...own } = stageInput(() => undefined);
  const helper = async (name: string) => {
    asked += 1;
    return judgeFile(own, release.dist, name);
  };
  const helpers = { judges: [helper], turn: async () => undefined, close: async () => undefined };
  const outcome = await verifyFolder(stageInput(() => helpers));
  assert.ok(outcome.ok && outcome.value.failure === undefined);
  const names = outcome.value.verdicts.map(({ filename }) => filename);
  assert.deepEqual(names, names.toSorted());
  assert.equal(names.length, 2);
  assert.equal(asked, 1, "the helper had one of the two");
});

test("a helper that ends without an answer ends the verification", async () => {
  let closed = false;
  const failing = async () => {
    throw new Error("a thread ended early");
  };
  const close = async () => {
    closed = true;
  };
  const helpers = { judges: [failing], turn: async () => undefined, close };
  await assert.rejects(verifyFolder(stageInput(() => helpers)), /ended early/);
  assert.ok(closed);
});

test("a thread that ends fails what it was asked", async () => {
  const helpers = verifyHelpers(input, 100);
  if (helpers === undefined) return;
  const asked = helpers.judges[0]?.("wheel");
  await helpers.close();
  await assert.rejects(asked ?? Promise.reject(), /ended early/);
  await assert.rejects(helpers.judges[0]?.("wheel") ?? Promise.reject(), /ended early/);
});
