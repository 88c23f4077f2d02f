import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { formatStatement, parseStatement } from "../../src/formats/statement.ts";

const subject = { name: "a.whl", digest: { sha256: hex(sha256(utf8("a"))) } };
const V1 = "https://in-toto.io/Statement/v1";
const statement = { _type: V1, subject: [subject], predicateType: "https://example.com/v1" };

describe("in-toto statements", () => {
  it("reads what it writes", () => {
    const bytes = formatStatement(
      [{ name: "a.whl", sha256: sha256(utf8("a")) }],
      "https://example.com/v1",
      { built: true },
    );
    assert.deepEqual(unwrap(parseStatement(bytes)), {
      subjects: [subject],
      predicateType: "https://example.com/v1",
      predicate: { built: true },
    });
  });

  it("reads version 0.1, further fields, and a statement without predicate", () => {
    const old = { ...statement, _type: "https://in-toto.io/Statement/v0.1", extra: 1 };
    assert.equal(unwrap(parseStatement(utf8(JSON.stringify(old)))).predicate, null);
  });

  it("reads a subject without a name", () => {
    const nameless = { ...statement, subject: [{ digest: subject.digest }] };
    const [first] = unwrap(parseStatement(utf8(JSON.stringify(nameless)))).subjects;
    assert.equal(first?.name, undefined);
  });

  const MALFORMED: readonly [string, unknown][] = [
    ["another type", { ...statement, _type: "https://in-toto.io/Statement/v2" }],
    ["no subject", { ...statement, subject: undefined }],
    ["an empty list of subjects", { ...statement, subject: [] }],
    ["too many subjects", { ...statement, subject: Array(1025).fill(subject) }],
    ["a subject without digest", { ...statement, subject: [{ name: "a" }] }],
    ["a digest in upper case", { ...statement, subject: [{ digest: { sha256: "AB" } }] }],
    ["an odd digest", { ...statement, subject: [{ digest: { sha256: "abc" } }] }],
    ["an empty digest", { ...statement, subject: [{ digest: { sha256: "" } }] }],
    [
      "too many digests",
      {
        ...statement,
        subject: [
          { digest: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, "00"])) },
        ],
      },
    ],
    ["no predicate type", { ...statement, predicateType: undefined }],
    ["a list", []],
  ];
  for (const [name, value] of MALFORMED) {
    it(`refuses ${name}`, () => {
      const result = parseStatement(utf8(JSON.stringify(value)));
      assert.ok(!result.ok);
      assert.equal(result.error.code, "STATEMENT_FORMAT");
    });
  }

  it("refuses duplicate keys and bytes that are no text", () => {
    for (const bytes of [utf8('{"_type":1,"_type":2}'), Uint8Array.of(255), utf8("")]) {
      const result = parseStatement(bytes);
      assert.ok(!result.ok);
      assert.equal(result.error.code, "STATEMENT_FORMAT");
    }
  });
});
