import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ATTACKS, type Attack } from "../clients/tuf-attacks.ts";
import { openMirror, serveMirror } from "../clients/tuf-mirror.ts";
import type { Check } from "./check.ts";
import { cosign } from "./cosign.ts";
import { refused, startStack, succeeded, type World } from "./world.ts";

// The stack's TUF repository, read by others from the first root alone.

const SCRIPT = fileURLToPath(new URL("python_tuf.py", import.meta.url));

const pythonTuf = (world: World, base: string, root: string, memory: string, names: string[]) =>
  world.run(world.program("tuf"), [SCRIPT, base, root, join(world.folder, memory), ...names]);

/** How python-tuf says what our codes say. */
const REASONS: Readonly<Record<string, RegExp>> = {
  TUF_ROLLBACK: /^BadVersionNumberError/m,
  TRUST_EXPIRED: /^ExpiredMetadataError/m,
  TUF_INVALID: /^(UnsignedMetadata|LengthOrHashMismatch|BadVersionNumber)Error/m,
};

/** Each costs two starts of Python, so only those that TUF is about (TUF specification §1.5.2). */
const isCore = ({ code, name, stricter }: Attack): boolean =>
  stricter !== true &&
  (code !== "TUF_INVALID" || /signed by|gap|another file/.test(name)) &&
  code !== "NETWORK_RESPONSE";

const NAMES = ["trusted_root.json"];

const attackOn = async (world: World, attack: Attack, memory: string): Promise<void> => {
  const mirror = openMirror();
  mirror.publish({ version: 2 });
  const served = await serveMirror(mirror);
  try {
    const root = join(world.folder, `${memory}.json`);
    await writeFile(root, mirror.firstRoot);
    const read = () => pythonTuf(world, served.base, root, memory, NAMES);
    if (attack.fresh !== true) succeeded(await read());
    attack.attack(mirror);
    refused(await read(), REASONS[attack.code] ?? assert.fail(`no reason for ${attack.code}`));
  } finally {
    await served.close();
  }
};

export const PYTHON_TUF: readonly Check[] = [
  {
    peers: ["tuf"],
    does: "reads our TUF repository from the exported root: the files are those of wheelseal trust export",
    run: async (world) => {
      const names = [...NAMES, "signing_config.v0.2.json", "rekor.pub", "ctfe.pub"];
      const root = world.trust("1.root.json");
      succeeded(await pythonTuf(world, world.stack.urls.tuf, root, "memory", names));
      for (const name of [...NAMES, "rekor.pub", "ctfe.pub"]) {
        const read = await readFile(join(world.folder, "memory", name));
        assert.deepEqual(read, await readFile(world.trust(name)), name);
      }
    },
  },
  {
    peers: ["tuf"],
    does: "refuses rollback, freeze, too few signatures and exchanged files, as our client does",
    run: async (world) => {
      for (const [index, attack] of ATTACKS.entries()) {
        if (isCore(attack)) await attackOn(world, attack, `attack-${index}`);
      }
    },
  },
];

export const SIGSTORE_PYTHON_TUF: readonly Check[] = [
  {
    peers: ["sigstore"],
    does: "is given our TUF root by trust-instance, and signs and verifies by that alone",
    run: async (world) => {
      const file = join(world.folder, "artifact");
      await writeFile(file, "what is signed");
      const sigstore = (...args: string[]) =>
        world.run(world.program("sigstore"), ["--instance", world.stack.urls.tuf, ...args]);
      succeeded(await sigstore("trust-instance", world.trust("1.root.json")));
      const bundle = `${file}.sigstore.json`;
      const token = await world.token();
      succeeded(await sigstore("sign", "--identity-token", token, "--bundle", bundle, file));
      const identity = ["--cert-identity", world.identity, "--cert-oidc-issuer", world.issuer];
      const verify = ["verify", "identity", "--bundle", bundle, ...identity];
      succeeded(await sigstore(...verify, file));
      await writeFile(file, "what is not signed");
      refused(await sigstore(...verify, file), /signature|digest/i);
    },
  },
];

export const COSIGN_TUF: readonly Check[] = [
  {
    peers: ["cosign-2.2"],
    does: "follows our TUF repository through a change of all keys, from the first root and the last",
    run: async (world) => {
      const state = join(world.folder, "state");
      const initialize = async (memory: string, mirror: string) => {
        const root = join(state, "trust", "1.root.json");
        const args = ["initialize", "--mirror", mirror, "--root", root];
        const told = await cosign(world, "cosign-2.2", args, {
          TUF_ROOT: join(world.folder, memory),
        });
        const { metadata } = JSON.parse(succeeded(told).stdout.replace(/^[^{]*/, ""));
        return metadata["root.json"].version;
      };
      const before = await startStack(state);
      try {
        assert.equal(await initialize("old", before.urls.tuf), 1);
      } finally {
        await before.close();
      }
      succeeded(await world.wheelseal(["trust", "rotate", "--state", state]));
      const after = await startStack(state);
      try {
        assert.equal(await initialize("old", after.urls.tuf), 2);
        assert.equal(await initialize("new", after.urls.tuf), 2);
      } finally {
        await after.close();
      }
    },
  },
];
