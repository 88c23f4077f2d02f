import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, hex, utf8 } from "../../src/formats/bytes.ts";
import {
  bitString,
  boolean,
  certificateTime,
  children,
  contextTag,
  type DerNode,
  der,
  generalizedTime,
  integer,
  octetString,
  oid,
  readBitString,
  readBoolean,
  readDer,
  readInteger,
  readOid,
  readTime,
  sequence,
  setOf,
  TAG,
  utf8String,
} from "../../src/formats/der.ts";
import { unwrap } from "../../src/formats/result.ts";

const node = (bytes: Uint8Array): DerNode => unwrap(readDer(bytes));
const fromText = (text: string): Uint8Array => unwrap(fromHex(text.replaceAll(" ", "")));

test("lengths around every change of form are read back", () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
    const content = new Uint8Array(length).fill(7);
    assert.deepEqual(node(octetString(content)).content, content);
  }
});

test("BER is not DER", () => {
  const cases = {
    nothing: "",
    "no length": "04",
    "indefinite length": "30 80 00 00",
    "length in long form without need": "04 81 01 00",
    "length with a leading zero": "04 82 00 80" + "00".repeat(128),
    "length in five bytes": "04 85 00 00 00 00 00",
    "content cut off": "04 02 00",
    "a byte behind": "04 00 00",
    "a high tag number": "1f 81 01 00",
  };
  for (const [name, text] of Object.entries(cases)) {
    const result = readDer(fromText(text));
    assert.equal(result.ok ? "accepted" : result.error.code, "FORMAT_DER", name);
  }
  assert.ok(!children(node(fromText("30 03 04 05 00"))).ok);
});

test("elements inside a sequence come back in order", () => {
  const parts = [integer(1), utf8String("x"), boolean(true), bitString(Uint8Array.of(5))];
  const read = unwrap(children(node(sequence(...parts))));
  assert.deepEqual(
    read.map(({ bytes }) => hex(bytes)),
    parts.map(hex),
  );
});

test("whole numbers: encoded minimally, read back, refused if padded", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (value) => {
      assert.equal(readInteger(node(integer(value))), value);
    }),
  );
  for (const [text, value] of [
    ["02 01 ff", -1n],
    ["02 01 80", -128n],
    ["02 02 ff 7f", -129n],
    ["02 02 00 80", 128n],
    ["02 00", undefined],
    ["02 02 00 7f", undefined],
    ["02 02 ff 80", undefined],
  ] as const) {
    assert.equal(readInteger(node(fromText(text))), value, text);
  }
});

test("object identifiers: vectors, and back and forth", () => {
  assert.equal(hex(oid("1.2.840.113549")), "06062a864886f70d");
  assert.equal(hex(oid("2.999.3")), "0603883703");
  const arcs = fc.tuple(
    fc.nat(2),
    fc.nat(39),
    fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n }), { maxLength: 6 }),
  );
  fc.assert(
    fc.property(arcs, ([top, second, rest]) => {
      const dotted = [top, second, ...rest].join(".");
      assert.equal(readOid(node(oid(dotted)).content), dotted);
    }),
  );
  for (const text of ["", "80 01", "2a 80 01", "2a 86", "01".repeat(65)]) {
    assert.equal(readOid(fromText(text)), undefined, text);
  }
});

test("booleans and bit strings", () => {
  assert.equal(readBoolean(node(boolean(true))), true);
  assert.equal(readBoolean(node(boolean(false))), false);
  assert.equal(readBoolean(node(fromText("01 01 01"))), undefined);
  assert.equal(readBoolean(node(fromText("01 02 ff ff"))), undefined);
  assert.deepEqual(readBitString(node(bitString(Uint8Array.of(1, 2)))), Uint8Array.of(1, 2));
  assert.equal(readBitString(node(fromText("03 02 01 80"))), undefined);
  assert.equal(readBitString(node(fromText("03 00"))), undefined);
});

test("SET OF is in the order of the encodings", () => {
  const set = setOf(integer(300), integer(2), octetString(new Uint8Array(0)), integer(1));
  assert.equal(hex(set), "310c" + "020101" + "020102" + "0202012c" + "0400");
});

test("times: UTC only, every field in its range, fractions of any length", () => {
  const utc = (text: string) => readTime(node(der(TAG.UTC_TIME, utf8(text))));
  const general = (text: string) => readTime(node(der(TAG.GENERALIZED_TIME, utf8(text))));
  const noon = Date.UTC(2024, 1, 29, 12, 30, 59);
  assert.equal(utc("240229123059Z"), noon);
  assert.equal(utc("491231235959Z"), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(utc("500101000000Z"), Date.UTC(1950, 0, 1));
  assert.equal(general("20240229123059Z"), noon);
  assert.equal(general("20240229123059.45Z"), noon + 450);
  assert.equal(general("20240229123059.5Z"), noon + 500);
  assert.equal(general("20240229123059.0019999999Z"), noon + 1);
  assert.equal(general("20240229123059.290Z"), noon + 290);
  const malformed = [
    "20240230123059Z",
    "20230229123059Z",
    "20240229240000Z",
    "20240229126059Z",
    "20240229123060Z",
    "20240229123059",
    "20240229123059+0100",
    "20240229123059.Z",
    "20240229123059,5Z",
    "202402291230Z",
    `20240229123059.${"1".repeat(33)}Z`,
  ];
  for (const text of malformed) assert.equal(general(text), undefined, text);
  for (const text of ["2402291230Z", "240229123059.5Z", " 40229123059Z", "20240229123059Z"]) {
    assert.equal(utc(text), undefined, text);
  }
  assert.equal(readTime(node(utf8String("20240229123059Z"))), undefined);
});

test("times are written as RFC 5280 wants them", () => {
  const seconds = fc.integer({ min: 0, max: Date.UTC(2099, 0, 1) / 1000 });
  fc.assert(
    fc.property(seconds, (value) => {
      const time = value * 1000;
      const certificate = node(certificateTime(time));
      assert.equal(readTime(certificate), time);
      const late = time >= Date.UTC(2050, 0, 1);
      assert.equal(certificate.tag, late ? TAG.GENERALIZED_TIME : TAG.UTC_TIME);
      assert.equal(readTime(node(generalizedTime(time))), time);
    }),
  );
});

test("context tags", () => {
  assert.equal(contextTag(0), 0xa0);
  assert.equal(contextTag(6, false), 0x86);
});

test("whatever is read as DER encodes to the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const result = readDer(bytes);
      if (result.ok) assert.equal(hex(der(result.value.tag, result.value.content)), hex(bytes));
    }),
    { numRuns: 2000 },
  );
});
