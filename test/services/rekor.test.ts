import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { fromBase64, fromHex, fromUtf8, hex, utf8 } from "../../src/formats/bytes.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../src/formats/merkle.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { rekorService, rekorSigner, treeIdOf } from "../../src/services/rekor.ts";
import { dsse, hashedRekord, SAN, testSigner } from "./signing.ts";

const folder = mkdtempSync(join(tmpdir(), "rekor-"));
const key = generateKey("ecdsa-p256");
const hostname = "rekor.example";
const now = () => 1_700_000_100_500;
const rekor = unwrap(
  await rekorService({ path: join(folder, "log.db"), key, hostname, now, pathPrefix: "/rekor" }),
);
after(async () => {
  await rekor.close();
  rmSync(folder, { recursive: true });
});

const get = (path: string) => rekor.fetch(new Request(`http://log.example${path}`));
const postText = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  type = "application/json",
) =>
  rekor.fetch(
    new Request(`http://log.example${path}`, {
      method: "POST",
      headers: { "content-type": type },
      body,
    }),
  );
const post = (path: string, value: unknown) => postText(path, JSON.stringify(value));
const propose = (entry: unknown) => post("/api/v1/log/entries", entry);

type Shown = {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: {
    signedEntryTimestamp: string;
    inclusionProof: {
      checkpoint: string;
      hashes: string[];
      logIndex: number;
      rootHash: string;
      treeSize: number;
    };
  };
};

const only = (answer: Record<string, Shown>): { entryId: string; entry: Shown } => {
  const [[entryId, entry], ...others] = Object.entries(answer) as [[string, Shown]];
  assert.equal(others.length, 0);
  return { entryId, entry };
};

/** All that an entry promises: SET, inclusion, checkpoint, id. Gives its body. */
const verifyEntry = async (entryId: string, entry: Shown): Promise<unknown> => {
  const body = unwrap(fromBase64(entry.body));
  const { signedEntryTimestamp, inclusionProof: proof } = entry.verification;
  const promised = canonicalJson({
    body: entry.body,
    integratedTime: entry.integratedTime,
    logID: entry.logID,
    logIndex: entry.logIndex,
  });
  const set = unwrap(fromBase64(signedEntryTimestamp));
  assert.ok(await verifySignature(key.publicKey, "sha256", set, promised), "SET");
  assert.equal(entry.logID, hex(key.publicKey.keyId));
  assert.equal(entry.integratedTime, 1_700_000_100);
  assert.equal(entryId, treeIdOf(key).toString(16).padStart(16, "0") + hex(leafHash(body)));
  const root = unwrap(fromHex(proof.rootHash));
  const hashes = proof.hashes.map((hash) => unwrap(fromHex(hash)));
  const size = BigInt(proof.treeSize);
  unwrap(verifyInclusion(leafHash(body), BigInt(proof.logIndex), size, hashes, root));
  assert.deepEqual(await rekorSigner({ hostname, key }).open(proof.checkpoint), {
    size: proof.treeSize,
    root,
  });
  assert.match(proof.checkpoint, /^rekor\.example - \d+\n\d+\n.{44}\n\n— rekor\.example .+\n$/);
  const text = unwrap(fromUtf8(body));
  assert.equal(text, unwrap(fromUtf8(canonicalJson(JSON.parse(text)))));
  return JSON.parse(text);
};

const accepted = async (entry: unknown): Promise<{ entryId: string; entry: Shown }> => {
  const response = await propose(entry);
  assert.equal(response.status, 201, await response.clone().text());
  const { entryId, entry: shown } = only((await response.json()) as Record<string, Shown>);
  assert.equal(response.headers.get("location"), `/rekor/api/v1/log/entries/${entryId}`);
  assert.equal(response.headers.get("etag"), entryId);
  return { entryId, entry: shown };
};

const signer = testSigner();
const statement = utf8(
  JSON.stringify({ subject: [{ name: "a", digest: { sha256: hex(sha256(utf8("a"))) } }] }),
);

test("a hashedrekord with a certificate is promised, included and shown again", async () => {
  const proposed = hashedRekord(signer, utf8("one"));
  const { entryId, entry } = await accepted(proposed);
  assert.deepEqual(await verifyEntry(entryId, entry), proposed);
  await accepted(hashedRekord(signer, utf8("two")));
  for (const path of [entryId, entryId.slice(16), entryId.slice(16).toUpperCase()]) {
    const response = await get(`/api/v1/log/entries/${path}`);
    assert.equal(response.status, 200);
    const again = only((await response.json()) as Record<string, Shown>);
    assert.equal(again.entryId, entryId);
    assert.deepEqual(await verifyEntry(again.entryId, again.entry), proposed);
  }
  const response = await get(`/api/v1/log/entries?logIndex=${entry.logIndex}`);
  assert.equal(only((await response.json()) as Record<string, Shown>).entryId, entryId);
});

