import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ChecksOf, openChecks } from "../../src/cli/console-checks.ts";
import { consoleIndex } from "../../src/cli/console-index.ts";
import { consoleQueries } from "../../src/cli/console-queries.ts";
import { openConsoleDatabase } from "../../src/cli/console-schema.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import { wheelOf } from "../consumer/hostile-upstream.ts";

const NO_TRUST: TrustedRoot = {
  ...{ tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] },
};

test("a verdict is not kept where evidence came while it was made", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-checks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const wheel = wheelOf("greeter", "1.0.0");
  const path = join(folder, "blob");
  writeFileSync(path, wheel);
  const row = {
    ...{ project: "greeter", version: "1.0.0", filename: "greeter-1.0.0-py3-none-any.whl" },
    ...{ sha256: hex(sha256(wheel)), at: 1, state: "unchecked" as const, code: "", message: "" },
    ...{ identity: "", source: 1 },
  };
  const database = openConsoleDatabase(":memory:", "a");
  t.after(() => database.close());
  const index = consoleIndex(database);
  index.putFile(row);
  let arrivals = 2;
  let rounds = 0;
  const registry = {
    addedAfter: () => [{ id: 1, sha256: row.sha256, blob: "blob", project: "p", metadata: null }],
    pathOf: () => path,
    // The evidence comes right after it was looked for.
    latest: () => {
      if (arrivals > 0) checks.forget("greeter", "1.0.0");
      else checks.forget("greeter", "2.0.0");
      arrivals -= 1;
      return undefined;
    },
  };
  const files = {
    ...systemFiles,
    artifact: (of: string) => {
      rounds += 1;
      return systemFiles.artifact(of);
    },
  };
  const told: string[] = [];
  const checks = openChecks({
    view: { registry, now: () => 1 } as unknown as ChecksOf["view"],
    judged: {
      ...{ trust: { root: NO_TRUST } as ChecksOf["judged"]["trust"], files, now: () => 1 },
      expect: { kind: "identity", anyOf: [] },
    },
    index,
    queries: consoleQueries(database),
    tell: (what) => told.push(what),
  });
  const { verdict } = await checks.view(row);
  assert.equal(verdict?.failure?.code, "EVIDENCE_MISSING");
  assert.ok(rounds >= 2, `${rounds} rounds`);
  assert.deepEqual(told, ["verdict"]);
  const before = rounds;
  await checks.view(row);
  assert.equal(rounds, before, "what is known is not verified again");
  await checks.close();
});
