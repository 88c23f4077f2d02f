import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { ctLog, ctLogSigner, precertificateKeys } from "../../src/services/ctlog.ts";
import { fsckLog } from "../../src/services/log-fsck.ts";
import { rekorService, rekorSigner } from "../../src/services/rekor.ts";
import { keysOfBody } from "../../src/services/rekor-entries.ts";
import { dsse, hashedRekord, testSigner } from "./signing.ts";

const folder = mkdtempSync(join(tmpdir(), "log-fsck-"));
after(() => rmSync(folder, { recursive: true }));

const key = generateKey("ecdsa-p256");
const named = { key, hostname: "log.example" };
const LEAVES = 21;
const sound = join(folder, "sound.db");
let root = "";

const filled = (async () => {
  const rekor = unwrap(await rekorService({ path: sound, ...named, now: () => 0 }));
  const signer = testSigner();
  for (let n = 0; n < LEAVES; n += 1) {
    const entry =
      n % 2 === 0 ? hashedRekord(signer, utf8(`${n}`)) : dsse(signer, utf8(`{"n":${n}}`));
    const request = new Request("http://log.example/api/v1/log/entries", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(entry),
    });
    assert.equal((await rekor.fetch(request)).status, 201);
  }
  root = hex(rekor.store.head().root);
  await rekor.close();
})();

let copies = 0;
/** A copy of the log on which some SQL was run behind the log's back. */
const copyWith = async (sql: string): Promise<string> => {
  await filled;
  const path = join(folder, `copy-${copies++}.db`);
  copyFileSync(sound, path);
  copyFileSync(`${sound}.checkpoint`, `${path}.checkpoint`);
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
  return path;
};

const examine = (path: string, other = named) =>
  fsckLog({ path, signer: rekorSigner(other), keysOf: keysOfBody });

test("a sound log has no findings", async () => {
  const report = unwrap(await examine(await copyWith("")));
  assert.deepEqual(report, { leaves: LEAVES, checkpointSize: LEAVES, root, findings: [] });
});

const damage: [name: string, sql: string, finding: RegExp][] = [
  [
    "a changed body",
    `UPDATE leaf SET body = (SELECT body FROM leaf WHERE "index" = 4) WHERE "index" = 2`,
    /^leaf 2 was changed/,
  ],
  ["a changed node", "UPDATE node SET hash = zeroblob(32) WHERE position = 9", /node at 9 is not/],
  ["a lost node", "DELETE FROM node WHERE position = 9", /node at 9 is not/],
  ["an extra node", "INSERT INTO node VALUES (999, zeroblob(32))", /tree nodes, not/],
  ["a lost leaf inside", `DELETE FROM leaf WHERE "index" = 7`, /leaf 7 is missing; 8 follows/],
  ["a lost leaf at the end", `DELETE FROM leaf WHERE "index" = 20`, /20 leaves of the 21/],
  ["a lost key", "DELETE FROM key", /leaf 0 is not found by sha256:/],
  [
    "a foreign body",
    `UPDATE leaf SET body = x'7b7d' WHERE "index" = 3`,
    /leaf 3 is no entry that this log makes/,
  ],
];

for (const [name, sql, finding] of damage) {
  test(`found: ${name}`, async () => {
    const { findings } = unwrap(await examine(await copyWith(sql)));
    assert.ok(
      findings.some((sentence) => finding.test(sentence)),
      findings.join("\n"),
    );
  });
}

test("a history that was rewritten throughout is found by the signed root", async () => {
  const path = await copyWith("");
  const other = join(folder, "rewritten.db");
  const rekor = unwrap(await rekorService({ path: other, ...named, now: () => 0 }));
  for (let n = 0; n < LEAVES; n += 1)
    unwrap(await rekor.store.append({ body: utf8(`${n}`), keys: [] }));
  await rekor.close();
  copyFileSync(other, path);
  const { findings } = unwrap(await fsckLog({ path, signer: rekorSigner(named) }));
  assert.deepEqual(findings, [`the first ${LEAVES} leaves do not have the root that was signed`]);
});

test("another key, no log, and a log in use", async () => {
  const path = await copyWith("");
  const other = { ...named, key: generateKey("ecdsa-p256") };
  const { findings } = unwrap(await examine(path, other));
  assert.deepEqual(findings, ["the last checkpoint is not signed by this log's key"]);
  const absent = await examine(join(folder, "absent.db"));
  assert.equal(absent.ok ? "" : absent.error.code, "FILE_UNREADABLE");
  const rekor = unwrap(await rekorService({ path, ...named, now: () => 0 }));
  const locked = await examine(path);
  assert.equal(locked.ok ? "" : locked.error.code, "STATE_LOCKED");
  await rekor.close();
});

test("a certificate log is examined the same way", async () => {
  const path = join(folder, "ct.db");
  const log = unwrap(await ctLog({ path, ...named, now: () => 1, roots: [] }));
  for (let n = 0; n < 5; n += 1) {
    const tbs = utf8(`TBS ${n}`);
    unwrap(await log.addPrecertificate({ issuerKeyHash: sha256(tbs), tbs, chain: [] }));
  }
  await log.close();
  const signer = ctLogSigner(named);
  const report = unwrap(await fsckLog({ path, signer, keysOf: precertificateKeys }));
  assert.equal(report.leaves, 5);
  assert.deepEqual(report.findings, []);
});
