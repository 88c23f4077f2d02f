import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../src/formats/bytes.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { type Json, parseJson, readJson } from "../../src/formats/json.ts";
import { fail, ok, unwrap } from "../../src/formats/result.ts";

const parse = (text: string | Uint8Array) => parseJson(text, 10_000, "document");
const codeOf = (result: { ok: true } | { ok: false; error: { code: string } }): string =>
  result.ok ? "accepted" : result.error.code;

test("what the platform writes is read to the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.deepEqual(unwrap(parseJson(text, 1 << 20, "document")), JSON.parse(text));
      assert.deepEqual(unwrap(parseJson(utf8(text), 1 << 20, "document")), JSON.parse(text));
    }),
  );
});

test("what the platform refuses is refused, and nothing throws", () => {
  const unit = fc.constantFrom(...'[]{}:,"\\u0d8-+.eE1 tfn\n', "true", "null", '"a"');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      const result = parse(text);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return assert.equal(codeOf(result), "FORMAT_JSON", text);
      }
      if (result.ok) assert.deepEqual(result.value, value);
    }),
    { numRuns: 3000 },
  );
});

const REFUSED: Record<string, [string | Uint8Array, string]> = {
  "a duplicate key": ['{"a":1,"a":1}', "FORMAT_JSON"],
  "a duplicate key in another spelling": ['{"a":1,"\\u0061":1}', "FORMAT_JSON"],
  "a duplicate key far inside": ['[{"x":{"b":1,"c":2,"b":3}}]', "FORMAT_JSON"],
  "a duplicate __proto__": ['{"__proto__":1,"__proto__":2}', "FORMAT_JSON"],
  "a lone surrogate": ['"\\ud800"', "FORMAT_JSON"],
  "a number too large": ["1e400", "FORMAT_JSON"],
  "two values": ["1 2", "FORMAT_JSON"],
  "a comma too many": ["[1,]", "FORMAT_JSON"],
  "a comment": ["// 1\n1", "FORMAT_JSON"],
  "a byte order mark": ["\ufeff1", "FORMAT_JSON"],
  "a control character": ['"\u0001"', "FORMAT_JSON"],
  nothing: ["", "FORMAT_JSON"],
  "65 levels": ["[".repeat(65) + "]".repeat(65), "FORMAT_JSON"],
  "bytes that are not UTF-8": [Uint8Array.of(0x22, 0xff, 0x22), "FORMAT_TEXT"],
  "too many bytes": [" ".repeat(10_000) + "1", "FORMAT_SIZE"],
  "too many bytes in few characters": [`"${"\u20ac".repeat(4000)}"`, "FORMAT_SIZE"],
};
for (const [name, [text, code]] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assert.equal(codeOf(parse(text)), code));
}

test("64 levels are accepted", () => {
  assert.ok(parse("[".repeat(64) + "]".repeat(64)).ok);
});

test("deep nesting ends in a failure, not in a full stack", () => {
  assert.equal(codeOf(parseJson("[".repeat(1e6), 1 << 21, "document")), "FORMAT_JSON");
});

test("__proto__ is an ordinary member", () => {
  const value = unwrap(parse('{"__proto__":{"polluted":true}}'));
  assert.deepEqual(Object.keys(value as object), ["__proto__"]);
  assert.equal((value as { polluted?: boolean }).polluted, undefined);
});

const DOCUMENT = {
  text: "x",
  yes: true,
  count: 3,
  long: "9223372036854775807",
  bytes: "AQI=",
  digits: "0aFf",
  list: [1, 2, 3],
  nothing: null,
};
const read = <T>(shape: (json: Json) => T) => readJson(DOCUMENT, "BUNDLE_FORMAT", "bundle", shape);

test("readers give what they name", () => {
  assert.equal(unwrap(read((json) => json.field("text").string())), "x");
  assert.equal(unwrap(read((json) => json.field("yes").boolean())), true);
  assert.equal(unwrap(read((json) => json.field("count").integer())), 3);
  assert.equal(unwrap(read((json) => json.field("count").int64())), 3n);
  assert.equal(unwrap(read((json) => json.field("long").int64())), 2n ** 63n - 1n);
  assert.deepEqual(unwrap(read((json) => json.field("bytes").base64())), Uint8Array.of(1, 2));
  assert.deepEqual(unwrap(read((json) => json.field("digits").hex())), Uint8Array.of(10, 255));
  assert.equal(unwrap(read((json) => json.field("list").items(3).length)), 3);
  assert.equal(unwrap(read((json) => json.members(8).length)), 8);
  assert.equal(unwrap(read((json) => json.optional("nothing"))), undefined);
  assert.equal(unwrap(read((json) => json.optional("absent"))), undefined);
  assert.equal(unwrap(read((json) => json.take(ok(5)))), 5);
});

