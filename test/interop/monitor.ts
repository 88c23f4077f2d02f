import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "./world.ts";

/**
 * Follows somebody else's log from its first entry, once with the records of a release that was
 * signed into it and once without.
 */
export const followLog = async (
  world: World,
  dist: string,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const follow = async (state: string, records: string) => {
    const mine = ["--issuer", world.issuer, "--project", "local/packages", "--from-index", "0"];
    const where = ["--state", join(world.folder, state), "--records", records, "--json"];
    const ran = await world.wheelseal(["monitor", ...flags, ...mine, ...where], { env });
    return { code: ran.code, pass: JSON.parse(ran.stdout) };
  };
  const known = await follow("known", dist);
  assert.equal(known.code, 0, JSON.stringify(known.pass));
  const [tree] = known.pass.trees;
  assert.ok(tree.counts.mine > 0 && tree.counts.known === tree.counts.mine, JSON.stringify(tree));
  const empty = join(world.folder, "no-records");
  await mkdir(empty);
  const unknown = await follow("unknown", empty);
  assert.deepEqual([unknown.code, unknown.pass.alarms[0]?.code], [1, "MONITOR_UNKNOWN"]);
  assert.equal(unknown.pass.alarms.length, tree.counts.mine);
};
