import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../src/formats/bytes.ts";
import { fail, ok } from "../../src/formats/result.ts";
import { readOnce } from "../../src/stages/read-once.ts";

test("a file that was looked for is not read again for its content, and not kept after that", async () => {
  const asked: string[] = [];
  const source = readOnce(async (name) => {
    asked.push(name);
    return ok(utf8(`${name} ${asked.length}`));
  });
  assert.deepEqual(await source("a"), ok(utf8("a 1")));
  assert.deepEqual(await source("a"), ok(utf8("a 1")));
  assert.deepEqual(await source("b"), ok(utf8("b 2")));
  assert.deepEqual(asked, ["a", "b"]);
});

test("that it is absent, or cannot be read, is the same answer both times", async () => {
  const answers = [ok(undefined), fail("FILE_UNREADABLE", "gone"), ok(utf8("late"))];
  const source = readOnce(async () => answers.shift() ?? ok(undefined));
  assert.deepEqual([await source("a"), await source("a")], [ok(undefined), ok(undefined)]);
  const failed = [await source("b"), await source("b")];
  assert.deepEqual(failed[0], failed[1]);
  assert.equal(failed[0]?.ok, false);
});
