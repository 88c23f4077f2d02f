import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemFiles } from "../../src/clients/files.ts";
import { ok } from "../../src/formats/result.ts";
import { verifyFolder } from "../../src/stages/3-verify.ts";
import type { StageEvent } from "../../src/stages/events.ts";

const run = async (names: readonly string[]) => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-verify-"));
  for (const name of names) await writeFile(join(folder, name), "content");
  const events: StageEvent[] = [];
  const outcome = await verifyFolder({
    folder,
    expect: { kind: "identity", anyOf: [{ kind: "exact", san: "a", issuer: "b" }] },
    trust: { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] },
    files: systemFiles,
    inspect: async () => ok({ findings: [] }),
    now: () => 0,
    report: (event) => events.push(event),
  });
  await rm(folder, { recursive: true });
  const failed = outcome.ok ? outcome.value.failure : outcome.error;
  return { code: failed?.code, last: events.at(-1)?.kind };
};

const WHEEL = "greeter-1.0-py3-none-any.whl";
const CASES: readonly (readonly [string, readonly string[], string])[] = [
  ["an empty folder", [], "DIST_EMPTY"],
  ["a folder with other files only", ["README.md"], "DIST_EMPTY"],
  ["a wheel without evidence", [WHEEL], "EVIDENCE_MISSING"],
  ["an egg beside a wheel", [WHEEL, "greeter-1.0.egg"], "DIST_NAME"],
  ["a zip beside a wheel", [WHEEL, "greeter-1.0.zip"], "DIST_NAME"],
  ["a tar that is not gzipped", [WHEEL, "greeter-1.0.tar.bz2"], "DIST_NAME"],
  ["a wheel in capitals", [WHEEL, "GREETER-1.0-py3-none-any.WHL"], "DIST_NAME"],
];

for (const [what, names, code] of CASES) {
  test(`${what} is ${code}, and the stage fails`, async () => {
    assert.deepEqual(await run(names), { code, last: "failed" });
  });
}
