import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "../../src/crypto/crc32.ts";

const digits = new TextEncoder().encode("123456789");

test("the check value of CRC-32", () => {
  assert.equal(crc32(digits), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("a sum is continued from what came before", () => {
  for (let cut = 0; cut <= digits.length; cut += 1) {
    assert.equal(crc32(digits.subarray(cut), crc32(digits.subarray(0, cut))), 0xcbf43926);
  }
});
