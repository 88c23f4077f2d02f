import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemFiles as files } from "../../src/clients/files.ts";
import { LENT_SIZE } from "../../src/clients/lend.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";

const folder = await mkdtemp(join(tmpdir(), "wheelseal-files-"));
after(() => rm(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

const codeOf = (result: { ok: boolean; error?: { code: string } }) =>
  result.ok ? "ok" : result.error?.code;

test("what is written is read, up to the cap", async () => {
  unwrap(await files.write(at("deep", "er", "a"), utf8("12345")));
  assert.deepEqual(unwrap(await files.read(at("deep", "er", "a"), 5)), utf8("12345"));
  assert.equal(codeOf(await files.read(at("deep", "er", "a"), 4)), "FORMAT_SIZE");
});

test("a file that names no size is capped too", {
  skip: process.platform === "win32",
}, async () => {
  assert.equal(codeOf(await files.read("/dev/zero", 1 << 20)), "FORMAT_SIZE");
});

test("writing replaces, keeps the mode asked for and leaves no temporary file", async () => {
  await mkdir(at("w"));
  unwrap(await files.write(at("w", "key"), utf8("old"), 0o600));
  unwrap(await files.write(at("w", "key"), utf8("new"), 0o600));
  assert.deepEqual(unwrap(await files.read(at("w", "key"), 9)), utf8("new"));
  assert.equal((await stat(at("w", "key"))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(at("w")), ["key"]);
});

test("a write that cannot finish leaves nothing", async () => {
  await mkdir(at("blocked", "target"), { recursive: true });
  assert.equal(codeOf(await files.write(at("blocked", "target"), utf8("x"))), "FILE_UNWRITABLE");
  assert.deepEqual(await readdir(at("blocked")), ["target"]);
});

test("absent is a failure for read, a value for readIfPresent", async () => {
  assert.equal(codeOf(await files.read(at("none"), 9)), "FILE_UNREADABLE");
  assert.equal(unwrap(await files.readIfPresent(at("none"), 9)), undefined);
  assert.equal(codeOf(await files.readIfPresent(folder, 9)), "FILE_UNREADABLE");
});

test("a list has regular files only, sorted; an absent folder has none", async () => {
  await mkdir(at("l", "folder"), { recursive: true });
  for (const name of ["b", "a", "c"]) await writeFile(at("l", name), "");
  await symlink(at("l", "a"), at("l", "link"));
  assert.deepEqual(unwrap(await files.list(at("l"))), ["a", "b", "c"]);
  assert.deepEqual(unwrap(await files.list(at("nowhere"))), []);
  assert.equal(codeOf(await files.list(at("l", "a"))), "FILE_UNREADABLE");
});

test("an artifact is digested, and can be opened again", async () => {
  const content = new Uint8Array(600_000).map((_, index) => index % 251);
  await writeFile(at("big.whl"), content);
  const artifact = unwrap(await files.artifact(at("big.whl")));
  assert.equal(artifact.name, "big.whl");
  assert.equal(artifact.size, content.length);
  assert.deepEqual(artifact.sha256, sha256(content));
  for (let round = 0; round < 2; round += 1) {
    let size = 0;
    for await (const chunk of artifact.open?.() ?? []) size += chunk.length;
    assert.equal(size, content.length);
  }
  assert.equal(codeOf(await files.artifact(at("no.whl"))), "FILE_UNREADABLE");
});

test("removing takes folders, and what is absent is gone already", async () => {
  await mkdir(at("r", "s"), { recursive: true });
  assert.equal(codeOf(await files.remove(at("r"))), "ok");
  assert.equal(codeOf(await files.remove(at("r"))), "ok");
});

test("a folder without the right to write", { skip: process.getuid?.() === 0 }, async () => {
  await mkdir(at("closed"));
  await chmod(at("closed"), 0o500);
  assert.equal(codeOf(await files.write(at("closed", "a"), utf8("x"))), "FILE_UNWRITABLE");
});

test("a file of usual size is held for work on it, and a larger one is streamed", async () => {
  const [small, large] = [at("small"), at("large")];
  await writeFile(small, "content");
  await writeFile(large, Buffer.alloc(LENT_SIZE, 7));
  for (const [path, held] of [
    [small, true],
    [large, undefined],
  ] as const) {
    const known = unwrap(await files.artifact(path));
    const outcome = await files.hold(path, async (artifact, content) => {
      assert.equal(artifact.held, held);
      assert.deepEqual(artifact.sha256, known.sha256);
      assert.deepEqual([artifact.name, artifact.size], [known.name, known.size]);
      const chunks: Buffer[] = [];
      for await (const chunk of artifact.open?.() ?? []) chunks.push(Buffer.from(chunk));
      const read = Buffer.concat(chunks);
      assert.equal(read.length, known.size);
      if (content !== undefined) assert.deepEqual(Buffer.from(content), read);
      return "done";
    });
    assert.deepEqual(outcome, { ok: true, value: "done" });
  }
  const gone = await files.hold(at("gone"), async () => "done");
  assert.equal(codeOf(gone), "FILE_UNREADABLE");
  const bug = files.hold(small, async () => {
    throw new Error("a bug");
  });
  await assert.rejects(bug, /a bug/);
});
