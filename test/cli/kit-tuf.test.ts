import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { kitCommand } from "../../src/cli/command-kit.ts";
import { systemOutside } from "../../src/cli/world.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { DAY, forge } from "../consumer/kit-support.ts";
import { codeOf, runHere } from "../pipeline/in-process.ts";
import { plainEnvironment } from "./shell.ts";
import { signRelease } from "./signed-release.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-kit-tuf-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const release = await signRelease(folder);
const { stack, san, issuer } = release;
const state = stack.folder;
const trustFolder = dirname(stack.trustConfig);
const who = ["--certificate-identity", san, "--certificate-oidc-issuer", issuer];
const home = { WHEELSEAL_TRUST_DIR: join(folder, "memory") };

const run = async (env: Readonly<Record<string, string>>, ...words: readonly string[]) => {
  const said = await runHere(["kit", ...words, ...who], { cwd: folder, env });
  return { ...said, ended: `${said.code} ${codeOf(said)}` };
};
const exported = async (kit: string, mirror: string) => {
  const trust = ["--tuf-mirror", mirror, "--tuf-root", "1.root.json", "--valid-for", "3650d"];
  const { ended, err } = await run(home, "export", kit, "dist", ...trust);
  assert.equal(ended, "0 none", err);
};

writeFileSync(join(folder, "1.root.json"), readFileSync(join(trustFolder, "1.root.json")));
await exported("first.kit", stack.urls.tuf);
await stack.close();
const rotated = unwrap(await startStack({ folder: state, rotate: ["tuf"] }));
await exported("second.kit", rotated.urls.tuf);
await rotated.close();

/** Verifies in a site of that name, which pins the first TUF root and asks no network. */
const verify = (site: string, kit: string, root = "1.root.json") =>
  run({ WHEELSEAL_TRUST_DIR: join(folder, site) }, "verify", kit, "--tuf-root", root);

test("a site that pins a TUF root follows the kit's documents to the trust root of today", async () => {
  const first = await verify("site", "first.kit");
  assert.equal(first.ended, "0 none", first.err);
  assert.match(
    first.out,
    /the kit, as TUF vouches for it from 1\.root\.json on\n {8}TUF root version 1,/,
  );
  const second = await verify("site", "second.kit");
  assert.equal(second.ended, "0 none", second.err);
  assert.match(second.out, /TUF root version 2, expires \d{4}-/);
});

test("an earlier kit cannot lead back behind a later one", async () => {
  // The keys were replaced in between: what the old ones signed counts no more.
  assert.equal((await verify("site", "first.kit")).ended, "1 TUF_INVALID");
  assert.equal((await verify("another", "first.kit")).ended, "0 none");
});

test("another root leads nowhere, and nothing else is followed", async () => {
  const theirs = join(folder, "theirs");
  const other = await signRelease(theirs);
  const root = readFileSync(join(dirname(other.stack.trustConfig), "1.root.json"));
  const trustedRoot = readFileSync(join(dirname(other.stack.trustConfig), "trusted_root.json"));
  await other.stack.close();
  writeFileSync(join(folder, "other.json"), root);
  assert.equal((await verify("third", "first.kit", "other.json")).ended, "1 TUF_INVALID");
  const forged = await forge(readFileSync(join(folder, "first.kit")), ({ files }) => {
    for (const path of files.keys()) {
      if (path.endsWith(".trusted_root.json")) files.set(path, trustedRoot);
    }
    files.set("trust/trusted_root.json", trustedRoot);
  });
  writeFileSync(join(folder, "forged.kit"), forged);
  assert.equal((await verify("fourth", "forged.kit")).ended, "1 TUF_INVALID");
});

test("the site's root can be pinned itself: TRUST_PIN", async () => {
  const pin = ["--tuf-root", "1.root.json", "--trust-sha256", "0".repeat(64)];
  assert.equal((await run(home, "verify", "first.kit", ...pin)).ended, "1 TRUST_PIN");
});

test("a kit without such documents: KIT_TRUST", async () => {
  const trust = ["--trust-config", stack.trustConfig];
  assert.equal((await run(home, "export", "plain.kit", "dist", ...trust)).ended, "0 none");
  assert.equal((await verify("fifth", "plain.kit")).ended, "2 KIT_TRUST");
});

test("documents that have ended vouch for nothing", async () => {
  const said: string[] = [];
  const code = await kitCommand({
    operands: ["verify", "first.kit"],
    flags: {
      "tuf-root": "1.root.json",
      "certificate-identity": san,
      "certificate-oidc-issuer": issuer,
    },
    terminal: {
      out: (text) => said.push(text),
      err: (text) => said.push(text),
      env: { ...plainEnvironment(), WHEELSEAL_TRUST_DIR: join(folder, "sixth") },
      ...{ cwd: folder, live: false, colour: false, columns: 100 },
    },
    outside: { ...systemOutside(), now: () => Date.now() + 3000 * DAY },
    files: systemFiles,
  });
  assert.equal(code, 1);
  assert.match(said.join("\n"), /error\[TRUST_EXPIRED\]/);
});
