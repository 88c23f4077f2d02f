import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { exportPrivateKey, generateKey } from "../../src/crypto/keys.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { fsckLog } from "../../src/services/log-fsck.ts";
import { checkpointSigner } from "../../src/services/note-writer.ts";
import { openTreeStore } from "../../src/services/tree-store.ts";

const folder = mkdtempSync(join(tmpdir(), "tree-crash-"));
after(() => rmSync(folder, { recursive: true }));

const ROUNDS = 6;
const program = fileURLToPath(new URL("tree-appender.ts", import.meta.url));

/** Runs the appender until `answers` came, then kills it with no chance to tidy up. */
const runAndKill = async (args: string[], answers: number): Promise<string[]> => {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    text += chunk;
    if (text.split("\n").length > answers) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  // What the kill cut off was not an answer.
  return text.split("\n").slice(0, -1);
};

test("nothing that was answered is missing after kill -9, however often", async () => {
  const key = generateKey("ecdsa-p256");
  const path = join(folder, "log.db");
  const signer = checkpointSigner("log.example", "log.example", key);
  const answered = new Map<number, string>();
  const heads = new Map<number, string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const args = [path, base64(exportPrivateKey(key)), String(round)];
    const [opened = "", ...lines] = await runAndKill(args, 5 + round * 37);
    assert.ok(Number(opened.split(" ")[1]) >= answered.size, opened);
    for (const line of lines) {
      const [index, body = "", size, root = ""] = line.split(" ");
      assert.ok(!answered.has(Number(index)), `index ${index} was given twice`);
      answered.set(Number(index), body);
      assert.equal(heads.get(Number(size)) ?? root, root, `two trees of ${size} leaves`);
      heads.set(Number(size), root);
    }
  }
  assert.ok(answered.size > 100);
  const report = unwrap(await fsckLog({ path, signer }));
  assert.deepEqual(report.findings, []);
  const store = unwrap(await openTreeStore({ path, signer, now: () => 0 }));
  for (const [index, body] of answered) {
    assert.deepEqual(store.leaf(index)?.body, utf8(body));
    assert.equal(store.find(leafHash(utf8(body))), index);
    assert.deepEqual(store.search(body, 2), [index]);
  }
  for (const [size, root] of heads) assert.equal(hex(store.root(size)), root);
  await store.close();
});
