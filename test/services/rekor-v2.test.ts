import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { base64, fromBase64, utf8 } from "../../src/formats/bytes.ts";
import { noteKeyId } from "../../src/formats/checkpoint.ts";
import { readJson } from "../../src/formats/json.ts";
import { leafHash, nodeHash, verifyInclusion } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { tileIndexPath } from "../../src/formats/tiles.ts";
import { readTlogEntry } from "../../src/formats/tlog-entry.ts";
import { fsckLog } from "../../src/services/log-fsck.ts";
import { keysOfV2Body, rekorV2Service, rekorV2Signer } from "../../src/services/rekor-v2.ts";
import { parseTilePath } from "../../src/services/tiles.ts";

const folder = mkdtempSync(join(tmpdir(), "rekor-v2-"));
const named = { key: generateKey("ed25519"), hostname: "log2026.rekor.example" };
const rekor = unwrap(
  await rekorV2Service({ path: join(folder, "log.db"), ...named, now: () => 1_700_000_000_000 }),
);
after(async () => {
  await rekor.close();
  rmSync(folder, { recursive: true });
});

const propose = (request: unknown) =>
  rekor.fetch(
    new Request("http://log.example/api/v2/log/entries", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    }),
  );
const get = (path: string) => rekor.fetch(new Request(`http://log.example/api/v2/${path}`));

const signer = generateKey("ecdsa-p256");
const keyDetails = "PKIX_ECDSA_P256_SHA_256";
const publicKey = { rawBytes: base64(signer.publicKey.spki) };
const requestFor = (message: string) => ({
  hashedRekordRequestV002: {
    digest: base64(sha256(utf8(message))),
    signature: {
      content: base64(sign(signer, "sha256", utf8(message))),
      verifier: { publicKey, keyDetails } as Record<string, unknown>,
    },
  },
});

const accepted = async (request: unknown) => {
  const response = await propose(request);
  assert.equal(response.status, 201, await response.clone().text());
  return unwrap(readJson(await response.json(), "TLOG_ENTRY_FORMAT", "entry", readTlogEntry));
};

test("an entry is included under a checkpoint that the log signed", async () => {
  for (let n = 0; n < 3; n += 1) {
    const request = requestFor(`message ${n}`);
    const entry = await accepted(request);
    assert.equal((await propose(request)).status, 409);
    assert.equal(entry.integratedTime, 0n);
    assert.equal(entry.signedEntryTimestamp, undefined);
    assert.deepEqual(entry.logId, noteKeyId(named.hostname, named.key.publicKey));
    const proof = entry.inclusionProof;
    assert.ok(proof !== undefined);
    const leaf = leafHash(entry.canonicalizedBody);
    unwrap(verifyInclusion(leaf, proof.logIndex, proof.treeSize, proof.hashes, proof.rootHash));
    assert.deepEqual(await rekorV2Signer(named).open(proof.checkpoint ?? ""), {
      size: Number(proof.treeSize),
      root: proof.rootHash,
    });
    assert.match(proof.checkpoint ?? "", /^log2026\.rekor\.example\n/);
  }
});

const recorded = new URL(
  "../../../shared/vectors/sigstore-conformance/rekor2-happy-path/bundle.sigstore.json",
  import.meta.url,
);
const skip = !existsSync(recorded) && "the recorded bundles are not here";
test("the body of a recorded entry comes out byte for byte", { skip }, async () => {
  const bundle = JSON.parse(readFileSync(recorded, "utf8"));
  const want = bundle.verificationMaterial.tlogEntries[0].canonicalizedBody;
  const { data, signature } = JSON.parse(Buffer.from(want, "base64").toString()).spec
    .hashedRekordV002;
  const entry = await accepted({ hashedRekordRequestV002: { digest: data.digest, signature } });
  assert.equal(base64(entry.canonicalizedBody), want);
});

