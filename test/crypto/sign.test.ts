import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { streamSigner } from "../../src/crypto/sign.ts";
import { verifySignature } from "../../src/crypto/verify.ts";

test("a stream is signed as its whole", async () => {
  const key = generateKey("ecdsa-p256");
  const signer = streamSigner(key, "sha256");
  for (const chunk of [[1, 2], [], [3]]) signer.update(new Uint8Array(chunk));
  const signature = signer.sign();
  const holds = (message: number[]) =>
    verifySignature(key.publicKey, "sha256", signature, new Uint8Array(message));
  assert.equal(await holds([1, 2, 3]), true);
  assert.equal(await holds([1, 2]), false);
});

test("Ed25519 needs the whole message", () => {
  assert.throws(() => streamSigner(generateKey("ed25519"), "sha512"));
});
