import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { formatPem } from "../../src/formats/pem.ts";
import { unwrap } from "../../src/formats/result.ts";
import { rekorService } from "../../src/services/rekor.ts";
import { dsse, hashedRekord, testSigner } from "./signing.ts";

const folder = mkdtempSync(join(tmpdir(), "rekor-hostile-"));
const key = generateKey("ecdsa-p256");
const rekor = unwrap(
  await rekorService({
    path: join(folder, "log.db"),
    key,
    hostname: "rekor.example",
    now: () => 0,
  }),
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

const signer = testSigner();
const statement = utf8("{}");
const good = hashedRekord(signer, utf8("hostile"));
const changed = (change: (entry: typeof good) => void) => {
  const entry = structuredClone(good);
  change(entry);
  return JSON.stringify(entry);
};
const goodDsse = dsse(signer, statement);
const changedDsse = (change: (spec: Record<string, unknown>) => void) => {
  const entry = structuredClone(goodDsse);
  change(entry.spec);
  return JSON.stringify(entry);
};
const envelopeWith = (change: (envelope: Record<string, unknown>) => void) => {
  const envelope = JSON.parse(goodDsse.spec.proposedContent.envelope);
  change(envelope);
  return changedDsse((spec) => {
    spec.proposedContent = {
      envelope: JSON.stringify(envelope),
      verifiers: [signer.certificate],
    };
  });
};
const b64 = (text: string) => Buffer.from(text).toString("base64");

const hostile: Record<string, string> = {
  nothing: "",
  "no JSON": "{",
  "no object": "[]",
  null: "null",
  "bad UTF-8 in place": '"\ud800"',
  "a key twice": JSON.stringify(good).replace('"kind"', '"kind":"dsse","kind"'),
  "deep nesting": "[".repeat(5000) + "]".repeat(5000),
  "an unknown kind": changed((e) => Object.assign(e, { kind: "rekord" })),
  "an unknown version": changed((e) => Object.assign(e, { apiVersion: "0.0.2" })),
  "a prototype as kind": changed((e) => Object.assign(e, { kind: "__proto__" })),
  "another digest": changed((e) => {
    e.spec.data.hash.value = "0".repeat(64);
  }),
  "a short digest": changed((e) => {
    e.spec.data.hash.value = "00";
  }),
  "an unknown hash": changed((e) => {
    e.spec.data.hash.algorithm = "md5";
  }),
  "a hash from the prototype": changed((e) => {
    e.spec.data.hash.algorithm = "toString";
  }),
  "a signature that is no DER": changed((e) => {
    e.spec.signature.content = b64("x");
  }),
  "an empty signature": changed((e) => {
    e.spec.signature.content = "";
  }),
  "another's certificate": changed((e) => {
    e.spec.signature.publicKey.content = testSigner().certificate;
  }),
  "two certificates": changed((e) => {
    e.spec.signature.publicKey.content = b64(atob(signer.certificate).repeat(2));
  }),
  "a private key": changed((e) => {
    e.spec.signature.publicKey.content = b64(formatPem("PRIVATE KEY", utf8("x")));
  }),
  "a certificate that is no DER": changed((e) => {
    e.spec.signature.publicKey.content = b64(formatPem("CERTIFICATE", utf8("x")));
  }),
  "a key that is only a URL": changed((e) => {
    Object.assign(e.spec.signature, { publicKey: { url: "http://127.0.0.1:1/key" } });
  }),
  "an Ed25519 key, which has no digest": changed((e) => {
    const other = testSigner(generateKey("ed25519"));
    e.spec.signature.publicKey.content = other.publicKey;
  }),
  "an envelope that is no JSON": changedDsse((spec) => {
    spec.proposedContent = { envelope: "{", verifiers: [signer.certificate] };
  }),
  "computed fields beside the proposed": changedDsse((spec) => {
    spec.payloadHash = { algorithm: "sha256", value: "0".repeat(64) };
  }),
  "no verifiers": changedDsse((spec) => {
    Object.assign(spec.proposedContent as object, { verifiers: [] });
  }),
  "a verifier too many": changedDsse((spec) => {
    const verifiers = [signer.certificate, testSigner().certificate];
    Object.assign(spec.proposedContent as object, { verifiers });
  }),
  "no signatures": envelopeWith((envelope) => {
    envelope.signatures = [];
  }),
  "another payload": envelopeWith((envelope) => {
    envelope.payload = b64("[]");
  }),
  "another payload type": envelopeWith((envelope) => {
    envelope.payloadType = "text/plain";
  }),
};

for (const [name, body] of Object.entries(hostile)) {
  test(`refused: ${name}`, async () => {
    const before = rekor.store.head().size;
    const response = await postText("/api/v1/log/entries", body);
    const answer = (await response.json()) as { code: number; message: string };
    assert.equal(response.status, 400, answer.message);
    assert.deepEqual(Object.keys(answer), ["code", "message"]);
    assert.equal(answer.code, 400);
    assert.equal(rekor.store.head().size, before);
  });
}

test("requests that are no entry get their own status, never a 500", async () => {
  const cases: [Promise<Response>, number][] = [
    [postText("/api/v1/log/entries", new Uint8Array(1024 * 1024 + 1)), 413],
    [postText("/api/v1/log/entries", JSON.stringify(good), "text/plain"), 400],
    [get("/api/v1/log/entries"), 422],
    [get("/api/v1/log/entries?logIndex=-1"), 422],
    [get("/api/v1/log/entries?logIndex=1e3"), 422],
    [get("/api/v1/log/entries?logIndex=99999999999999999999"), 422],
    [get("/api/v1/log/entries?logIndex=999999"), 404],
    [get("/api/v1/log/entries/xyz"), 422],
    [get("/api/v1/log/entries/%00"), 422],
    [get("/api/v1/log/entries/%ff%fe"), 422],
    [get(`/api/v1/log/entries/${"0".repeat(64)}`), 404],
    [get(`/api/v1/log/entries/${"0".repeat(80)}`), 404],
    [get("/api/v1/log/proof"), 422],
    [get("/api/v1/log/proof?lastSize=0"), 422],
    [get("/api/v1/log/proof?firstSize=3&lastSize=2"), 422],
    [get("/api/v1/log/proof?lastSize=999999"), 400],
    [get("/api/v1/log/proof?lastSize=1&treeID=1"), 404],
    [get("/api/v1/log/publicKey?treeID=1"), 404],
    [get("/api/v2/log/entries"), 404],
    [get("/"), 404],
  ];
  for (const [at, [response, status]] of cases.entries()) {
    assert.equal((await response).status, status, `case ${at}`);
  }
});