test("a hashedrekord with a bare key, P-384 too", async () => {
  for (const algorithm of ["ecdsa-p256", "ecdsa-p384"] as const) {
    const other = testSigner(generateKey(algorithm));
    const proposed = hashedRekord(other, utf8("key"), other.publicKey);
    const { entryId, entry } = await accepted(proposed);
    assert.deepEqual(await verifyEntry(entryId, entry), proposed);
  }
});

test("a dsse entry holds digests, the signature and who made it", async () => {
  const proposed = dsse(signer, statement);
  const { entryId, entry } = await accepted(proposed);
  const envelope = proposed.spec.proposedContent.envelope;
  assert.deepEqual(await verifyEntry(entryId, entry), {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      envelopeHash: { algorithm: "sha256", value: hex(sha256(utf8(envelope))) },
      payloadHash: { algorithm: "sha256", value: hex(sha256(statement)) },
      signatures: [
        { signature: JSON.parse(envelope).signatures[0].sig, verifier: signer.certificate },
      ],
    },
  });
});

test("a PEM is stored in its canonical form, so that two spellings are one entry", async () => {
  const proposed = hashedRekord(signer, utf8("spelling"));
  const { entryId, entry } = await accepted(proposed);
  const pem = unwrap(fromUtf8(unwrap(fromBase64(signer.certificate))));
  const der = pem.split("\n").slice(1, -2).join("");
  const spelt = `\r\n-----BEGIN CERTIFICATE-----\r\n${der}\r\n-----END CERTIFICATE-----`;
  const content = Buffer.from(spelt).toString("base64");
  const again = structuredClone(proposed);
  again.spec.signature.publicKey.content = content;
  const response = await propose(again);
  assert.equal(response.status, 409);
  assert.equal(response.headers.get("location"), `/rekor/api/v1/log/entries/${entryId}`);
  assert.equal(
    ((await response.json()) as { message: string }).message,
    `an equivalent entry already exists in the transparency log with UUID ${entryId}`,
  );
  assert.deepEqual(await verifyEntry(entryId, entry), proposed);
});

const conformance = new URL("../../../shared/vectors/sigstore-conformance/", import.meta.url);
const recorded = ["happy-path-v0.1", "happy-path-v0.3", "managed-key-happy-path"];
for (const name of recorded) {
  const skip = !existsSync(conformance) && "the recorded bundles are not here";
  test(`the body of a recorded entry comes out byte for byte: ${name}`, { skip }, async () => {
    const bundle = JSON.parse(
      readFileSync(new URL(`${name}/bundle.sigstore.json`, conformance), "utf8"),
    );
    const body = bundle.verificationMaterial.tlogEntries[0].canonicalizedBody;
    const { entry } = await accepted(JSON.parse(Buffer.from(body, "base64").toString()));
    assert.equal(entry.body, body);
  });
}

const skip = !existsSync(conformance) && "the recorded bundles are not here";
test("the body of a recorded dsse entry comes out, but for the envelope's spelling", {
  skip,
}, async () => {
  const file = new URL("happy-path-intoto-in-dsse-v3/bundle.sigstore.json", conformance);
  const bundle = JSON.parse(readFileSync(file, "utf8"));
  const [logged] = bundle.verificationMaterial.tlogEntries;
  const want = JSON.parse(Buffer.from(logged.canonicalizedBody, "base64").toString());
  const envelope = JSON.stringify(bundle.dsseEnvelope);
  const verifiers = [want.spec.signatures[0].verifier];
  const { entry } = await accepted({ ...want, spec: { proposedContent: { envelope, verifiers } } });
  want.spec.envelopeHash.value = hex(sha256(utf8(envelope)));
  assert.equal(Buffer.from(entry.body, "base64").toString(), unwrap(fromUtf8(canonicalJson(want))));
});

