import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../src/formats/bytes.ts";
import { failure, unwrap } from "../../src/formats/result.ts";
import type { ReleaseVerdict } from "../../src/stages/release.ts";
import {
  filesOfShard,
  mergeShards,
  parseShard,
  parseShardResult,
  type ShardResult,
} from "../../src/stages/shard.ts";

const verdict = (filename: string, more: Partial<ReleaseVerdict> = {}): ReleaseVerdict =>
  ({
    filename,
    sha256: "a".repeat(64),
    size: 1,
    proofs: [
      {
        kind: "bundle",
        file: "f",
        sha256: "b".repeat(64),
        verdict: { verified: true, checks: [] },
      },
    ],
    findings: [],
    waivers: [],
    ...more,
  }) as unknown as ReleaseVerdict;

const NAMES = ["a.whl", "b.whl", "c.tar.gz", "d.whl", "e.whl"];

const shards = (total: number, of: readonly string[] = NAMES): ShardResult[] =>
  Array.from({ length: total }, (_, position) => {
    const shard = { index: position + 1, total };
    const files = filesOfShard(of, shard);
    return { shard: { ...shard, of }, verdicts: files.map((name) => verdict(name)) };
  });

const codeOf = (result: { ok: boolean; error?: { code: string } }) => result.error?.code;

test("every file falls to one shard, whatever the order and the number", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 12 }), (names, total) => {
      const parts = Array.from({ length: total }, (_, i) =>
        filesOfShard(names.toReversed(), { index: i + 1, total }),
      );
      assert.deepEqual(parts.flat().toSorted(), names.toSorted());
      const sizes = parts.map((part) => part.length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});

test("a shard is I/N with I from 1 to N", () => {
  assert.deepEqual(unwrap(parseShard("2/3")), { index: 2, total: 3 });
  for (const text of ["0/3", "4/3", "1/0", "1", "a/b", "1/3 ", "-1/3", "1/99999999"]) {
    assert.equal(codeOf(parseShard(text)), "USAGE", text);
  }
});

test("joined shards are the whole, also where some have no file", () => {
  for (const total of [1, 2, 5, 9]) {
    const merged = unwrap(mergeShards(shards(total)));
    assert.deepEqual(
      merged.map(({ filename }) => filename),
      NAMES,
    );
  }
});

const [one, two, three] = shards(3) as [ShardResult, ShardResult, ShardResult];

const refused: Record<string, readonly ShardResult[]> = {
  "no shard": [],
  "a shard that is missing": [one, three],
  "a shard that is there twice": [one, two, two, three],
  "a shard of a run with other files": [one, two, shards(3, [...NAMES, "f.whl"])[2] as ShardResult],
  "a shard of a run of other size": [one, two, shards(4)[2] as ShardResult],
  "a shard that judged too few": [one, two, { ...three, verdicts: [] }],
  "a shard that judged another's file": [one, two, { ...three, verdicts: one.verdicts }],
  "a shard that judged a file twice": [
    one,
    { ...two, verdicts: [...two.verdicts, ...two.verdicts] },
    three,
  ],
};

for (const [name, results] of Object.entries(refused)) {
  test(`${name} is refused`, () => assert.equal(codeOf(mergeShards(results)), "REPORT_SHARDS"));
}

test("shards of an empty folder are no success", () => {
  assert.equal(codeOf(mergeShards(shards(2, []))), "DIST_EMPTY");
});

const documentOf = (files: readonly unknown[], ok = true, shard: unknown = one.shard) =>
  utf8(JSON.stringify({ ok, shard, files }));

test("a result is read back as it was printed", () => {
  const read = unwrap(parseShardResult(documentOf(one.verdicts), "one"));
  assert.deepEqual(read, one);
  const failed = verdict("a.whl", { failure: failure("DIST_CHANGED", "x") });
  assert.equal(unwrap(parseShardResult(documentOf([failed], false), "one")).verdicts.length, 1);
});

const unreadable: Record<string, Uint8Array> = {
  "no shard": utf8(JSON.stringify({ ok: true, files: [] })),
  "a shard out of range": documentOf([], true, { index: 4, total: 3, of: [] }),
  "a run that ended early": documentOf(one.verdicts, false),
  "a failure that is called success": documentOf([
    verdict("a.whl", { failure: failure("DIST_CHANGED", "x") }),
  ]),
  "a file without proof": documentOf([verdict("a.whl", { proofs: [] })]),
  "a proof that did not verify": documentOf([
    { ...verdict("a.whl"), proofs: [{ kind: "bundle", verdict: { verified: false, checks: [] } }] },
  ]),
  "a digest that is none": documentOf([{ ...verdict("a.whl"), sha256: "aa" }]),
};

for (const [name, bytes] of Object.entries(unreadable)) {
  test(`a result with ${name} is refused`, () => {
    const code = codeOf(parseShardResult(bytes, "one"));
    assert.ok(code === "REPORT_SHARDS" || code === "USAGE", code);
  });
}
