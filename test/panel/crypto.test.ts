import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import * as node from "../../src/crypto/crc32.ts";
import * as nodeHash from "../../src/crypto/hash.ts";
import { generateKey, importPublicKey, type KeyAlgorithm } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import * as nodeText from "../../src/crypto/text.ts";
import * as nodeVerify from "../../src/crypto/verify.ts";
import * as browser from "../../src/panel/crypto-crc32.ts";
import * as browserHash from "../../src/panel/crypto-hash.ts";
import { importPublicKey as importInBrowser } from "../../src/panel/crypto-keys.ts";
import * as browserText from "../../src/panel/crypto-text.ts";
import { verifySignature } from "../../src/panel/crypto-verify.ts";

// What a browser computes is what Node computes: the two must never tell a file apart.

const HASHES = ["sha256", "sha384", "sha512"] as const;
const KEYS: readonly KeyAlgorithm[] = [
  "ecdsa-p256",
  "ecdsa-p384",
  "ecdsa-p521",
  "ed25519",
  "rsa-pkcs1v15",
];

test("digests and checksums are the same, whole and in pieces", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, at) => {
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
      for (const name of HASHES) {
        const expected = nodeHash.digest(name, bytes);
        assert.deepEqual(new Uint8Array(browserHash.digest(name, bytes)), expected);
        const state = browserHash.hasher(name);
        state.update(head);
        state.update(tail);
        assert.deepEqual(new Uint8Array(state.digest()), expected);
      }
      assert.equal(browser.crc32(tail, browser.crc32(head)), node.crc32(bytes));
    }),
  );
});

test("bytes are written alike, and read back from what was written", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(browserText.toHex(bytes), nodeText.toHex(bytes));
      const text = nodeText.toBase64(bytes);
      assert.equal(browserText.toBase64(bytes), text);
      assert.deepEqual(browserText.readBase64(text), nodeText.readBase64(text));
    }),
  );
});

test("what is no base64 is none in a browser either", () => {
  const letters = fc.constantFrom(..."ABab09+/-_= \n!\u0141\u{1f600}");
  const texts = fc.string({ unit: letters, maxLength: 12 });
  const isCanonical = ({ readBase64, toBase64 }: typeof nodeText, text: string): boolean =>
    toBase64(readBase64(text)) === text;
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(isCanonical(browserText, text), isCanonical(nodeText, text));
    }),
    { numRuns: 1000 },
  );
});

for (const algorithm of KEYS) {
  const key = generateKey(algorithm);
  const { spki } = key.publicKey;

  test(`${algorithm}: a key is read alike, and nothing else is taken for one`, () => {
    const { handle: _, ...expected } = key.publicKey;
    assert.deepEqual(importInBrowser(spki), expected);
    assert.equal(importInBrowser(Uint8Array.from([...spki, 0])), undefined);
    assert.equal(importInBrowser(spki.subarray(1)), undefined);
    // Whatever the browser takes after a change, Node takes for the same.
    for (let at = 0; at < Math.min(34, spki.length); at += 1) {
      const changed = spki.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      const [here, there] = [importInBrowser(changed), importPublicKey(changed)];
      if (here === undefined || there === undefined) continue;
      assert.deepEqual([here.algorithm, here.bits], [there.algorithm, there.bits], String(at));
    }
  });

  test(`${algorithm}: signatures are good and bad alike`, async () => {
    const message = new TextEncoder().encode("what is signed");
    const imported = importInBrowser(spki);
    assert.ok(imported);
    for (const hash of algorithm === "ed25519" ? (["sha256"] as const) : HASHES) {
      const signature = sign(key, hash, message);
      assert.equal(await verifySignature(imported, hash, signature, message), true);
      const other = new TextEncoder().encode("what is not signed");
      assert.equal(await verifySignature(imported, hash, signature, other), false);
      for (let at = 0; at < signature.length; at += 7) {
        const changed = signature.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        const here = await verifySignature(imported, hash, changed, message);
        const there = await nodeVerify.verifySignature(key.publicKey, hash, changed, message);
        assert.equal(here, there, `byte ${at}`);
      }
      assert.equal(await verifySignature(imported, hash, new Uint8Array(), message), false);
    }
  });
}

test("small RSA keys, other curves and other algorithms are refused by both", () => {
  const others = [
    generateKeyPairSync("rsa", { modulusLength: 1024 }),
    generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
    generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" }),
    generateKeyPairSync("x25519"),
    generateKeyPairSync("ed448"),
    generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
  ];
  for (const { publicKey } of others) {
    const spki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
    assert.equal(importInBrowser(spki), undefined, publicKey.asymmetricKeyType);
  }
});
