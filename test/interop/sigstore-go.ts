import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// The example programs of sigstore-go, the library under cosign 3 and GitHub's verifier.

const verify = (
  world: World,
  artifact: string,
  bundle: string,
  given: { readonly identity?: string; readonly trust?: readonly string[] } = {},
) => {
  const { identity = world.identity, trust } = given;
  const root = trust ?? ["-trustedrootJSONpath", world.trust("trusted_root.json")];
  return world.run(world.program("sigstore-go"), [
    ...root,
    ...["-expectedIssuer", world.issuer, "-expectedSAN", identity],
    ...["-artifact", artifact, bundle],
  ]);
};

export const SIGSTORE_GO: readonly Check[] = [
  {
    peers: ["sigstore-go"],
    does: "verifies our bundles, and refuses another identity and another file",
    run: async (world) => {
      const { folder, wheel, sdist } = world.release;
      for (const name of [wheel, sdist]) {
        const file = join(folder, name);
        succeeded(await verify(world, file, `${file}.sigstore.json`));
      }
      const bundle = join(folder, `${wheel}.sigstore.json`);
      const stranger = await verify(world, join(folder, wheel), bundle, { identity: "https://o" });
      refused(stranger, /identity|SAN/);
      refused(await verify(world, join(folder, sdist), bundle), /signature|digest/);
    },
  },
  {
    peers: ["sigstore-go"],
    does: "learns whom to trust from our TUF repository, and verifies our bundle by that alone",
    run: async (world) => {
      const file = join(world.release.folder, world.release.wheel);
      const root = ["-tufTrustedRoot", world.trust("1.root.json")];
      const trust = ["-tufRootURL", world.stack.urls.tuf, ...root, "-trustedrootJSONpath", ""];
      succeeded(await verify(world, file, `${file}.sigstore.json`, { trust }));
    },
  },
  {
    peers: ["sigstore-go"],
    does: "signs by our signing configuration, with a timestamp, and we verify its bundle",
    run: async (world) => {
      const path = (name: string) => join(world.folder, name);
      const { signingConfig } = JSON.parse(await readFile(world.stack.trustConfig, "utf8"));
      await writeFile(path("signing.json"), JSON.stringify(signingConfig));
      await writeFile(path("artifact"), "what is signed");
      await writeFile(path("other"), "what is not signed");
      const program = world.program("sigstore-go", "sigstore-go-signing");
      const config = ["-s", path("signing.json"), "-t", world.trust("trusted_root.json")];
      const services = ["-id-token", await world.token(), "-rekor", "-tsa"];
      const signed = succeeded(
        await world.run(program, [...config, ...services, path("artifact")]),
      );
      const bundle = path("bundle.json");
      // Above the bundle it says what it uses.
      await writeFile(bundle, signed.stdout.slice(signed.stdout.indexOf("\n{")));
      succeeded(await verify(world, path("artifact"), bundle));
      const ours = (file: string) => {
        const args = ["--bundle", bundle, "--offline", ...expectIdentity(world)];
        return world.wheelseal(["verify", path(file), ...args]);
      };
      succeeded(await ours("artifact"));
      refused(await ours("other"), /error\[/);
    },
  },
];
