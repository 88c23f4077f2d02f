import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDistributionFilename, type WheelFilename } from "../../src/dists/filename.ts";
import { compareWheelFile, parseWheelFile } from "../../src/dists/wheel-file.ts";
import { unwrap } from "../../src/formats/result.ts";
import { bytesOf, NOT_TEXT, refused } from "./expect.ts";

const WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n";
const parse = (text: string) => parseWheelFile(bytesOf(text));

test("WHEEL is read", () => {
  const text = `${WHEEL}Generator: x 1\nTag: cp310.cp311-none-any\nBuild: 2\n`;
  assert.deepEqual(unwrap(parse(text)), {
    rootIsPurelib: false,
    generator: "x 1",
    tags: ["cp310-none-any", "cp311-none-any", "py3-none-any"],
    build: "2",
    notes: [],
  });
});

test("a newer minor version is noted", () => {
  assert.match(unwrap(parse(WHEEL.replace("1.0", "1.9"))).notes.join(), /1.9 is newer/);
});

describe("WHEELs that are refused", () => {
  const cases: [string, string, RegExp][] = [
    ["no version", WHEEL.replace("Wheel-Version: 1.0\n", ""), /has version ""/],
    ["two versions", `${WHEEL}wheel-version: 1.0\n`, /has version ""/],
    ["a major version", WHEEL.replace("1.0", "2.0"), /has version "2.0"/],
    ["no root", WHEEL.replace("Root", "Root2"), /Root-Is-Purelib/],
    ["another root", WHEEL.replace("false", "maybe"), /Root-Is-Purelib/],
    ["no tags", WHEEL.replace("Tag", "Tog"), /no tags/],
    ["a short tag", WHEEL.replace("-any", ""), /malformed/],
    ["a long tag", WHEEL.replace("-any", "-any-x"), /malformed/],
    [
      "tags that stand for too many",
      WHEEL.replace("py3-none-any", Array(3).fill(Array(41).fill("a").join(".")).join("-")),
      /no tags, or malformed/,
    ],
    ["two builds", `${WHEEL}Build: 1\nBuild: 2\n`, /build more than once/],
    ["a body", `${WHEEL}\ntext\n`, /text after/],
    ["a line that is no header", `${WHEEL}text\n`, /no header/],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => refused(parse(text), "DIST_METADATA", message));
  }

  test("what is not UTF-8", () => refused(parseWheelFile(NOT_TEXT), "DIST_METADATA", /UTF-8/));
});

describe("WHEEL and the file name", () => {
  const named = (text: string) => unwrap(parseDistributionFilename(text)) as WheelFilename;
  const file = unwrap(parse(WHEEL));

  test("agree", () => {
    assert.equal(compareWheelFile(file, named("d-1-py3-none-any.whl")).ok, true);
    const built = unwrap(parse(`${WHEEL}Build: 3\n`));
    assert.equal(compareWheelFile(built, named("d-1-3-py3-none-any.whl")).ok, true);
    refused(compareWheelFile(built, named("d-1-py3-none-any.whl")), "DIST_METADATA", /has build 3/);
  });

  test("differ in few tags, or in many", () => {
    const other = named("d-1-py2.py3-none-any.whl");
    refused(compareWheelFile(file, other), "DIST_METADATA", /says py2-none-any py3-none-any$/);
    const many = named("d-1-a.b.c.d.e.f.g-none-any.whl");
    refused(compareWheelFile(file, many), "DIST_METADATA", /f-none-any …$/);
  });

  test("differ in the build", () => {
    refused(compareWheelFile(file, named("d-1-3-py3-none-any.whl")), "DIST_METADATA", /name 3/);
  });
});
