import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseHeaders } from "../../src/dists/headers.ts";
import {
  compareRelease,
  fieldValues,
  MAX_METADATA,
  parseMetadata,
} from "../../src/dists/metadata.ts";
import { parseName } from "../../src/dists/name.ts";
import { parseVersion } from "../../src/dists/version.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { bytesOf, NOT_TEXT, refused } from "./expect.ts";

const START = "Metadata-Version: 2.4\nName: Demo.Pkg\nVersion: 1.0RC1\n";
const parse = (text: string) => parseMetadata(bytesOf(text));

test("core metadata is read field by field", () => {
  const text = `${START}requires-python: >=3.10  \nClassifier: a\nCLASSIFIER: b\nDynamic: License\n\nLong\n\ntext\n`;
  const metadata = unwrap(parse(text));
  assert.equal(metadata.metadataVersion, "2.4");
  assert.equal(metadata.displayName, "Demo.Pkg");
  assert.equal(metadata.name, "demo-pkg");
  assert.equal(metadata.version, "1.0rc1");
  assert.equal(metadata.requiresPython, ">=3.10");
  assert.deepEqual(metadata.dynamic, ["license"]);
  assert.deepEqual(fieldValues(metadata, "Classifier"), ["a", "b"]);
  assert.deepEqual(fieldValues(metadata, "description"), ["Long\n\ntext\n"]);
  assert.deepEqual(fieldValues(metadata, "keywords"), []);
  assert.deepEqual(metadata.notes, []);
});

describe("metadata that is accepted", () => {
  const cases: [string, string][] = [
    ["with CRLF", START.replaceAll("\n", "\r\n")],
    ["without a line end", START.trimEnd()],
    ["with an empty body", `${START}\n\n`],
    ["with an empty field", `${START}Summary:\n`],
    ["with a continuation", `${START}License: a\n  b\n\tc\n`],
    ["with Unicode", `${START}Author: é日\u00a0\n`],
    ...["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.5"].map((v): [string, string] => [
      `of version ${v}`,
      START.replace("2.4", v),
    ]),
  ];
  for (const [name, text] of cases)
    test(name, () => assert.deepEqual(unwrap(parse(text)).notes, []));

  test("continuations keep their indent, and a newline before it", () => {
    const metadata = unwrap(parse(`${START}License: a\r\n  b\r\n`));
    assert.deepEqual(fieldValues(metadata, "license"), ["a\n  b"]);
  });

  test("of a newer minor version, with a note", () => {
    const { notes } = unwrap(parse(START.replace("2.4", "2.9")));
    assert.match(notes.join(), /2.9 is newer/);
  });
});

describe("metadata that is refused", () => {
  const cases: [string, string, Code, RegExp][] = [
    ["empty", "", "DIST_METADATA", /lacks the field metadata-version/],
    ["a blank line first", `\n${START}`, "DIST_METADATA", /lacks the field metadata-version/],
    ["no name", "Metadata-Version: 2.1\nVersion: 1\n", "DIST_METADATA", /lacks the field name/],
    ["no version", "Metadata-Version: 2.1\nName: x\n", "DIST_METADATA", /lacks the field version/],
    ["a bad name", START.replace("Demo.Pkg", "-"), "DIST_NAME", /project name/],
    ["a name that goes on", START.replace("Pkg\n", "Pkg\n  evil\n"), "DIST_NAME", /project name/],
    ["a name with a space that is none", START.replace("Pkg", "Pkg\u00a0"), "DIST_NAME", /project/],
    ["a bad version", START.replace("1.0RC1", "one"), "DIST_VERSION", /PEP 440/],
    ["an unknown major version", START.replace("2.4", "3.0"), "DIST_METADATA", /1.0 to 2.5/],
    ["a version that is no number", START.replace("2.4", "2.x"), "DIST_METADATA", /1.0 to 2.5/],
    ["the name twice", `${START}Name: other\n`, "DIST_METADATA", /field name more than once/],
    [
      "the name twice in another case",
      `${START}NAME: Demo.Pkg\n`,
      "DIST_METADATA",
      /name more than/,
    ],
    ["two descriptions", `${START}Description: a\n\nb\n`, "DIST_METADATA", /description more than/],
    ["a dynamic name", `${START}Dynamic: Name\n`, "DIST_METADATA", /marks name as dynamic/],
    [
      "a dynamic version",
      `${START}Dynamic: version\n`,
      "DIST_METADATA",
      /marks version as dynamic/,
    ],
    ["a continuation first", ` x\n${START}`, "DIST_METADATA", /no header/],
    ["a byte order mark", `\ufeff${START}`, "DIST_METADATA", /no header/],
    ["a line without colon", `${START}evil\n`, "DIST_METADATA", /no header/],
    ["a space before the colon", `${START}Summary : x\n`, "DIST_METADATA", /no header/],
    ["a mailbox line", `From x\n${START}`, "DIST_METADATA", /no header/],
    ...[
      "\r",
      "\0",
      "\v",
      "\f",
      "\u001c",
      "\u001d",
      "\u001e",
      "\u007f",
      "\u0085",
      "\u2028",
      "\u2029",
    ].map((mark): [string, string, Code, RegExp] => [
      `a line end to some, U+${mark.charCodeAt(0).toString(16)}`,
      `${START}Summary: x${mark}Requires-Dist: evil\n`,
      "DIST_METADATA",
      /control character/,
    ]),
    ["too many fields", START + "A: b\n".repeat(20_000), "DIST_METADATA", /more than 20000/],
    ["too many lines", START + " x\n".repeat(200_000), "DIST_METADATA", /more than 200000 lines/],
    ["too many bytes", START + "A".repeat(MAX_METADATA), "FORMAT_SIZE", /over/],
  ];
  for (const [name, text, code, message] of cases) {
    test(name, () => refused(parse(text), code, message));
  }

  test("what is not UTF-8", () => refused(parseMetadata(NOT_TEXT), "DIST_METADATA", /UTF-8/));
});

test("headers keep the spelling of their names, and a body as it is", () => {
  const parsed = unwrap(parseHeaders(bytesOf("A-b: 1\n\n x \r\n"), "it"));
  assert.deepEqual(parsed, { headers: [{ name: "A-b", value: "1" }], body: " x \r\n" });
});

test("metadata of another release than the file name", () => {
  const metadata = unwrap(parse(START));
  const of = (name: string, version: string) => ({
    filename: "f",
    name: unwrap(parseName(name)),
    version: unwrap(parseVersion(version)),
  });
  assert.equal(compareRelease(metadata, of("demo_pkg", "1.0rc1")).ok, true);
  refused(compareRelease(metadata, of("demo", "1.0rc1")), "DIST_METADATA", /Demo.Pkg/);
  refused(compareRelease(metadata, of("demo-pkg", "1.0")), "DIST_VERSION", /1.0rc1/);
});
