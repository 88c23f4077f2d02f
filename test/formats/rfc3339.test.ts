import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRfc3339, rfc3339 } from "../../src/formats/rfc3339.ts";

describe("RFC 3339 times", () => {
  const TABLE: readonly [string, number | undefined][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["1970-01-01T00:00:00.5Z", 500],
    ["1970-01-01T00:00:00.123456789Z", 123],
    ["1970-01-01T01:00:00+01:00", 0],
    ["2022-12-31T23:59:59.999000Z", 1672531199999],
    ["0001-01-01T00:00:00Z", -62135596800000],
    ["0000-01-01T00:00:00+00:01", undefined],
    ["9999-12-31T23:59:59-00:01", undefined],
    ["2026-02-29T00:00:00Z", undefined],
    ["2024-02-29T23:00:00-05:00", 1709265600000],
    ["2026-01-01T24:00:00Z", undefined],
    ["1970-01-01", undefined],
    ["1970-01-01T00:00:00", undefined],
    ["1970-13-01T00:00:00Z", undefined],
    ["1970-01-01 00:00:00Z", undefined],
  ];
  for (const [text, time] of TABLE) {
    it(text, () => assert.equal(parseRfc3339(text), time));
  }

  it("writes milliseconds only where there are some, and never throws", () => {
    assert.equal(rfc3339(1000), "1970-01-01T00:00:01Z");
    assert.equal(rfc3339(1001), "1970-01-01T00:00:01.001Z");
    assert.match(rfc3339(2 ** 63), /milliseconds since 1970/);
    assert.equal(rfc3339(-1), "1969-12-31T23:59:59.999Z");
    assert.match(rfc3339(-(2 ** 63)), /milliseconds since 1970/);
  });
});
