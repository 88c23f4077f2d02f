import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { escapeName, parseName, shown } from "../../src/dists/name.ts";
import { unwrap } from "../../src/formats/result.ts";
import { refused } from "./expect.ts";

describe("names", () => {
  // PEP 503: all of these are one project.
  for (const text of [
    "friendly-bard",
    "Friendly-Bard",
    "FRIENDLY-BARD",
    "friendly.bard",
    "friendly_bard",
    "friendly--bard",
    "FrIeNdLy-._.-bArD",
  ]) {
    test(text, () => {
      const name = unwrap(parseName(text));
      assert.equal(name, "friendly-bard");
      assert.equal(escapeName(name), "friendly_bard");
    });
  }

  test("of one character", () => assert.equal(unwrap(parseName("A")), "a"));

  const bad = [
    "",
    "-a",
    "a-",
    "_",
    ".",
    "a b",
    "a/b",
    "ä",
    "a\n",
    "\na",
    "a\u212a",
    "a".repeat(256),
  ];
  for (const text of bad) {
    test(`${JSON.stringify(text.slice(0, 20))} is none`, () =>
      refused(parseName(text), "DIST_NAME"));
  }
});

test("text of strangers is quoted and cut", () => {
  assert.equal(shown("a\n\u001b"), '"a\\n\\u001b"');
  assert.equal(shown("x".repeat(500)).length, 123);
});
