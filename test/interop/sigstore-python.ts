import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// sigstore-python shares no code with us. It is told of the stack by the ClientTrustConfig alone.

const sigstore = (world: World, ...args: string[]) =>
  world.run(world.program("sigstore"), ["--trust-config", world.stack.trustConfig, ...args]);

const verifyIdentity = (world: World, bundle: string, file: string, identity = world.identity) =>
  sigstore(
    world,
    ...["verify", "identity", "--bundle", bundle, "--cert-identity", identity],
    ...["--cert-oidc-issuer", world.issuer, file],
  );

/** Signs a new file; the bundle's path. */
const sign = async (world: World, file: string): Promise<string> => {
  await writeFile(file, "what is signed");
  const bundle = `${file}.sigstore.json`;
  const token = await world.token();
  const signed = await sigstore(
    world,
    ...["sign", "--identity-token", token, "--bundle", bundle, file],
  );
  succeeded(signed);
  return bundle;
};

export const SIGSTORE_PYTHON: readonly Check[] = [
  {
    peers: ["sigstore"],
    does: "signs with the stack, gets a timestamp, and verifies what it signed",
    run: async (world) => {
      const file = join(world.folder, "artifact");
      const bundle = await sign(world, file);
      succeeded(await verifyIdentity(world, bundle, file));
    },
  },
  {
    peers: ["sigstore"],
    does: "verifies our bundles, and refuses another identity and another file",
    run: async (world) => {
      const { folder, wheel, sdist } = world.release;
      for (const name of [wheel, sdist]) {
        const file = join(folder, name);
        succeeded(await verifyIdentity(world, `${file}.sigstore.json`, file));
      }
      const bundle = join(folder, `${wheel}.sigstore.json`);
      const stranger = await verifyIdentity(world, bundle, join(folder, wheel), "https://other");
      refused(stranger, /match|identity/i);
      refused(await verifyIdentity(world, bundle, join(folder, sdist)), /signature|digest/i);
    },
  },
  {
    peers: ["sigstore"],
    does: "signs, and we verify its bundle, and refuse it for another file",
    run: async (world) => {
      const file = join(world.folder, "artifact");
      const bundle = await sign(world, file);
      const verify = ["verify", file, "--bundle", bundle, ...expectIdentity(world)];
      succeeded(await world.wheelseal(verify));
      await writeFile(file, "what is not signed");
      refused(await world.wheelseal(verify), /error\[/);
    },
  },
];
