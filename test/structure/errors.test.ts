import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HINTS } from "../../src/formats/errors.ts";
import { errorsDocument } from "./errors-doc.ts";

test("docs/errors.md is the table of codes", () => {
  const text = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
  assert.equal(text, errorsDocument(), "run npm run docs:errors");
});

for (const [code, hint] of Object.entries(HINTS)) {
  test(`${code} has a hint that is a sentence`, () => {
    assert.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    assert.match(hint, /^[A-Z].*[.]$/);
    assert.ok(hint.length <= 160, `${hint.length} characters`);
  });
}
