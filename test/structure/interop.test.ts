import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { COMPONENT_CHECKS, PEER_CHECKS } from "../interop/checks.ts";
import { INTEROP_PAGE, interopPage } from "../interop/docs.ts";
import { PEERS, type Peer } from "../interop/peers.ts";

test("docs/interop.md lists the checks that run", async () => {
  const hint = "run: npm run interop -- --write-docs";
  assert.equal(await readFile(INTEROP_PAGE, "utf8"), interopPage(), hint);
});

test("every peer has a check", () => {
  const used = new Set([...PEER_CHECKS, ...COMPONENT_CHECKS].flatMap(({ peers }) => peers));
  for (const id of Object.keys(PEERS) as (keyof typeof PEERS)[]) assert.ok(used.has(id), id);
});

test("every peer that is downloaded has one exact version", () => {
  for (const { name, version, source } of Object.values<Peer>(PEERS)) {
    if (source.kind === "machine") continue;
    assert.match(version ?? "", /^\d+\.\d+(\.\d+)?$/, name);
  }
});