test("retrieve finds by id, index and proposed entry, at most ten", async () => {
  const proposed = hashedRekord(signer, utf8("retrieve"));
  const { entryId, entry } = await accepted(proposed);
  const answer = await post("/api/v1/log/entries/retrieve", {
    entryUUIDs: [entryId, "0".repeat(64)],
    logIndexes: [entry.logIndex, 1_000_000],
    entries: [proposed, hashedRekord(signer, utf8("never logged"))],
  });
  assert.equal(answer.status, 200);
  const found = (await answer.json()) as Record<string, Shown>[];
  assert.deepEqual(
    found.map((item) => only(item).entryId),
    [entryId, entryId, entryId],
  );
  for (const item of found) await verifyEntry(entryId, only(item).entry);
  // As cosign asks.
  const cosign = { entryUUIDs: null, logIndexes: null, entries: [proposed] };
  const one = (await (await post("/api/v1/log/entries/retrieve", cosign)).json()) as [];
  assert.equal(one.length, 1);
  const intoto = { kind: "intoto", apiVersion: "0.0.1", spec: {} };
  const both = { entries: [proposed, intoto] };
  const attestation = await post("/api/v1/log/entries/retrieve", both);
  assert.equal(((await attestation.json()) as []).length, 1, "no intoto entry is no error");
  const cases: [unknown, number][] = [
    [{}, 422],
    [{ logIndexes: Array(11).fill(0) }, 422],
    [{ logIndexes: Array(6).fill(0), entryUUIDs: Array(6).fill(entryId) }, 422],
    [{ logIndexes: [-1] }, 422],
    [{ logIndexes: [1.5] }, 422],
    [{ entryUUIDs: ["abc"] }, 422],
    [{ entries: [{ kind: "rekord" }] }, 400],
    [{ entryUUIDs: [`f${entryId.slice(1)}`] }, 200],
  ];
  for (const [query, status] of cases) {
    const response = await post("/api/v1/log/entries/retrieve", query);
    assert.equal(response.status, status, JSON.stringify(query));
    if (status === 200) assert.deepEqual(await response.json(), []);
  }
});

test("the index finds by digest, identity, key and subject", async () => {
  const other = testSigner();
  const logged = await accepted(hashedRekord(other, utf8("indexed")));
  const attested = await accepted(dsse(other, statement));
  const digest = hex(sha256(utf8("indexed")));
  const content = other.certificate;
  const cases: [unknown, string[] | number][] = [
    [{ hash: `sha256:${digest}` }, [logged.entryId]],
    [{ hash: digest }, [logged.entryId]],
    [{ publicKey: { format: "x509", content } }, [logged.entryId, attested.entryId]],
    [{ hash: digest, publicKey: { content }, operator: "and" }, [logged.entryId]],
    [{ hash: "0".repeat(64), publicKey: { content }, operator: "and" }, []],
    [{ hash: "0".repeat(64) }, []],
    [{}, 400],
    [{ hash: "sha256:xyz" }, 400],
    [{ hash: digest, operator: "xor" }, 400],
    [{ publicKey: { url: "http://127.0.0.1:1/key" } }, 400],
  ];
  for (const [query, want] of cases) {
    const response = await post("/api/v1/index/retrieve", query);
    const got = response.status === 200 ? await response.json() : response.status;
    assert.deepEqual(got, want, JSON.stringify(query));
  }
  const byName = await (await post("/api/v1/index/retrieve", { subject: SAN })).json();
  assert.ok((byName as string[]).includes(logged.entryId));
  const hash = `sha256:${hex(sha256(utf8("a")))}`;
  const bySubject = await (await post("/api/v1/index/retrieve", { hash })).json();
  assert.ok((bySubject as string[]).includes(attested.entryId));
});

test("the log shows its head, its key, and that it only grew", async () => {
  type State = { rootHash: string; treeSize: number; signedTreeHead: string; treeID: string };
  const before = (await (await get("/api/v1/log")).json()) as State;
  await accepted(hashedRekord(signer, utf8("growing")));
  const later = (await (await get("/api/v1/log")).json()) as State;
  assert.equal(later.treeID, String(treeIdOf(key)));
  assert.equal(later.treeSize, before.treeSize + 1);
  const query = `firstSize=${before.treeSize}&lastSize=${later.treeSize}&treeID=${later.treeID}`;
  const proof = (await (await get(`/api/v1/log/proof?${query}`)).json()) as {
    rootHash: string;
    hashes: string[];
  };
  const head = (state: State) => ({
    size: BigInt(state.treeSize),
    root: unwrap(fromHex(state.rootHash)),
  });
  const hashes = proof.hashes.map((hash) => unwrap(fromHex(hash)));
  unwrap(verifyConsistency(head(before), head(later), hashes));
  assert.equal(proof.rootHash, later.rootHash);
  const pem = await get("/api/v1/log/publicKey");
  assert.equal(pem.headers.get("content-type"), "application/x-pem-file");
  assert.equal(await pem.text(), formatPem("PUBLIC KEY", key.publicKey.spki));
});
