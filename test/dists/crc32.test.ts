import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { crc32 } from "../../src/dists/crc32.ts";
import { bytesOf } from "./expect.ts";

test("the check value of CRC-32", () => {
  assert.equal(crc32(bytesOf("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("any bytes, in any two pieces, at any alignment", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), fc.nat(3), (bytes, cut, shift) => {
      const shifted = new Uint8Array(bytes.length + shift);
      shifted.set(bytes, shift);
      const view = shifted.subarray(shift);
      assert.equal(crc32(view.subarray(cut), crc32(view.subarray(0, cut))), zlibCrc32(bytes));
    }),
    { numRuns: 300 },
  );
});
