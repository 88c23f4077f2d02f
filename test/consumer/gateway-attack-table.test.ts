import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ROWS } from "./attack-rows.ts";
import { type AttackSite, stageAttacks } from "./attack-site.ts";
import { ATTACKS, STARTUP_CODE } from "./attack-table.ts";

// Real pip and uv meet the same table in test/interop.

let site: AttackSite;
before(async () => {
  site = await stageAttacks();
});
after(() => site?.close());

test("every attack of the list is staged", () => {
  const staged = new Set<string>(ATTACKS.map(({ row }) => row));
  assert.deepEqual(
    ROWS.filter((row) => !staged.has(row)),
    ["Dependency confusion"],
    "that one has a test of its own below",
  );
});

describe("the gateway refuses, where pip and uv show it,", () => {
  for (const { row, by, project, version, code } of ATTACKS) {
    test(`${row}${by === undefined ? "" : `, ${by}`}: ${code}`, async () => {
      const wheel = `${project}-${version}-py3-none-any.whl`;
      const told = await site.fetch(project, wheel);
      const sdist = `${project}-${version}.tar.gz`;
      assert.equal(told === "not listed" ? await site.fetch(project, sdist) : told, code);
    });
  }
});

test("Dependency confusion: a stranger's package of one's own name is not even looked for", async () => {
  assert.equal(await site.fetch("internal", "internal-1.0-py3-none-any.whl"), "served");
  assert.equal(await site.fetch("internal", "internal-99.0-py3-none-any.whl"), "not listed");
  assert.deepEqual(site.stranger.paths, []);
});

test("a .pth is let through, and on the trail", async () => {
  assert.equal(await site.fetch("startup", STARTUP_CODE.filename), "served");
  const event = (await site.gate.events()).find(({ project }) => project === "startup");
  assert.match(JSON.stringify(event?.detail), /"startup-code","path":"evil\.pth"/);
});
