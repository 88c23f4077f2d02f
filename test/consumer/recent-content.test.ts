import assert from "node:assert/strict";
import { test } from "node:test";
import { openRecentContent } from "../../src/consumer/recent-content.ts";

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);

test("small content is there, as it was when it was put", () => {
  const recent = openRecentContent(100, 10);
  const content = bytes(10);
  recent.put("a", content);
  content.fill(0);
  assert.deepEqual(recent.get("a"), bytes(10));
  recent.put("b", bytes(11));
  assert.equal(recent.get("b"), undefined);
  recent.forget("a");
  assert.equal(recent.get("a"), undefined);
});

test("what was used longest ago goes first", () => {
  const recent = openRecentContent(30, 10);
  for (const name of ["a", "b", "c"]) recent.put(name, bytes(10));
  recent.get("a");
  recent.put("d", bytes(10));
  const there = ["a", "b", "c", "d"].filter((name) => recent.get(name) !== undefined);
  assert.deepEqual(there, ["a", "c", "d"]);
});

test("the same content counts once", () => {
  const recent = openRecentContent(30, 10);
  for (let times = 0; times < 9; times += 1) recent.put("a", bytes(10));
  recent.put("b", bytes(10));
  recent.put("c", bytes(10));
  assert.equal(["a", "b", "c"].filter((name) => recent.get(name) !== undefined).length, 3);
});
