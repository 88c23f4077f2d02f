import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseScripts } from "../../src/dists/entry-points.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { bytesOf, NOT_TEXT, refused } from "./expect.ts";

const parse = (text: string) => parseScripts(bytesOf(text));

test("commands of both groups, and of no other", () => {
  const text =
    "# a comment\n\n[other]\nx = anything at all\n[console_scripts]\r\n demo = pkg.mod:main.run [extra, two]\n" +
    "demo-2=pkg : main\n[ gui_scripts ]\nwin = a:b\n[console_scripts.x]\ny = z\n";
  assert.deepEqual(unwrap(parse(text)), [
    { group: "console_scripts", name: "demo", target: "pkg.mod:main.run [extra, two]" },
    { group: "console_scripts", name: "demo-2", target: "pkg : main" },
    { group: "gui_scripts", name: "win", target: "a:b" },
  ]);
  assert.deepEqual(unwrap(parse("")), []);
});

describe("entry points that are refused", () => {
  const of = (line: string) => `[console_scripts]\n${line}\n`;
  const cases: [string, string, Code, RegExp][] = [
    ["a line outside any group", "a = b:c\n", "DIST_METADATA", /outside any group/],
    ["an open group", "[console_scripts\n", "DIST_METADATA", /malformed group/],
    ["an empty group", "[]\n", "DIST_METADATA", /malformed group/],
    [
      "brackets that some strip",
      "[[console_scripts]]\na = b:c\n",
      "DIST_METADATA",
      /malformed group/,
    ],
    ["text after a group", "[x] # y\n", "DIST_METADATA", /malformed group/],
    ["a comment that is a name to some", of("; a = b:c"), "DIST_METADATA", /ambiguous line/],
    ["no equals sign", of("a: b"), "DIST_METADATA", /malformed command/],
    ["no name", of("= b:c"), "DIST_METADATA", /malformed command/],
    ["no function", of("a = b"), "DIST_METADATA", /malformed command/],
    ["code for a function", of("a = b:c;import os"), "DIST_METADATA", /malformed command/],
    ["code for a module", of("a = __import__('x'):c"), "DIST_METADATA", /malformed command/],
    ["a command twice", of("a = b:c\na = d:e"), "DIST_METADATA", /twice/],
    [
      "a command in both groups",
      `${of("a = b:c")}[gui_scripts]\na = d:e\n`,
      "DIST_METADATA",
      /twice/,
    ],
    ["a folder in a name", of("../a = b:c"), "DIST_PATH", /plain file name/],
    ["a backslash in a name", of("..\\a = b:c"), "DIST_PATH", /plain file name/],
    ["a drive in a name", of("C:a = b:c"), "DIST_PATH", /plain file name/],
    ["a dot", of(". = b:c"), "DIST_PATH", /plain file name/],
    ["two dots", of(".. = b:c"), "DIST_PATH", /plain file name/],
    ["a tab in a name", of("a\tb = b:c"), "DIST_PATH", /plain file name/],
    ...["\v", "\f", "\u001c", "\u0085", "\u2028", "\0"].map(
      (mark): [string, string, Code, RegExp] => [
        `a line end to some, U+${mark.charCodeAt(0).toString(16)}`,
        `[other]\nx = y${mark}[console_scripts]${mark}evil = os:system\n`,
        "DIST_METADATA",
        /control characters/,
      ],
    ),
  ];
  for (const [name, text, code, message] of cases) {
    test(name, () => refused(parse(text), code, message));
  }

  test("what is not UTF-8", () => refused(parseScripts(NOT_TEXT), "DIST_METADATA", /UTF-8/));
});
