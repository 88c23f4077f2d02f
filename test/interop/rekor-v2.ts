import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// Rekor v2: entries without a promise, in tiles, for which a timestamp tells the time. Which log is
// meant is told by the signing configuration alone.

const configOf = (world: World): string => world.trust("client-trust-config-rekor-v2.json");

const signingConfig = async (world: World): Promise<string> => {
  const { signingConfig: config } = JSON.parse(await readFile(configOf(world), "utf8"));
  const file = join(world.folder, "signing.json");
  await writeFile(file, JSON.stringify(config));
  return file;
};

/** A file of this check, and one that nobody signs. */
const files = async (world: World) => {
  const [file, other] = [join(world.folder, "artifact"), join(world.folder, "other")];
  await writeFile(file, "what is signed");
  await writeFile(other, "what is not signed");
  return { file, other, bundle: `${file}.sigstore.json` };
};

/** That the entry is really one of Rekor v2. */
export const isVersion2 = async (bundle: string): Promise<void> => {
  const { verificationMaterial } = JSON.parse(await readFile(bundle, "utf8"));
  assert.equal(verificationMaterial.tlogEntries[0].kindVersion.version, "0.0.2");
};

const verifyByUs = async (world: World, bundle: string, file: string, other: string) => {
  await isVersion2(bundle);
  const verify = (path: string) =>
    world.wheelseal(["verify", path, "--bundle", bundle, "--offline", ...expectIdentity(world)]);
  succeeded(await verify(file));
  refused(await verify(other), /error\[/);
};

/** The wheel of the release, its bundle logged in Rekor v2 by us. */
const signedByUs = async (world: World): Promise<{ file: string; bundle: string }> => {
  const dist = join(world.folder, "dist");
  await cp(world.release.folder, dist, { recursive: true });
  const { urls, state } = world.stack;
  const profile = ["--profile", "local", "--state", state, "--force"];
  const log = ["--rekor-v2-url", urls.rekor, "--tsa-url", urls.tsa];
  succeeded(await world.wheelseal(["sign", dist, ...profile, ...log]));
  const file = join(dist, world.release.wheel);
  await isVersion2(`${file}.sigstore.json`);
  return { file, bundle: `${file}.sigstore.json` };
};

const sigstore = (world: World, ...args: string[]) =>
  world.run(world.program("sigstore"), ["--trust-config", configOf(world), ...args]);

export const REKOR_V2: readonly Check[] = [
  {
    peers: ["sigstore"],
    does: "signs into our Rekor v2, and we verify that; verifies what we signed into it",
    run: async (world) => {
      const { file, other, bundle } = await files(world);
      const token = ["--identity-token", await world.token()];
      succeeded(await sigstore(world, "sign", ...token, "--bundle", bundle, file));
      await verifyByUs(world, bundle, file, other);
      const ours = await signedByUs(world);
      const expect = ["--cert-identity", world.identity, "--cert-oidc-issuer", world.issuer];
      const evidence = ["--bundle", ours.bundle, ...expect, ours.file];
      succeeded(await sigstore(world, "verify", "identity", ...evidence));
    },
  },
  {
    peers: ["cosign-3.1"],
    does: "signs into our Rekor v2, and we verify that; verifies what we signed into it",
    run: async (world) => {
      const { file, other, bundle } = await files(world);
      const env = { SIGSTORE_ID_TOKEN: await world.token() };
      const root = ["--trusted-root", world.trust("trusted_root.json")];
      const config = ["--signing-config", await signingConfig(world), ...root];
      const cosign = world.program("cosign-3.1");
      const sign = ["sign-blob", "--yes", ...config, "--bundle", bundle, file];
      succeeded(await world.run(cosign, sign, { env }));
      await verifyByUs(world, bundle, file, other);
      const ours = await signedByUs(world);
      const expect = [
        ...["--certificate-identity", world.identity],
        ...["--certificate-oidc-issuer", world.issuer],
      ];
      const evidence = ["--bundle", ours.bundle, ...root, ...expect, ours.file];
      succeeded(await world.run(cosign, ["verify-blob", ...evidence]));
    },
  },
  {
    peers: ["sigstore-go"],
    does: "signs into our Rekor v2, and we verify that; verifies what we signed into it",
    run: async (world) => {
      const { file, other, bundle } = await files(world);
      const root = world.trust("trusted_root.json");
      const services = ["-id-token", await world.token(), "-rekor", "-tsa"];
      const config = ["-s", await signingConfig(world), "-t", root];
      const program = world.program("sigstore-go", "sigstore-go-signing");
      const { stdout } = succeeded(await world.run(program, [...config, ...services, file]));
      await writeFile(bundle, stdout.slice(stdout.indexOf("\n{")));
      await verifyByUs(world, bundle, file, other);
      const ours = await signedByUs(world);
      const expect = ["-expectedIssuer", world.issuer, "-expectedSAN", world.identity];
      const evidence = ["-trustedrootJSONpath", root, ...expect, "-artifact", ours.file];
      succeeded(await world.run(world.program("sigstore-go"), [...evidence, ours.bundle]));
    },
  },
];
