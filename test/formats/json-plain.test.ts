import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseJson } from "../../src/formats/json.ts";
import { parsePlainJson } from "../../src/formats/json-plain.ts";

const parse = (text: string) => parsePlainJson(text, 64, 1 << 20);

/** A text, what it means, and whether two members of one object have the same name. */
type Written = { readonly text: string; readonly repeats: boolean };

const NAMES = fc.constantFrom("a", "b", 'q"', "__proto__", "x:", '":', "é");
/** Several spellings of one name. */
const nameText = fc.tuple(NAMES, fc.boolean()).map(([name, escaped]) => ({
  name,
  text: escaped
    ? `"${[...name].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`
    : JSON.stringify(name),
}));
const space = fc.constantFrom("", "", "", " ", "\n");

const { value } = fc.letrec<{ value: Written; object: Written; array: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom("1", "true", '"s"', '"\\":"', '"a":'.slice(0, 3), "null", "-0").map((text) => ({
      text,
      repeats: false,
    })),
    tie("object"),
    tie("array"),
  ),
  array: fc.array(tie("value"), { maxLength: 3 }).map((items) => ({
    text: `[${items.map(({ text }) => text).join(",")}]`,
    repeats: items.some(({ repeats }) => repeats),
  })),
  object: fc.array(fc.tuple(nameText, space, tie("value")), { maxLength: 4 }).map((members) => ({
    text: `{${members.map(([name, gap, one]) => `${name.text}${gap}:${one.text}`).join(",")}}`,
    repeats:
      new Set(members.map(([{ name }]) => name)).size < members.length ||
      members.some(([, , { repeats }]) => repeats),
  })),
}));

test("no text with a repeated name is read, however it is written, and no other is read otherwise", () => {
  let read = 0;
  fc.assert(
    fc.property(value, ({ text, repeats }) => {
      const plain = parse(text);
      const strict = parseJson(text, 1 << 20, "text");
      assert.equal(strict.ok, !repeats, text);
      if (repeats) assert.equal(plain, undefined, text);
      if (plain === undefined) return;
      read += 1;
      assert.deepEqual(plain, JSON.parse(text));
    }),
    { numRuns: 5000 },
  );
  assert.ok(read > 500, `${read}`);
});

describe("is left to the strict parser", () => {
  const cases: [string, string][] = [
    ["a repeated name", '{"a":1,"a":2}'],
    ["a repeated name whose colon hides", '{"a":1,"a" :2,"b":"\\":"}'],
    ["a name of two spellings", '{"a/":1,"a\\/":2}'],
    ["an escape that may be half a character", '"\\ud800"'],
    ["half a character", '"\ud800"'],
    ["a number too large", "[1e999]"],
    ["what is nested too deeply", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["what would be nested a million times", `${"[".repeat(3 << 20)}${"]".repeat(3 << 20)}`],
    ["more than one value", "1 2"],
    ["nothing", ""],
    ["a byte order mark", "\ufeff1"],
  ];
  for (const [what, text] of cases) test(what, () => assert.equal(parse(text), undefined));

  test("more values than its limit", () => {
    assert.equal(parsePlainJson("[1,2,3]", 64, 3), undefined);
    assert.deepEqual(parsePlainJson("[1,2]", 64, 3), [1, 2]);
  });
});

test("what is nested as deeply as may be is read", () => {
  const text = `${"[".repeat(64)}${"]".repeat(64)}`;
  assert.deepEqual(parse(text), JSON.parse(text));
});
