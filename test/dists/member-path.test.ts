import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { foldersAbove, parseMemberPath, pathRegister } from "../../src/dists/member-path.ts";
import { unwrap } from "../../src/formats/result.ts";
import { refused } from "./expect.ts";

describe("member paths", () => {
  for (const text of [
    "a",
    "a/b.c/d",
    "..a/b..",
    "日本/ä",
    "a b",
    ".hidden",
    "ab:c",
    `${"x".repeat(255)}/y`,
  ]) {
    test(text.slice(0, 20), () => assert.equal(unwrap(parseMemberPath(text)), text));
  }

  const bad: [string, RegExp][] = [
    ["", /empty/],
    ["a".repeat(2049), /too long/],
    ["a".repeat(256), /too long segment/],
    ["a/".repeat(100) + "b", /too deep/],
    ["a\0", /control/],
    ["a\u0085", /control/],
    ["a\u2028", /control/],
    ["a\\b", /backslash/],
    ["/a", /absolute/],
    ["//a", /absolute/],
    ["C:a", /drive/],
    ["..", /climbs/],
    ["a/..", /climbs/],
    [".", /empty segment/],
    ["a/./b", /empty segment/],
    ["a//b", /empty segment/],
    ["a/", /empty segment/],
    ["a/.../b", /dots or spaces/],
    ["a/ ", /dots or spaces/],
    [".. /a", /dots or spaces/],
  ];
  for (const [text, message] of bad) {
    test(`${JSON.stringify(text.slice(0, 20))} is refused`, () =>
      refused(parseMemberPath(text), "DIST_PATH", message));
  }
});

test("the folders above a path", () => {
  assert.deepEqual(foldersAbove("a/b/c"), ["a/b", "a"]);
  assert.deepEqual(foldersAbove("a"), []);
});

describe("paths that collide", () => {
  type Step = [path: string, kind: "folder" | "leaf"];
  const cases: [string, Step, Step, boolean][] = [
    ["the same file", ["a", "leaf"], ["a", "leaf"], true],
    ["another case", ["a/B", "leaf"], ["a/b", "leaf"], true],
    ["another composition", ["\u00e9", "leaf"], ["e\u0301", "leaf"], true],
    ["sharp s", ["stra\u00dfe", "leaf"], ["STRASSE", "leaf"], true],
    ["a Kelvin sign", ["\u212a", "leaf"], ["k", "leaf"], true],
    ["dots at the end", ["a", "leaf"], ["a. .", "leaf"], true],
    ["dots at the end of a folder", ["a./b", "leaf"], ["a/b", "leaf"], true],
    ["ignored characters", ["a\ufeff", "leaf"], ["a", "leaf"], true],
    ["what becomes an underscore", ["a?", "leaf"], ["a_", "leaf"], true],
    ["a folder and a file", ["a", "folder"], ["A", "leaf"], true],
    ["a file and a folder", ["a", "leaf"], ["A", "folder"], true],
    ["a file below a file", ["a", "leaf"], ["A/b", "leaf"], true],
    ["a file above a file", ["a/b", "leaf"], ["A", "leaf"], true],
    ["a folder twice", ["a", "folder"], ["A", "folder"], true],
    ["a folder after its content", ["a/b", "leaf"], ["a", "folder"], false],
    ["a folder before its content", ["a", "folder"], ["a/b", "leaf"], false],
    ["other files", ["a/b", "leaf"], ["a/c", "leaf"], false],
    ["one name in two folders", ["a/b", "leaf"], ["c/b", "leaf"], false],
  ];
  for (const [name, first, second, collide] of cases) {
    test(name, () => {
      const register = pathRegister();
      unwrap(register.add(...first));
      const outcome = register.add(...second);
      if (collide) refused(outcome, "DIST_PATH", /collide/);
      else assert.equal(outcome.ok, true);
    });
  }
});
