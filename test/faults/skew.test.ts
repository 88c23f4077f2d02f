import assert from "node:assert/strict";
import { test } from "node:test";
import { SKEWS, TUF_SKEWS, trySkews, tryTufSkews } from "./skew.ts";

test("clocks that are wrong are named, or do no harm", async () => {
  assert.deepEqual(await trySkews(SKEWS), []);
});

test("a TUF client and its repository may differ by minutes", async () => {
  assert.deepEqual(await tryTufSkews(TUF_SKEWS), []);
});
