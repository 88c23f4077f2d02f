import assert from "node:assert/strict";
import { test } from "node:test";
import type { WheelReport } from "../../src/dists/wheel.ts";
import { ok } from "../../src/formats/result.ts";
import { compareIndex } from "../../src/stages/compare-index.ts";
import { WHEEL } from "./release-support.ts";

const compare = async (listed: string | undefined, own: string | undefined): Promise<string> => {
  const report = { kind: "wheel", metadata: { requiresPython: own } } as unknown as WheelReport;
  const agrees = await compareIndex(
    {
      filename: WHEEL,
      url: "https://index.example/x.whl",
      ...(listed === undefined ? {} : { requiresPython: listed }),
    },
    WHEEL,
    { index: { coreMetadata: async () => ok(undefined) }, inspect: async () => ok(report) },
  );
  return agrees.ok ? "ok" : agrees.error.code;
};

const OWN = ">=3.9, !=3.9.0, !=3.9.1";

for (const [listed, own, wanted] of [
  [OWN, OWN, "ok"],
  ["!=3.9.0,!=3.9.1,>=3.9", OWN, "ok"],
  [undefined, OWN, "ok"],
  [">=3.9,!=3.9.0", OWN, "DIST_SIDECAR"],
  [">=3.9,!=3.9.0,!=3.9.2", OWN, "DIST_SIDECAR"],
  [">=3.10", undefined, "DIST_SIDECAR"],
  ["", undefined, "ok"],
] as const) {
  test(`the index says ${listed}, the file ${own}: ${wanted}`, async () => {
    assert.equal(await compare(listed, own), wanted);
  });
}
