import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rekorV2At } from "../../src/clients/rekor-v2.ts";
import { runCommand } from "../pipeline/command.ts";
import { openStack, outside, signFreshWith } from "../stages/sign-support.ts";

let opened: Awaited<ReturnType<typeof openStack>>;
const folder = mkdtempSync(join(tmpdir(), "wheelseal-monitor-"));

before(async () => {
  opened = await openStack();
});
after(async () => {
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
});

const monitor = async (state: string, records: string, ...more: string[]) => {
  const { stack } = opened;
  const flags = [
    "--issuer",
    stack.urls.gitlab,
    "--project",
    "local/packages",
    "--records",
    records,
  ];
  const trust = ["--trust-config", stack.trustConfig, "--state", join(folder, state), "--json"];
  const { code, stdout, stderr } = await runCommand(["monitor", ...flags, ...trust, ...more]);
  assert.equal(stderr, "");
  return { code, pass: JSON.parse(stdout) };
};

type Alarms = { code: string; entry: { kind: string } }[];
const kinds = ({ alarms }: { alarms: Alarms }) => alarms.map(({ entry }) => entry.kind);

test("what is signed into both logs is known by its evidence, and alarms without it", async () => {
  const nothing = join(folder, "nothing");
  mkdirSync(nothing);
  const first = await monitor("state", nothing);
  assert.deepEqual([first.code, first.pass.alarms], [0, []]);
  const dist = await signFreshWith(opened)({
    clients: { bundleRekor: rekorV2At(opened.stack.urls.rekor, outside) },
  });
  assert.equal(dist.result.ok, true);
  const known = await monitor("known", dist.folder, "--from-index", "0");
  assert.equal(known.code, 0, JSON.stringify(known.pass));
  const unknown = await monitor("state", nothing);
  assert.equal(unknown.code, 1);
  assert.deepEqual(kinds(unknown.pass).toSorted(), [
    ...Array.from({ length: 4 }, () => "dsse 0.0.1"),
    ...Array.from({ length: 2 }, () => "hashedrekord 0.0.2"),
  ]);
  const again = await monitor("state", nothing);
  assert.deepEqual([again.code, again.pass.alarms], [0, []]);
  await dist.remove();
});
