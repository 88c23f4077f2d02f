import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// The library by which PyPI checks attestations. It is run through a few lines that replace its
// built-in trust root: its command line has no option for another one.

const SCRIPT = fileURLToPath(new URL("pypi_attestations_local.py", import.meta.url));

const attestations = (world: World, args: readonly string[], env = {}) => {
  const python = world.program("pypi-attestations", "python");
  return world.run(python, [SCRIPT, world.stack.trustConfig, ...args], { env });
};

const verifyAll = (world: World, files: readonly string[], identity = world.identity) =>
  attestations(world, ["verify", "attestation", "--identity", identity, ...files]);

export const PYPI_ATTESTATIONS: readonly Check[] = [
  {
    peers: ["pypi-attestations"],
    does: "verifies our publish attestations, and refuses another identity and another file",
    run: async (world) => {
      const { folder, wheel, sdist } = world.release;
      const files = [join(folder, wheel), join(folder, sdist)];
      succeeded(await verifyAll(world, files));
      refused(await verifyAll(world, files, "https://other"), /Verification failed/);
      const copy = join(world.folder, wheel);
      await copyFile(join(folder, sdist), copy);
      await copyFile(join(folder, `${wheel}.publish.attestation`), `${copy}.publish.attestation`);
      refused(await verifyAll(world, [copy]), /does not match distribution digest/);
    },
  },
  {
    peers: ["pypi-attestations"],
    does: "signs as a GitLab job, and we verify its attestation, and refuse it for another file",
    run: async (world) => {
      const { folder, wheel, sdist } = world.release;
      const copy = join(world.folder, wheel);
      await copyFile(join(folder, wheel), copy);
      const env = { GITLAB_CI: "true", SIGSTORE_ID_TOKEN: await world.token() };
      succeeded(await attestations(world, ["sign", copy], env));
      const verify = (file: string) => {
        const evidence = ["--attestation", `${copy}.publish.attestation`];
        return world.wheelseal(["verify", file, ...evidence, ...expectIdentity(world)]);
      };
      succeeded(await verify(copy));
      refused(await verify(join(folder, sdist)), /error\[/);
    },
  },
];
