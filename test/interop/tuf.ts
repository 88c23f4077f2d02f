import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ATTACKS, type Attack } from "../clients/tuf-attacks.ts";
import { openMirror, serveMirror } from "../clients/tuf-mirror.ts";
import type { Check } from "./check.ts";
import { cosign } from "./cosign.ts";
import { refused, startStack, succeeded, type World } from "./world.ts";

// The stack's TUF repository, read by others from the first root alone.

const SCRIPT = fileURLToPath(new URL("python_tuf.py", import.meta.url));

/** Reads targets from a repository, from a first root, into a memory folder. */
type Read = (
  world: World,
  base: string,
  root: string,
  memory: string,
  names: string[],
) => ReturnType<World["run"]>;

type Reasons = Readonly<Record<string, RegExp>>;

const pythonTuf: Read = (world, base, root, memory, names) =>
  world.run(world.program("tuf"), [SCRIPT, base, root, join(world.folder, memory), ...names]);

type TufModule = {
  readonly Updater: new (options: {
    readonly metadataDir: string;
    readonly metadataBaseUrl: string;
    readonly targetBaseUrl: string;
  }) => {
    refresh(): Promise<void>;
    getTargetInfo(name: string): Promise<object | undefined>;
    downloadTarget(target: object, path: string): Promise<string>;
  };
};

/** tuf-js has no program: it is called from here, and its errors are told as python-tuf's are. */
const tufJs: Read = async (world, base, root, memory, names) => {
  const { Updater } = world.load("tuf-js") as TufModule;
  const folder = join(world.folder, memory);
  await mkdir(folder, { recursive: true });
  const first = join(folder, "root.json");
  if (!existsSync(first)) await copyFile(root, first);
  const urls = { metadataBaseUrl: base, targetBaseUrl: `${base}/targets` };
  try {
    const updater = new Updater({ metadataDir: folder, ...urls });
    await updater.refresh();
    for (const name of names) {
      const target = await updater.getTargetInfo(name);
      if (target === undefined) throw new TypeError(`there is no target ${name}`);
      await updater.downloadTarget(target, join(folder, name));
    }
    return { code: 0, stdout: "", output: "" };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: 1, stdout: "", output: `${error.constructor.name}: ${error.message}` };
  }
};

/** How python-tuf says what our codes say. */
const PYTHON_REASONS: Reasons = {
  TUF_ROLLBACK: /^BadVersionNumberError/m,
  TRUST_EXPIRED: /^ExpiredMetadataError/m,
  TUF_INVALID: /^(UnsignedMetadata|LengthOrHashMismatch|BadVersionNumber)Error/m,
};

/** And tuf-js, which tells the inner error in the message of an outer one. */
const JS_REASONS: Reasons = {
  TUF_ROLLBACK: /is less than current version|BadVersion|EqualVersion/,
  TRUST_EXPIRED: /expired/i,
  TUF_INVALID:
    /was signed by|threshold|Expected (hash|length|version)|BadVersion|LengthOrHash|Max length/,
};

/** Each costs two starts of Python, so only those that TUF is about (TUF specification §1.5.2). */
const isCore = ({ code, name, stricter }: Attack): boolean =>
  stricter !== true &&
  (code !== "TUF_INVALID" || /signed by|gap|another file/.test(name)) &&
  code !== "NETWORK_RESPONSE";

const NAMES = ["trusted_root.json"];

const attackOn = async (
  world: World,
  { read: by, reasons }: Client,
  attack: Attack,
  memory: string,
): Promise<void> => {
  const mirror = openMirror();
  mirror.publish({ version: 2 });
  const served = await serveMirror(mirror);
  try {
    const root = join(world.folder, `${memory}.json`);
    await writeFile(root, mirror.firstRoot);
    const read = () => by(world, served.base, root, memory, NAMES);
    if (attack.fresh !== true) succeeded(await read());
    attack.attack(mirror);
    refused(await read(), reasons[attack.code] ?? assert.fail(`no reason for ${attack.code}`));
  } finally {
    await served.close();
  }
};

type Client = {
  readonly id: "tuf" | "tuf-js";
  readonly read: Read;
  readonly reasons: Reasons;
};

const checksBy = (client: Client): readonly Check[] => [
  {
    peers: [client.id],
    does: "reads our TUF repository from the exported root: the files are those of wheelseal trust export",
    run: async (world) => {
      const names = [...NAMES, "signing_config.v0.2.json", "rekor.pub", "ctfe.pub"];
      const root = world.trust("1.root.json");
      succeeded(await client.read(world, world.stack.urls.tuf, root, "memory", names));
      for (const name of [...NAMES, "rekor.pub", "ctfe.pub"]) {
        const read = await readFile(join(world.folder, "memory", name));
        assert.deepEqual(read, await readFile(world.trust(name)), name);
      }
    },
  },
  {
    peers: [client.id],
    does: "refuses rollback, freeze, too few signatures and exchanged files, as our client does",
    run: async (world) => {
      for (const [index, attack] of ATTACKS.entries()) {
        if (isCore(attack)) await attackOn(world, client, attack, `attack-${index}`);
      }
    },
  },
];

export const PYTHON_TUF = checksBy({ id: "tuf", read: pythonTuf, reasons: PYTHON_REASONS });
export const TUF_JS = checksBy({ id: "tuf-js", read: tufJs, reasons: JS_REASONS });

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