const MISREAD: Record<string, [(json: Json) => unknown, string]> = {
  "a missing field": [(json) => json.field("absent"), "bundle has no absent"],
  "a null field": [(json) => json.field("nothing"), "bundle has no nothing"],
  "a field of the prototype": [(json) => json.field("toString"), "bundle has no toString"],
  "a field of a text": [
    (json) => json.field("text").field("length"),
    "bundle.text is not an object",
  ],
  "a field of an array": [(json) => json.field("list").field("0"), "bundle.list is not an object"],
  "a text that is none": [(json) => json.field("count").string(), "bundle.count is not a string"],
  "a number that is none": [
    (json) => json.field("long").integer(),
    "bundle.long is not a whole number",
  ],
  "an int64 of letters": [
    (json) => json.field("text").int64(),
    "bundle.text is not a 64-bit whole number",
  ],
  "a flag that is none": [
    (json) => json.field("count").boolean(),
    "bundle.count is not true or false",
  ],
  "an item of an array": [
    (json) => json.field("list").items(3)[1]!.string(),
    "bundle.list[1] is not a string",
  ],
  "too many items": [(json) => json.field("list").items(2), "bundle.list has 3 items, more than 2"],
  "too many members": [(json) => json.members(7), "bundle has 8 members, more than 7"],
  "base64 that is none": [
    (json) => json.field("text").base64(),
    "bundle.text is wrong: not base64",
  ],
  "hex that is none": [(json) => json.field("text").hex(), "bundle.text is wrong: not hexadecimal"],
  "an unknown field": [
    (json) => json.only("text", "yes"),
    'bundle has a field that is not allowed there: "count"',
  ],
  "a failed part": [
    (json) => json.take(fail("CERT_FORMAT", "no certificate")),
    "bundle is wrong: no certificate",
  ],
};
for (const [name, [shape, message]] of Object.entries(MISREAD)) {
  test(`readers refuse ${name}`, () => {
    const result = read(shape);
    assert.ok(!result.ok);
    assert.equal(result.error.code, "BUNDLE_FORMAT");
    assert.equal(result.error.message, message);
  });
}

test("int64: the whole range, in one spelling", () => {
  const read64 = (value: unknown) => readJson(value, "FORMAT_JSON", "x", (json) => json.int64());
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(unwrap(read64(`${value}`)), value);
    }),
  );
  for (const value of ["9223372036854775808", "01", "-0", "+1", "1.0", "", " 1", 2 ** 53, 0.5]) {
    assert.equal(codeOf(read64(value)), "FORMAT_JSON", String(value));
  }
});

test("a bug inside a reader is not a failure", () => {
  assert.throws(() => read(() => assert.fail("bug")));
});

test("canonical JSON: the example of RFC 8785 §3.2.2 and §3.2.3", () => {
  const value = {
    numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  const expected =
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
    '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
  assert.equal(Buffer.from(canonicalJson(value)).toString(), expected);
});

test("canonical JSON sorts by UTF-16 code units and does not depend on the order of members", () => {
  const keys = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\ud83d\ude00": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  const text = Buffer.from(canonicalJson(keys)).toString();
  assert.deepEqual(
    [...text.matchAll(/:(\d)/g)].map(([, digit]) => digit),
    ["2", "4", "6", "7", "1", "5", "3"],
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      const bytes = canonicalJson(value);
      assert.deepEqual(canonicalJson(reversed), bytes);
      assert.deepEqual(canonicalJson(unwrap(parseJson(bytes, 1 << 20, "x"))), bytes);
    }),
  );
});

test("canonical JSON throws on what is no JSON", () => {
  for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY, "\ud800", 1n]) {
    assert.throws(() => canonicalJson(value), String(value));
  }
});
