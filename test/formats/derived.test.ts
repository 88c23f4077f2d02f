import assert from "node:assert/strict";
import { test } from "node:test";
import { derived } from "../../src/formats/derived.ts";

test("what is derived of an object is read once, and of another one that is equal again", () => {
  let reads = 0;
  const length = derived(({ text }: { text: string }) => {
    reads += 1;
    return { length: text.length };
  });
  const one = { text: "abc" };
  assert.equal(length(one), length(one));
  assert.deepEqual(length({ ...one }), { length: 3 });
  assert.equal(reads, 2);
});

test("what throws is not kept", () => {
  let reads = 0;
  const failing = derived(() => {
    reads += 1;
    throw new Error(`${reads}`);
  });
  const one = {};
  assert.throws(() => failing(one), /1/);
  assert.throws(() => failing(one), /2/);
});
