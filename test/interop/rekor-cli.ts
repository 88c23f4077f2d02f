import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { refused, succeeded, type World } from "./world.ts";

// Rekor's own client, with its state in a home of its own.

const rekor = (world: World, command: string, ...args: string[]) =>
  world.run(world.program("rekor-cli"), [
    ...[command, "--rekor_server", world.stack.urls.rekor],
    ...args,
  ]);

/** The wheel with its signature as DER and its certificate as PEM, as rekor-cli reads them. */
const signedWheel = async (world: World) => {
  const artifact = join(world.release.folder, world.release.wheel);
  const decoded = async (name: string) => Buffer.from(await readFile(name, "utf8"), "base64");
  const signature = join(world.folder, "signature");
  const certificate = join(world.folder, "certificate.pem");
  await writeFile(signature, await decoded(`${artifact}.sig`));
  await writeFile(certificate, await decoded(`${artifact}.crt`));
  return ["--artifact", artifact, "--signature", signature, "--public-key", certificate];
};

const found = (pattern: RegExp, output: string): string => {
  const [, value] = pattern.exec(output) ?? [];
  assert.ok(value !== undefined, `no entry is named:\n${output}`);
  return value;
};

export const REKOR_CLI: readonly Check[] = [
  {
    peers: ["rekor-cli"],
    does: "verifies the entry of our signature by its inclusion proof, and finds it by its digest",
    run: async (world) => {
      const signed = await signedWheel(world);
      const verified = succeeded(await rekor(world, "verify", ...signed));
      assert.match(verified.output, /Inclusion Proof/);
      const { folder, wheel } = world.release;
      const searched = succeeded(await rekor(world, "search", "--artifact", join(folder, wheel)));
      const hash = found(/Entry Hash: ([0-9a-f]{64})/, verified.output);
      assert.ok(searched.output.includes(hash), searched.output);
      const other = signed.with(1, join(folder, world.release.sdist));
      refused(await rekor(world, "verify", ...other), /signature/);
    },
  },
  {
    peers: ["rekor-cli"],
    does: "is told that an entry is there already, and gets it by its id and by its index",
    run: async (world) => {
      const again = succeeded(await rekor(world, "upload", ...(await signedWheel(world))));
      assert.match(again.output, /already exists/);
      const get = async (...which: string[]) =>
        JSON.parse(succeeded(await rekor(world, "get", "--format", "json", ...which)).stdout);
      const named = await get("--uuid", found(/\b([0-9a-f]{80})\b/, again.output));
      const numbered = await get("--log-index", String(named.LogIndex));
      assert.deepEqual(named.Body, numbered.Body);
      refused(await rekor(world, "get", "--log-index", "99999999"), /404|not found/i);
    },
  },
  {
    peers: ["rekor-cli"],
    does: "verifies the log's signed head, and that the log only grew since it last looked",
    run: async (world) => {
      const before = succeeded(await rekor(world, "loginfo"));
      assert.match(before.output, /Verification Successful/);
      const file = join(world.folder, "artifact-1.0.tar.gz");
      await writeFile(file, "what is signed");
      const { trustConfig } = world.stack;
      const token = await world.token();
      const sign = ["sign", world.folder, "--without-record", "--trust-config", trustConfig];
      const env = { SIGSTORE_ID_TOKEN: token, CERTIFICATE_IDENTITY: world.identity };
      const expect = { CERTIFICATE_OIDC_ISSUER: world.issuer };
      succeeded(await world.wheelseal(sign, { env: { ...env, ...expect } }));
      const after = succeeded(await rekor(world, "loginfo"));
      assert.match(after.output, /Verification Successful/);
      assert.notEqual(before.output, after.output, "the log has grown");
    },
  },
];
