import assert from "node:assert/strict";
import { test } from "node:test";
import { p256 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { digest } from "../../src/crypto/hash.ts";
import { generateKey, importPublicKey } from "../../src/crypto/keys.ts";
import { verifyP256Digest } from "../../src/crypto/p256-digest.ts";
import { sign } from "../../src/crypto/sign.ts";
import { verifyDigest } from "../../src/crypto/verify.ts";

const P = p256.Point.CURVE().p;
const N = p256.Point.CURVE().n;
const key = generateKey("ecdsa-p256");
const point = key.publicKey.spki.subarray(-65);
/** The negative of the key's point: x stays, y is p - y. */
const opposite = p256.Point.fromBytes(point).negate().toBytes(false);

const RAW = { prehash: false, lowS: false, format: "der" } as const;
const byLibrary = (of: Uint8Array, signature: Uint8Array, hash: Uint8Array): boolean =>
  p256.verify(signature, hash, of, RAW);

const der = (r: bigint, s: bigint): Uint8Array => new p256.Signature(r, s).toBytes("der");

test("what the key signed is good, for no other digest, key or opposite key", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
      const hash = digest("sha256", message);
      const signature = sign(key, "sha256", message);
      assert.equal(verifyP256Digest(point, signature, hash), true);
      assert.equal(verifyP256Digest(opposite, signature, hash), false);
      assert.equal(verifyP256Digest(point, signature, digest("sha256", hash)), false);
      const { r, s } = p256.Signature.fromBytes(signature, "der");
      assert.equal(verifyP256Digest(point, der(r, N - s), hash), true, "s may be high or low");
      const other = generateKey("ecdsa-p256").publicKey.spki.subarray(-65);
      assert.equal(verifyP256Digest(other, signature, hash), false);
    }),
    { numRuns: 50 },
  );
});

test("any numbers are judged as the library judges them", () => {
  const number = fc.bigInt({ min: 1n, max: N - 1n });
  fc.assert(
    fc.property(number, number, fc.uint8Array({ minLength: 32, maxLength: 64 }), (r, s, hash) => {
      const known = byLibrary(point, der(r, s), hash);
      assert.equal(verifyP256Digest(point, der(r, s), hash) ?? known, known);
    }),
    { numRuns: 30 },
  );
});

/** A signature whose u1 and u2 are given: r is the first coordinate of u1·G + u2·Q. */
const made = (u1: bigint, u2: bigint) => {
  const base = u1 === 0n ? p256.Point.ZERO : p256.Point.BASE.multiply(u1);
  const { x } = base.add(p256.Point.fromBytes(point).multiply(u2)).toAffine();
  const r = x % N;
  const s = (r * p256.Point.Fn.inv(u2)) % N;
  const hash = ((u1 * s) % N).toString(16).padStart(64, "0");
  return { signature: der(r, s), hash: new Uint8Array(Buffer.from(hash, "hex")) };
};

test("a sum that the formula does not hold for is left to another way", () => {
  const { d = "" } = key.handle.export({ format: "jwk" });
  const secret = BigInt(`0x${Buffer.from(d, "base64url").toString("hex")}`);
  for (const [u1, u2, told] of [
    [0n, 5n, undefined],
    [(7n * secret) % N, 7n, undefined],
    [3n, 1n, true],
    [3n, N - 1n, true],
    [3n, 5n, true],
  ] as const) {
    const { signature, hash } = made(u1, u2);
    assert.equal(byLibrary(point, signature, hash), true, "it is a good signature");
    assert.equal(verifyP256Digest(point, signature, hash), told, `${u1}, ${u2}`);
  }
});

test("numbers out of range and other encodings are refused", () => {
  const hash = digest("sha256", new Uint8Array());
  const good = sign(key, "sha256", new Uint8Array());
  const zero = [0x30, 6, 2, 1, 0, 2, 1, 1];
  const large = (value: bigint) => Buffer.from(`022100${value.toString(16)}`, "hex");
  const cases: Record<string, Uint8Array> = {
    "r is 0": Uint8Array.from(zero),
    "r is N": Buffer.concat([Buffer.of(0x30, 38), large(N), Buffer.of(2, 1, 1)]),
    "s is P": Buffer.concat([Buffer.of(0x30, 38, 2, 1, 1), large(P)]),
    "r is negative": Uint8Array.from([0x30, 6, 2, 1, 0x81, 2, 1, 1]),
    "a byte follows": Buffer.concat([good, Buffer.of(0)]),
    "a zero byte too many": Uint8Array.from([0x30, 7, 2, 2, 0, 1, 2, 1, 1]),
    empty: new Uint8Array(),
  };
  for (const [name, signature] of Object.entries(cases)) {
    assert.equal(verifyP256Digest(point, signature, hash), false, name);
  }
});

test("of a key with a compressed point nothing is told by digest, rather than that it is bad", async () => {
  const { publicKey } = key;
  const spki = Buffer.from(publicKey.spki);
  const short = Buffer.concat([Buffer.of(2 + ((point.at(-1) ?? 0) & 1)), point.subarray(1, 33)]);
  // SEQUENCE of 57 bytes, the algorithm as it was, BIT STRING of 34 bytes.
  const head = [Buffer.of(0x30, 57), spki.subarray(2, 23), Buffer.of(0x03, 34, 0)];
  const found = importPublicKey(Buffer.concat([...head, short]));
  assert.equal(found?.algorithm, "ecdsa-p256");
  const hash = new Uint8Array(32).fill(1);
  assert.equal(found && (await verifyDigest(found, new Uint8Array(70), hash)), undefined);
  assert.equal(await verifyDigest(publicKey, new Uint8Array(70), hash), false);
});
