import assert from "node:assert/strict";
import { test } from "node:test";
import { visible } from "../../src/formats/visible.ts";

const CASES: readonly (readonly [string, string, string])[] = [
  ["an escape sequence", "\u001b[31mred", "\\u{1b}[31mred"],
  ["a carriage return", "good\rbad", "good\\u{d}bad"],
  ["a right-to-left override", "a\u202eb", "a\\u{202e}b"],
  ["a zero-width space", "a\u200bb", "a\\u{200b}b"],
  ["a byte order mark", "\ufeffa", "\\u{feff}a"],
  ["a line separator", "a\u2028b", "a\\u{2028}b"],
  ["a tag character beyond the BMP", "a\u{e0041}b", "a\\u{e0041}b"],
  ["plain text of any script", "Grüße, 世界\t1\n2", "Grüße, 世界\t1\n2"],
];

for (const [what, text, shown] of CASES) {
  test(`${what} is shown as ${JSON.stringify(shown)}`, () => assert.equal(visible(text), shown));
}
