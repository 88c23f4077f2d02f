import assert from "node:assert/strict";
import { test } from "node:test";
import { digest } from "../../src/crypto/hash.ts";
import { generateKey, importPublicKey } from "../../src/crypto/keys.ts";
import { recent } from "../../src/crypto/recent.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";

test("as many are kept as asked for, and those that are used stay", () => {
  const kept = recent<number>(2);
  kept.set("a", 1);
  kept.set("b", 2);
  assert.equal(kept.get("a"), 1);
  kept.set("c", 3);
  assert.deepEqual([kept.get("a"), kept.get("b"), kept.get("c")], [1, undefined, 3]);
});

test("what was found good once proves nothing else", async () => {
  const key = generateKey("ecdsa-p256");
  const message = digest("sha256", new Uint8Array());
  const signature = sign(key, "sha256", message);
  const other = generateKey("ecdsa-p256").publicKey;
  const changed = message.with(0, (message[0] ?? 0) ^ 1);
  for (let time = 0; time < 2; time += 1) {
    assert.equal(await verifySignature(key.publicKey, "sha256", signature, message), true);
    assert.equal(await verifySignature(other, "sha256", signature, message), false);
    assert.equal(await verifySignature(key.publicKey, "sha384", signature, message), false);
    assert.equal(await verifySignature(key.publicKey, "sha256", signature, changed), false);
    const forged = signature.with(20, (signature[20] ?? 0) ^ 1);
    assert.equal(await verifySignature(key.publicKey, "sha256", forged, message), false);
  }
  // The border between signature and message moves: the bytes are the same.
  const joined = Buffer.concat([signature, message]);
  const [short, long] = [joined.subarray(0, -40), joined.subarray(-40)];
  assert.equal(await verifySignature(key.publicKey, "sha256", short, long), false);
});

test("a key that is read again does not hold on to what it was read from", () => {
  const { spki } = generateKey("ecdsa-p256").publicKey;
  const large = new Uint8Array(1024 + spki.length);
  large.set(spki, 1024);
  const first = importPublicKey(large.subarray(1024));
  assert.equal(first?.spki.buffer.byteLength, spki.length);
  assert.equal(importPublicKey(spki), first);
});

test("bytes behind a key make it no key: by digest, its last bytes are the point", () => {
  const { spki } = generateKey("ecdsa-p256").publicKey;
  const other = generateKey("ecdsa-p256").publicKey.spki;
  const confused = Buffer.concat([spki, other.subarray(-65)]);
  for (const bytes of [confused, Buffer.concat([spki, Buffer.of(0)])]) {
    assert.equal(importPublicKey(bytes), undefined);
  }
});
