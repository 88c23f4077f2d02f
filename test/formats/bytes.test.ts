import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  base64,
  base64url,
  bigEndian,
  compare,
  concat,
  equal,
  fromBase64,
  fromBase64url,
  fromBigEndian,
  fromHex,
  fromUtf8,
  hex,
  utf8,
} from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";

const anyBytes = fc.uint8Array({ maxLength: 100 });

test("base64, base64url and hex are those of the platform, and invertible", () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const reference = Buffer.from(bytes);
      assert.equal(base64(bytes), reference.toString("base64"));
      assert.equal(base64url(bytes), reference.toString("base64url"));
      assert.equal(hex(bytes), reference.toString("hex"));
      assert.deepEqual(unwrap(fromBase64(base64(bytes))), bytes);
      assert.deepEqual(unwrap(fromBase64url(base64url(bytes))), bytes);
      assert.deepEqual(unwrap(fromHex(hex(bytes))), bytes);
    }),
  );
});

test("RFC 4648 §10", () => {
  const vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
  for (const [length, text] of vectors.entries()) {
    assert.equal(base64(utf8("foobar".slice(0, length))), text);
  }
});

test("base64 has one spelling: whatever is accepted encodes to itself", () => {
  const text = fc.string({ unit: fc.constantFrom(..."AQgwZ9+/-_= \n"), maxLength: 12 });
  fc.assert(
    fc.property(text, (candidate) => {
      const standard = fromBase64(candidate);
      if (standard.ok) assert.equal(base64(standard.value), candidate);
      const urlSafe = fromBase64url(candidate);
      if (urlSafe.ok) assert.equal(base64url(urlSafe.value), candidate);
    }),
    { numRuns: 2000 },
  );
});

test("malformed base64 is refused", () => {
  for (const text of ["A", "AA", "AAA", "AA=", "AB==", "AAB=", "====", "AA==AA==", "AAA\u0100"]) {
    const result = fromBase64(text);
    assert.equal(result.ok ? "accepted" : result.error.code, "FORMAT_TEXT", text);
  }
  for (const text of ["A", "AA==", "AB", "+w", "AA\n"]) assert.ok(!fromBase64url(text).ok, text);
  for (const text of ["0", "0g", "0x00", " 00"]) assert.ok(!fromHex(text).ok, text);
});

test("big-endian numbers, order, equality and joining", () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      assert.deepEqual(bigEndian(fromBigEndian(a), a.length), a);
      assert.equal(Math.sign(compare(a, b)), Buffer.compare(a, b));
      assert.equal(equal(a, b), Buffer.compare(a, b) === 0);
      assert.ok(equal(concat(a, b), Buffer.concat([a, b])));
    }),
  );
});

test("UTF-8 is strict, and keeps a byte order mark", () => {
  assert.equal(unwrap(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))), "\ufeffa");
  const malformed = [
    [0xff],
    [0xc0, 0x80], // an overlong zero
    [0xed, 0xa0, 0x80], // a surrogate
    [0xe2, 0x82], // cut off
  ];
  for (const bytes of malformed) {
    const result = fromUtf8(Uint8Array.from(bytes));
    assert.equal(result.ok ? "accepted" : result.error.code, "FORMAT_TEXT");
  }
});