test("tiles and entry bundles are those of the checkpoint, full and partial", async () => {
  const store = rekor.store;
  const missing = 259 - store.head().size;
  const fill = Array.from({ length: missing }, (_, n) =>
    store.append({ body: utf8(`filler ${n}`), keys: [] }),
  );
  await Promise.all(fill);
  const checkpoint = await get("checkpoint");
  assert.equal(checkpoint.headers.get("content-type"), "text/plain; charset=utf-8");
  const head = await rekorV2Signer(named).open(await checkpoint.text());
  assert.equal(head?.size, 259);
  const bytes = async (path: string) => {
    const response = await get(`tile/${path}`);
    assert.equal(response.status, 200, path);
    return new Uint8Array(await response.arrayBuffer());
  };
  const entries = [await bytes("entries/000"), await bytes("entries/001.p/3")];
  const bodies = entries.flatMap((bundle) => {
    const list: Uint8Array[] = [];
    for (let at = 0; at < bundle.length; ) {
      const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
      list.push(bundle.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    return list;
  });
  const hashes = [await bytes("0/000"), await bytes("0/001.p/3")].flatMap((tile) =>
    Array.from({ length: tile.length / 32 }, (_, i) => tile.slice(32 * i, 32 * i + 32)),
  );
  assert.deepEqual(
    hashes,
    bodies.map(leafHash).map((hash) => new Uint8Array(hash)),
  );
  let level: Uint8Array[] = hashes.slice(0, 256);
  while (level.length > 1) {
    level = level.flatMap((left, i) => (i % 2 === 0 ? [nodeHash(left, level[i + 1] ?? left)] : []));
  }
  assert.deepEqual([await bytes("1/000.p/1")], level);
  const [a, b, c] = hashes.slice(256) as [Uint8Array, Uint8Array, Uint8Array];
  assert.deepEqual(nodeHash(level[0] ?? a, nodeHash(nodeHash(a, b), c)), head?.root);
  const absent = [
    "0/001",
    "0/001.p/4",
    "0/001.p/0",
    "0/000.p/256",
    "0/002.p/1",
    "1/000",
    "2/000.p/1",
    "7/000.p/1",
    "63/000",
    "64/000",
    "00/000",
    "0/0",
    "0/x000/000",
    "0/x999/x999/x999/x999/999",
    "entries/001",
    "entries/..%2f0/000",
    "0/000.p/",
    "",
  ];
  for (const path of absent) assert.equal((await get(`tile/${path}`)).status, 404, path);
});

test("tile paths are read as they are written", () => {
  assert.equal(tileIndexPath(1_234_067), "x001/x234/067");
  for (const index of [0, 7, 999, 1000, 1_234_067, 999_999_999]) {
    const name = parseTilePath(`3/${tileIndexPath(index)}.p/112`);
    assert.deepEqual(name, { level: 3, index, width: 112 });
  }
});

type Request2 = ReturnType<typeof requestFor>;
const changed = (change: (request: Request2["hashedRekordRequestV002"]) => void) => {
  const request = requestFor("hostile");
  change(request.hashedRekordRequestV002);
  return request;
};
const twin = generateKey("ecdsa-p256");
const hostile: Record<string, unknown> = {
  nothing: {},
  "an attestation, which v2 does not take": { dsseRequestV002: {} },
  "two kinds at once": { ...requestFor("hostile"), dsseRequestV002: {} },
  "another digest": changed((r) => {
    r.digest = base64(sha256(utf8("other")));
  }),
  "a short digest": changed((r) => {
    r.digest = "AAAA";
  }),
  "another key": changed((r) => {
    r.signature.verifier = { publicKey: { rawBytes: base64(twin.publicKey.spki) }, keyDetails };
  }),
  "other key details": changed((r) => {
    r.signature.verifier.keyDetails = "PKIX_ECDSA_P384_SHA_384";
  }),
  "key details from the prototype": changed((r) => {
    r.signature.verifier.keyDetails = "toString";
  }),
  "a key and a certificate": changed((r) => {
    r.signature.verifier.x509Certificate = publicKey;
  }),
  "neither key nor certificate": changed((r) => {
    r.signature.verifier = { keyDetails };
  }),
  "a certificate that is none": changed((r) => {
    r.signature.verifier = { x509Certificate: publicKey, keyDetails };
  }),
  "a signature that is none": changed((r) => {
    r.signature.content = "AAAA";
  }),
};
for (const [name, request] of Object.entries(hostile)) {
  test(`refused: ${name}`, async () => {
    const before = rekor.store.head().size;
    assert.equal((await propose(request)).status, 400);
    assert.equal(rekor.store.head().size, before);
  });
}

test("canonical base64 only, so that one entry has one spelling", async () => {
  const request = requestFor("spelling");
  const { signature } = request.hashedRekordRequestV002;
  assert.ok(fromBase64(signature.content).ok);
  signature.content = `${signature.content}\n`;
  assert.equal((await propose(request)).status, 400);
});

test("the log is derived anew, and an entry that it does not make is found", async () => {
  const path = join(folder, "other.db");
  const log = unwrap(await rekorV2Service({ path, ...named, now: () => 1_700_000_000_000 }));
  for (const message of ["a", "b"]) {
    const body = JSON.stringify(requestFor(message));
    const headers = { "content-type": "application/json" };
    const url = "http://log.example/api/v2/log/entries";
    const answer = await log.fetch(new Request(url, { method: "POST", headers, body }));
    assert.equal(answer.status, 201);
  }
  await log.close();
  const options = { path, signer: rekorV2Signer(named), keysOf: keysOfV2Body };
  const sound = unwrap(await fsckLog(options));
  assert.deepEqual([sound.leaves, sound.findings], [2, []]);
  const database = new DatabaseSync(path);
  database.exec(`UPDATE leaf SET body = CAST('{"kind":"dsse"}' AS BLOB) WHERE "index" = 1`);
  database.close();
  const { findings } = unwrap(await fsckLog(options));
  assert.ok(findings.includes("leaf 1 is no entry that this log makes"), findings.join("\n"));
});
