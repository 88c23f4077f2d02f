import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import type { Code } from "../../src/formats/errors.ts";
import { a, b, readAll, utf8 } from "./zip-reading.ts";
import { pack, writeZip, type ZipMember } from "./zip-writer.ts";

function deflated(text: string): Uint8Array {
  return new Uint8Array(deflateRawSync(utf8(text)));
}

describe("zips whose members collide, climb or lie", () => {
  const cases: [string, ZipMember[], RegExp, Code?][] = [
    ["the same name twice", [a, a], /collide/, "DIST_PATH"],
    ["the same name with another case", [a, { ...a, name: "A.TXT" }], /collide/, "DIST_PATH"],
    [
      "the same name composed otherwise",
      [{ name: "\u00e9" }, { name: "e\u0301" }],

      /collide/,
      "DIST_PATH",
    ],
    ["a file where a folder is", [b, { name: "b" }], /collide/, "DIST_PATH"],
    ["a folder where a file is", [{ name: "B" }, b], /collide/, "DIST_PATH"],
    ["a folder twice", [{ name: "x/" }, { name: "X/" }], /collide/, "DIST_PATH"],
    [
      "a file and a folder of one name",
      [{ name: "x" }, { name: "x/" }],

      /collide/,
      "DIST_PATH",
    ],
    ["..", [{ name: "../evil.py" }], /climbs/, "DIST_PATH"],
    [".. inside", [{ name: "a/../../evil.py" }], /climbs/, "DIST_PATH"],
    ["an absolute path", [{ name: "/etc/passwd" }], /absolute/, "DIST_PATH"],
    ["a backslash", [{ name: "..\\evil.py" }], /backslash/, "DIST_PATH"],
    ["a drive", [{ name: "C:evil.py" }], /drive/, "DIST_PATH"],
    ["NUL in a name", [{ name: "a.py\0.txt" }], /control/, "DIST_PATH"],
    ["a line end in a name", [{ name: "a\nb" }], /control/, "DIST_PATH"],
    ["an empty name", [{ name: "" }], /empty/, "DIST_PATH"],
    ["only a slash", [{ name: "/" }], /empty/, "DIST_PATH"],
    ["an empty segment", [{ name: "a//b" }], /empty segment/, "DIST_PATH"],
    ["a dot segment", [{ name: "./a" }], /empty segment/, "DIST_PATH"],
    ["a too long segment", [{ name: "x".repeat(256) }], /too long segment/, "DIST_PATH"],
    ["a too long path", [{ name: "x/".repeat(1100) + "x" }], /too long/, "DIST_PATH"],
    ["a version from the future", [{ ...a, central: { versionNeeded: 64 } }], /unknown version/],
    [
      "content of another checksum",
      [{ ...a, central: { crc32: 7 }, local: { crc32: 7 } }],

      /another checksum/,
    ],
    [
      "content shorter than said",
      [{ ...a, central: { size: 5 }, local: { size: 5 } }],

      /another size/,
    ],
    [
      "content longer than said",
      [{ ...a, central: { size: 3 }, local: { size: 3 } }],

      /another size/,
    ],
    [
      "bytes after the deflated end",
      [{ ...a, packed: pack(deflated("aaaa"), utf8("hidden")) }],

      /does not inflate/,
    ],
    [
      "a cut deflated end",
      [{ ...a, packed: deflated("aaaa").slice(0, -1) }],

      /does not inflate/,
    ],
  ];
  for (const [name, members, message, code = "DIST_ZIP"] of cases) {
    test(name, async () => {
      const outcome = await readAll(writeZip(members));
      assert.match(String(outcome.message), message);
      assert.equal(outcome.code, code);
    });
  }
});
