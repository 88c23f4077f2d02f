import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bigEndian, concat } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { parseEntryBundle, parseTile, tilePath, tileWidth } from "../../src/formats/tiles.ts";

const codeOf = (result: { ok: boolean; error?: { code: string } }) => result.error?.code;

test("paths are those of c2sp.org/tlog-tiles", () => {
  assert.equal(tilePath(0, 1_234_067, 256), "0/x001/x234/067");
  assert.equal(tilePath(1, 0, 17), "1/000.p/17");
  assert.equal(tilePath("entries", 273, 112), "entries/273.p/112");
});

test("a tree of 70,000 has the tiles that the specification names", () => {
  const widths = (level: number, index: number) => tileWidth(level, index, 70_000);
  assert.deepEqual([widths(0, 272), widths(0, 273), widths(0, 274)], [256, 112, 0]);
  assert.deepEqual([widths(1, 0), widths(1, 1), widths(1, 2)], [256, 17, 0]);
  assert.deepEqual([widths(2, 0), widths(3, 0)], [1, 0]);
});

test("a bundle gives back the entries that it was made of", () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 });
  const check = (list: Uint8Array[]) => {
    const bundle = concat(...list.flatMap((entry) => [bigEndian(entry.length, 2), entry]));
    assert.deepEqual(unwrap(parseEntryBundle(bundle)), list);
  };
  fc.assert(fc.property(entries, check), { numRuns: 50 });
});

test("a bundle or tile of another length is refused", () => {
  const bundle = Uint8Array.of(0, 2, 1, 2, 0, 1, 3);
  for (const length of [1, 2, 3, 5, 6]) {
    assert.equal(
      codeOf(parseEntryBundle(bundle.subarray(0, length))),
      "REKOR_RESPONSE",
      `${length}`,
    );
  }
  assert.equal(codeOf(parseEntryBundle(new Uint8Array(2 * 257))), "REKOR_RESPONSE");
  assert.equal(codeOf(parseTile(new Uint8Array(64), 1)), "REKOR_RESPONSE");
  assert.equal(unwrap(parseTile(new Uint8Array(64), 2)).length, 2);
});
