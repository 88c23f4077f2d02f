import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Updater } from "tuf-js";
import { ATTACKS } from "./tuf-attacks.ts";
import { openMirror, serveMirror } from "./tuf-mirror.ts";

/** The library's updater with its own downloads and checks, without ours. */
const read = async (base: string, folder: string): Promise<void> => {
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: base,
    targetDir: folder,
    targetBaseUrl: `${base}/targets`,
    config: { fetchRetry: false },
  });
  await updater.refresh();
  const target = await updater.getTargetInfo("trusted_root.json");
  assert.ok(target, "there is no such target");
  await updater.downloadTarget(target);
};

for (const { name, fresh, attack } of ATTACKS.filter(({ stricter }) => stricter !== true)) {
  test(`the updater refuses by itself: ${name}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "wheelseal-tuf-"));
    t.after(() => rm(folder, { recursive: true }));
    const mirror = openMirror();
    mirror.publish({ version: 2 });
    await writeFile(join(folder, "root.json"), mirror.firstRoot);
    const { base, close } = await serveMirror(mirror);
    t.after(close);
    if (fresh !== true) await read(base, folder);
    attack(mirror);
    await assert.rejects(read(base, folder));
  });
}
