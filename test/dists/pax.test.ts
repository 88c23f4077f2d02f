import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parsePax } from "../../src/dists/pax.ts";
import { unwrap } from "../../src/formats/result.ts";
import { bytesOf, refused } from "./expect.ts";
import { paxRecords } from "./tar-writer.ts";

test("any records come back", () => {
  const keyword = fc.stringMatching(/^[a-z]{1,9}(\.[a-z ]{1,9})?$/).filter((k) => k !== "charset");
  const value = fc.string({ unit: "binary", maxLength: 120 });
  fc.assert(
    fc.property(fc.dictionary(keyword, value, { maxKeys: 5, noNullPrototype: true }), (records) => {
      const parsed = unwrap(parsePax(bytesOf(paxRecords(records))));
      assert.deepEqual(Object.fromEntries(parsed), records);
    }),
    { numRuns: 200 },
  );
});

describe("pax records that are refused", () => {
  const cases: [string, string, RegExp][] = [
    ["no length", "path=x\n", /malformed/],
    ["only a length", "5", /malformed/],
    ["a length of zero", "0 a=b\n", /malformed/],
    ["a zero first", "06 a=b\n", /malformed/],
    ["a sign", "+6 a=b\n", /malformed/],
    ["a length beyond the end", "7 a=b\n", /malformed/],
    ["a length before its own end", "1 a=b\n", /malformed/],
    ["a short length", "5 a=b\n", /malformed/],
    ["a huge length", "99999999 a=b\n", /malformed/],
    ["no equals sign", "5 ab\n", /malformed/],
    ["no keyword", "5 =b\n", /malformed/],
    ["bytes after a record", "6 a=b\nx", /malformed/],
    ["NULs after a record", "6 a=b\n\0\0", /malformed/],
    ["a keyword twice", "6 a=b\n6 a=c\n", /"a" twice/],
    ["a sparse file", paxRecords({ "GNU.sparse.name": "x" }), /not supported/],
    ["another sparse file", paxRecords({ "SCHILY.realsize": "1" }), /not supported/],
    ["a third one", paxRecords({ "SUN.holesdata": "1" }), /not supported/],
    ["a character set", paxRecords({ hdrcharset: "BINARY" }), /not supported/],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => refused(parsePax(bytesOf(text)), "DIST_TAR", message));
  }

  test("what is not UTF-8", () => {
    refused(
      parsePax(Uint8Array.from(Buffer.from("6 a=\xff\n", "latin1"))),
      "DIST_TAR",
      /malformed/,
    );
  });
});
