import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseCsv, parseRecord } from "../../src/dists/record.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { bytesOf, NOT_TEXT, refused } from "./expect.ts";

const RECORD = "d.dist-info/RECORD";
const SELF = `${RECORD},,\n`;
const HASH = `sha256=${"A".repeat(43)}`;
const parse = (text: string) => parseRecord(bytesOf(text), RECORD);

test("a line a file, with hash and size", () => {
  const record = unwrap(
    parse(`"a,""b"".py",${HASH},12\r\nc.py,sha512=${"A".repeat(86)},\n${SELF.trim()}`),
  );
  assert.deepEqual([...record.keys()], ['a,"b".py', "c.py"]);
  assert.deepEqual(record.get('a,"b".py'), {
    path: 'a,"b".py',
    hash: "sha256",
    digest: new Uint8Array(32),
    size: 12,
  });
  assert.equal("size" in record.get("c.py")!, false);
});

describe("RECORDs that are refused", () => {
  const cases: [string, string, Code, RegExp][] = [
    ["empty", "", "DIST_RECORD", /does not list itself/],
    ["without itself", `a,${HASH},1\n`, "DIST_RECORD", /does not list itself/],
    ["itself twice", SELF + SELF, "DIST_RECORD", /twice/],
    ["itself with a hash", `${RECORD},${HASH},\n`, "DIST_RECORD", /for itself/],
    ["itself with a size", `${RECORD},,5\n`, "DIST_RECORD", /for itself/],
    ["a file twice", `a,${HASH},1\na,${HASH},1\n${SELF}`, "DIST_RECORD", /twice/],
    ["two fields", `a,${HASH}\n${SELF}`, "DIST_RECORD", /2 fields/],
    ["four fields", `a,${HASH},1,\n${SELF}`, "DIST_RECORD", /4 fields/],
    ["one field", `a\n${SELF}`, "DIST_RECORD", /1 fields/],
    ["an empty line", `\n${SELF}`, "DIST_RECORD", /empty line/],
    ["a lone CR", `a,${HASH},1\r${SELF}`, "DIST_RECORD", /malformed line/],
    ["an open quote", `"a,${HASH},1\n${SELF}`, "DIST_RECORD", /malformed line/],
    ["a quote inside", `a"b,${HASH},1\n${SELF}`, "DIST_RECORD", /malformed line/],
    ["text after a quote", `"a"b,${HASH},1\n${SELF}`, "DIST_RECORD", /malformed line/],
    ["no hash", `a,,1\n${SELF}`, "DIST_RECORD", /no hash/],
    ["MD5", `a,md5=AAAA,1\n${SELF}`, "DIST_RECORD", /kind "md5"/],
    ["a hash without name", `a,${"A".repeat(43)},1\n${SELF}`, "DIST_RECORD", /kind ""/],
    [
      "a hash of an inherited name",
      `a,constructor=AA,1\n${SELF}`,
      "DIST_RECORD",
      /kind "constructor"/,
    ],
    [
      "a hash of upper case",
      `a,SHA256=${"A".repeat(43)},1\n${SELF}`,
      "DIST_RECORD",
      /kind "SHA256"/,
    ],
    ["a short hash", `a,sha256=AAAA,1\n${SELF}`, "DIST_RECORD", /malformed hash/],
    ["a padded hash", `a,${HASH}=,1\n${SELF}`, "DIST_RECORD", /malformed hash/],
    [
      "a hash with spare bits",
      `a,sha256=${"A".repeat(42)}B,1\n${SELF}`,
      "DIST_RECORD",
      /malformed/,
    ],
    ["a negative size", `a,${HASH},-1\n${SELF}`, "DIST_RECORD", /bad size/],
    ["a size with a zero first", `a,${HASH},01\n${SELF}`, "DIST_RECORD", /bad size/],
    ["a line of very many fields", `${",".repeat(100)}\n${SELF}`, "DIST_RECORD", /too long/],
    ["a field of any length", `"${"a".repeat(5000)}",,\n`, "DIST_RECORD", /malformed line/],
    ["very many lines", ",,\n".repeat(500_001), "DIST_RECORD", /too long/],
    ["a huge size", `a,${HASH},${"9".repeat(16)}\n${SELF}`, "DIST_RECORD", /bad size/],
    ["a path up", `../a,${HASH},1\n${SELF}`, "DIST_PATH", /climbs/],
    ["an absolute path", `/a,${HASH},1\n${SELF}`, "DIST_PATH", /absolute/],
    ["a path of two lines", `"a\nb",${HASH},1\n${SELF}`, "DIST_PATH", /control/],
    ["a signature", `${RECORD}.jws,${HASH},1\n${SELF}`, "DIST_RECORD", /RECORD.jws/],
    ["another signature", `${RECORD}.p7s,,\n${SELF}`, "DIST_RECORD", /RECORD.p7s/],
  ];
  for (const [name, text, code, message] of cases) {
    test(name, () => refused(parse(text), code, message));
  }

  test("what is not UTF-8", () => refused(parseRecord(NOT_TEXT, RECORD), "DIST_RECORD", /UTF-8/));
});

test("any rows come back through quotes", () => {
  const field = fc.string({ unit: "binary", maxLength: 8 });
  const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.constantFrom("\n", "\r\n"), (table, end) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = table.map((row) => row.map(quote).join(",") + end).join("");
      assert.deepEqual(unwrap(parseCsv(text)), table);
    }),
    { numRuns: 200 },
  );
});
