import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64, bigEndian, concat, fromBase64, hex, utf8 } from "../../src/formats/bytes.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { ctLog } from "../../src/services/ctlog.ts";

const folder = mkdtempSync(join(tmpdir(), "ctlog-"));
after(() => rmSync(folder, { recursive: true }));

const key = generateKey("ecdsa-p256");
let clock = 1_700_000_000_000;
let logs = 0;
const open = async (path = join(folder, `ct-${logs++}.db`)) =>
  unwrap(
    await ctLog({
      path,
      key,
      hostname: "ct.example",
      now: () => clock++,
      roots: [utf8("the root's DER")],
    }),
  );

const issuerKeyHash = sha256(utf8("an issuer's key"));
const precertificate = (n: number) => ({
  issuerKeyHash,
  tbs: utf8(`TBS ${n}`),
  chain: [utf8(`precertificate ${n}`), utf8("intermediate"), utf8("root")],
});

/** RFC 6962 §3.2 and §3.4, written out. */
const signedBytes = (n: number, timestamp: bigint): Uint8Array =>
  concat(
    Uint8Array.of(0, 0),
    bigEndian(timestamp, 8),
    Uint8Array.of(0, 1),
    issuerKeyHash,
    bigEndian(`TBS ${n}`.length, 3),
    utf8(`TBS ${n}`),
    Uint8Array.of(0, 0),
  );

type Log = Awaited<ReturnType<typeof open>>;
/** The fields of all answers; each has some of them. */
type Answer = {
  tree_size: number;
  timestamp: number;
  sha256_root_hash: string;
  tree_head_signature: string;
  consistency: string[];
  entries: { leaf_input: string; extra_data: string }[];
  leaf_index: number;
  audit_path: string[];
};
const get = async (log: Log, path: string) => {
  const response = await log.fetch(new Request(`http://ct.example/ct/v1/${path}`));
  return { status: response.status, answer: (await response.json()) as Answer };
};
const bytes = (text: string): Uint8Array => unwrap(fromBase64(text));

test("an SCT is signed over the entry, and the entry is in the tree at once", async () => {
  const log = await open();
  for (let n = 0; n < 20; n += 1) {
    const sct = unwrap(await log.addPrecertificate(precertificate(n)));
    assert.equal(log.store.head().size, n + 1);
    const header = concat(Uint8Array.of(0), key.publicKey.keyId, bigEndian(sct.timestamp, 8));
    const fixed = concat(header, Uint8Array.of(0, 0, 4, 3));
    assert.deepEqual(sct.bytes.slice(0, 45), fixed.slice(0, 45));
    const signature = sct.bytes.slice(47);
    assert.deepEqual(sct.bytes.slice(45, 47), bigEndian(signature.length, 2));
    const entry = signedBytes(n, sct.timestamp);
    assert.ok(await verifySignature(key.publicKey, "sha256", signature, entry));
    assert.deepEqual(log.store.leaf(sct.index)?.body, entry);
  }
  await log.close();
});

test("the same precertificate gets the same promise, after a restart too", async () => {
  const path = join(folder, "again.db");
  let log = await open(path);
  const first = unwrap(await log.addPrecertificate(precertificate(1)));
  unwrap(await log.addPrecertificate(precertificate(2)));
  await log.close();
  log = await open(path);
  const again = unwrap(await log.addPrecertificate(precertificate(1)));
  assert.equal(again.timestamp, first.timestamp);
  assert.equal(again.index, first.index);
  assert.equal(log.store.head().size, 2);
  await log.close();
});

test("a monitor reads the log through RFC 6962's interface", async () => {
  const log = await open();
  const sth = async () => {
    const { answer } = await get(log, "get-sth");
    const { tree_size: size, timestamp, sha256_root_hash, tree_head_signature } = answer;
    const root = bytes(sha256_root_hash);
    const head = concat(Uint8Array.of(0, 1), bigEndian(timestamp, 8), bigEndian(size, 8), root);
    const signature = bytes(tree_head_signature).slice(4);
    assert.ok(await verifySignature(key.publicKey, "sha256", signature, head));
    return { size: BigInt(size), root };
  };
  let before = await sth();
  assert.equal(before.size, 0n);
  for (let n = 0; n < 12; n += 1) {
    unwrap(await log.addPrecertificate(precertificate(n)));
    const later = await sth();
    const query = `first=${before.size}&second=${later.size}`;
    const { answer } = await get(log, `get-sth-consistency?${query}`);
    const proof = answer.consistency.map(bytes);
    unwrap(verifyConsistency(before, later, proof));
    before = later;
  }
  const { answer } = await get(log, "get-entries?start=0&end=99");
  const entries = answer.entries;
  assert.equal(entries.length, 12);
  for (const [n, entry] of entries.entries()) {
    const hash = leafHash(bytes(entry.leaf_input));
    const query = `hash=${encodeURIComponent(base64(hash))}&tree_size=12`;
    const { answer: proof } = await get(log, `get-proof-by-hash?${query}`);
    assert.equal(proof.leaf_index, n);
    const path = proof.audit_path.map(bytes);
    unwrap(verifyInclusion(hash, BigInt(n), 12n, path, before.root));
    const both = await get(log, `get-entry-and-proof?leaf_index=${n}&tree_size=12`);
    assert.deepEqual(both.answer, { ...entry, audit_path: proof.audit_path });
  }
  const vector = (text: string) => hex(bigEndian(text.length, 3)) + hex(utf8(text));
  const issuers = vector("intermediate") + vector("root");
  const extra = vector("precertificate 0") + hex(bigEndian(issuers.length / 2, 3)) + issuers;
  assert.equal(hex(bytes(entries[0]?.extra_data ?? "")), extra);
  const { answer: roots } = await get(log, "get-roots");
  assert.deepEqual(roots, { certificates: [base64(utf8("the root's DER"))] });
  await log.close();
});

test("malformed and foreign requests are refused", async () => {
  const log = await open();
  unwrap(await log.addPrecertificate(precertificate(1)));
  const zeros = encodeURIComponent(base64(new Uint8Array(32)));
  const cases: [string, number][] = [
    ["get-sth-consistency", 400],
    ["get-sth-consistency?first=1&second=0", 400],
    ["get-sth-consistency?first=0&second=2", 400],
    ["get-sth-consistency?first=-1&second=1", 400],
    ["get-proof-by-hash?hash=x&tree_size=1", 400],
    [`get-proof-by-hash?hash=${zeros}&tree_size=2`, 400],
    [`get-proof-by-hash?hash=${zeros}&tree_size=1`, 404],
    ["get-entries", 400],
    ["get-entries?start=1&end=1", 400],
    ["get-entries?start=0&end=99999999999999999999", 400],
    ["get-entries?start=0x0&end=1", 400],
    ["get-entry-and-proof?leaf_index=1&tree_size=1", 400],
    ["get-entry-and-proof?leaf_index=0&tree_size=2", 400],
    ["get-nothing", 404],
  ];
  for (const [path, status] of cases) {
    assert.equal((await get(log, path)).status, status, path);
  }
  for (const path of ["add-chain", "add-pre-chain"]) {
    const request = new Request(`http://ct.example/ct/v1/${path}`, { method: "POST", body: "{}" });
    assert.equal((await log.fetch(request)).status, 403);
  }
  assert.equal(log.store.head().size, 1);
  await log.close();
});
