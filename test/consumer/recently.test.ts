import assert from "node:assert/strict";
import { test } from "node:test";
import { openRecently } from "../../src/consumer/recently.ts";

test("something is new once in its time, and nothing is where there is no room", () => {
  const recently = openRecently(2, 100);
  assert.equal(recently.note("a", 0), true);
  assert.equal(recently.note("a", 99), false);
  assert.equal(recently.has("a", 99), true);
  assert.equal(recently.note("b", 50), true);
  assert.equal(recently.note("c", 60), false);
  assert.equal(recently.has("c", 60), false);
  assert.equal(recently.note("a", 100), true);
  assert.deepEqual(
    ["a", "b", "c"].map((what) => recently.has(what, 149)),
    [true, true, false],
  );
  assert.equal(recently.note("c", 150), true);
});
