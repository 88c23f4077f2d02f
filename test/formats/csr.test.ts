import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateKey, type KeyAlgorithm, type PrivateKey } from "../../src/crypto/keys.ts";
import { sign } from "../../src/crypto/sign.ts";
import { signatureAlgorithm } from "../../src/formats/certificate-writer.ts";
import { readCsr } from "../../src/formats/csr.ts";
import { bitString, contextTag, der, integer, sequence } from "../../src/formats/der.ts";
import { unwrap } from "../../src/formats/result.ts";

const HASHES = {
  "ecdsa-p256": "sha256",
  "ecdsa-p384": "sha384",
  "ecdsa-p521": "sha512",
  ed25519: "sha512",
  "rsa-pkcs1v15": "sha256",
} as const;

const csr = (key: PrivateKey, by = key): Uint8Array => {
  const body = sequence(integer(0), sequence(), key.publicKey.spki, der(contextTag(0)));
  return sequence(
    body,
    signatureAlgorithm(by.publicKey),
    bitString(sign(by, HASHES[by.algorithm], body)),
  );
};

test("a request that its own key signed gives that key", async () => {
  for (const algorithm of Object.keys(HASHES) as KeyAlgorithm[]) {
    const key = generateKey(algorithm);
    assert.deepEqual(unwrap(await readCsr(csr(key))).spki, key.publicKey.spki);
  }
});

const key = generateKey("ecdsa-p256");
const good = csr(key);

const codeOf = async (bytes: Uint8Array) => {
  const result = await readCsr(bytes);
  return result.ok ? "accepted" : result.error.code;
};

test("a request that another key signed is refused", async () => {
  assert.equal(await codeOf(csr(key, generateKey("ecdsa-p256"))), "CSR_FORMAT");
});

test("malformed requests are refused", async () => {
  const cases = [
    new Uint8Array(),
    good.subarray(0, -1),
    new Uint8Array([...good, 0]),
    sequence(),
    sequence(sequence(), sequence(), bitString(new Uint8Array(8))),
    new Uint8Array(17 * 1024).fill(0x30),
  ];
  for (const bytes of cases) assert.equal(await codeOf(bytes), "CSR_FORMAT");
});

test("no changed byte is accepted for another key", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const changed = good.slice();
      changed[at] = (changed[at] ?? 0) ^ by;
      return (await codeOf(changed)) === "CSR_FORMAT";
    }),
    { numRuns: 200 },
  );
});
