import assert from "node:assert/strict";
import { test } from "node:test";
import { p256, p521 } from "@noble/curves/nist.js";
import fc from "fast-check";
import { rawSignature } from "../../src/crypto/ecdsa-signature.ts";

for (const [name, curve, bytes] of [
  ["P-256", p256, 32],
  ["P-521", p521, 66],
] as const) {
  test(`${name}: any two numbers come out as the library writes them`, () => {
    const { n } = curve.Point.CURVE();
    const number = fc.oneof(fc.bigInt({ min: 1n, max: n - 1n }), fc.bigInt({ min: 1n, max: 300n }));
    fc.assert(
      fc.property(number, number, (r, s) => {
        const signature = new curve.Signature(r, s);
        const raw = rawSignature(signature.toBytes("der"), bytes);
        assert.deepEqual(raw, new Uint8Array(signature.toBytes("compact")));
      }),
    );
  });
}

const CASES: Record<string, number[]> = {
  nothing: [],
  "no sequence": [0x31, 6, 2, 1, 1, 2, 1, 1],
  "a length that is too long": [0x30, 7, 2, 1, 1, 2, 1, 1],
  "a byte that follows": [0x30, 6, 2, 1, 1, 2, 1, 1, 0],
  "a byte within that follows": [0x30, 7, 2, 1, 1, 2, 1, 1, 0],
  "a length in more bytes than it needs": [0x30, 0x81, 6, 2, 1, 1, 2, 1, 1],
  "one number": [0x30, 3, 2, 1, 1],
  "a negative number": [0x30, 6, 2, 1, 0x81, 2, 1, 1],
  "a zero byte too many": [0x30, 7, 2, 2, 0, 1, 2, 1, 1],
  "an empty number": [0x30, 5, 2, 0, 2, 1, 1],
  zero: [0x30, 6, 2, 1, 0, 2, 1, 1],
  "no integer": [0x30, 6, 4, 1, 1, 2, 1, 1],
  "a number longer than the curve's": [0x30, 38, 2, 33, ...Array(33).fill(1), 2, 1, 1],
};

for (const [name, der] of Object.entries(CASES)) {
  test(`${name} is no signature`, () => {
    assert.equal(rawSignature(Uint8Array.from(der), 32), undefined);
  });
}
