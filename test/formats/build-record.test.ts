import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BuildRecord,
  formatBuildRecord,
  parseBuildRecord,
} from "../../src/formats/build-record.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";

const RECORD: BuildRecord = {
  recordVersion: 1,
  name: "greeter",
  version: "1.0.0",
  source: {
    ...{ commit: "a".repeat(40), dirty: false, sourceDateEpoch: 1_700_000_000 },
    ...{ digest: "b".repeat(64), surroundings: "c".repeat(64) },
  },
  settings: { reproducible: true, metadata: { "project.name": "greeter" } },
  backend: { name: "setuptools.build_meta", requires: ["setuptools>=77"] },
  python: { version: "3.12.1", implementation: "CPython", platform: "linux-x86_64" },
  resolved: [{ name: "setuptools", version: "80.0.0" }],
  startedOn: "2026-01-01T00:00:00Z",
  finishedOn: "2026-01-01T00:00:05Z",
  distributions: [{ filename: "greeter-1.0.0.tar.gz", sha256: "0".repeat(64), size: 1 }],
};

test("a build record reads back as it was written", () => {
  assert.deepEqual(unwrap(parseBuildRecord(formatBuildRecord(RECORD))), RECORD);
});

const BROKEN: readonly (readonly [string, (record: Record<string, unknown>) => void])[] = [
  ["another version of the format", (record) => Object.assign(record, { recordVersion: 2 })],
  ["no distributions", (record) => Reflect.deleteProperty(record, "distributions")],
  [
    "a digest that is not one",
    (record) => Object.assign(record, { distributions: [{ filename: "a", sha256: "0", size: 1 }] }),
  ],
  [
    "a fingerprint that is not one",
    (record) => Object.assign(record, { source: { ...RECORD.source, digest: "B".repeat(64) } }),
  ],
  ["a name that is a number", (record) => Object.assign(record, { name: 1 })],
];

for (const [what, spoil] of BROKEN) {
  test(`a build record with ${what} is refused`, () => {
    const record = JSON.parse(new TextDecoder().decode(formatBuildRecord(RECORD)));
    spoil(record);
    const parsed = parseBuildRecord(utf8(JSON.stringify(record)));
    assert.equal(!parsed.ok && parsed.error.code, "BUILD_RECORD");
  });
}
