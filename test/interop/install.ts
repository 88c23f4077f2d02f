import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ExecOptions, exec } from "./exec.ts";
import { PEERS, type Peer, type PeerId, programOf } from "./peers.ts";

/** Peers are kept here between runs; git ignores it. */
const CACHE = fileURLToPath(new URL("../../.interop/", import.meta.url));

/** A peer that is here: the folder of its programs, or of its node_modules. */
type Present = { readonly folder: string };
/** Or why it is not. */
type Absent = { readonly missing: string };
export type Found = Present | Absent;

type Install = (peers: readonly Peer[], deadline: number) => Promise<Found[]>;

const missing = (reason: string): Absent => ({ missing: reason });

const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() ?? "";

/** Runs one installing program within what is left of the time; gives why it failed. */
const attempt = async (
  program: string,
  args: readonly string[],
  deadline: number,
  options: ExecOptions = {},
): Promise<string | undefined> => {
  const timeout = deadline - Date.now();
  if (timeout <= 0) return "it could not be got in the time given";
  const { code, output } = await exec(program, args, { ...options, timeout });
  if (code === 0) return undefined;
  if (Date.now() >= deadline) return "it could not be got in the time given";
  return lastLine(output) || `${program} cannot be run`;
};

/** Makes `folder` once for each list of pins. */
const once = async (
  folder: string,
  pins: readonly string[],
  make: () => Promise<string | undefined>,
): Promise<Found> => {
  const stamp = join(folder, "pins.txt");
  const wanted = `${pins.join("\n")}\n`;
  const made = await readFile(stamp, "utf8").catch(() => "");
  if (made === wanted) return { folder };
  await mkdir(folder, { recursive: true });
  const failed = await make();
  if (failed !== undefined) return missing(failed);
  await writeFile(stamp, wanted);
  return { folder };
};

const installPython: Install = async (peers, deadline) => {
  const pins = peers.flatMap(({ source }) => (source.kind === "python" ? source.requirement : []));
  const folder = join(CACHE, "python");
  const found = await once(folder, pins, async () => {
    const venv = await attempt("python3", ["-m", "venv", "--clear", folder], deadline);
    if (venv !== undefined) return venv;
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...pins];
    return attempt(join(folder, "bin", "python"), pip, deadline);
  });
  return peers.map(() => ("missing" in found ? found : { folder: join(folder, "bin") }));
};

const installNpm: Install = async (peers, deadline) => {
  const pins = peers.map(({ name, version }) => `${name}@${version}`);
  const folder = join(CACHE, "npm");
  const found = await once(folder, pins, async () => {
    await writeFile(join(folder, "package.json"), '{ "private": true }\n');
    const flags = ["--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
    return attempt("npm", ["install", ...flags, ...pins], deadline, { cwd: folder });
  });
  return peers.map(() => found);
};

/** One at a time: a build takes all cores as it is. */
const installGo: Install = async (peers, deadline) => {
  const found: Found[] = [];
  for (const peer of peers) found.push(await buildGo(peer, deadline));
  return found;
};

const buildGo = async (peer: Peer, deadline: number): Promise<Found> => {
  const { source, name, version } = peer;
  if (source.kind !== "go") throw new TypeError(`${name} is not a Go program`);
  const folder = join(CACHE, "go", `${name}-${version}`);
  for (const path of source.packages) {
    const program = join(folder, programOf(source, path));
    const told = await exec("go", ["version", "-m", program]);
    if (told.code === null) return missing("there is no Go toolchain");
    if (told.output.includes(`\tmod\t${source.module}\tv${version}`)) continue;
    console.error(`building ${name} ${version}: ${path}`);
    const failed = await attempt(
      "nice",
      ["go", "install", `${join(source.module, path)}@v${version}`],
      deadline,
      { env: { ...process.env, GOBIN: folder }, log: join(CACHE, `${name}-${version}.log`) },
    );
    if (failed !== undefined) return missing(failed);
  }
  return { folder };
};

/** Programs of the machine; a root user of a Debian gets what is not there. */
const findOnMachine: Install = async (peers, deadline) => {
  const found: Found[] = [];
  for (const { source, name } of peers) {
    if (source.kind !== "machine") throw new TypeError(`${name} is not of the machine`);
    const there = async () => (await exec(source.program, ["--version"])).code === 0;
    let present = await there();
    if (!present && process.getuid?.() === 0) {
      const apt = ["install", "-y", "--no-install-recommends", source.debian];
      await attempt("apt-get", ["update"], deadline);
      await attempt("apt-get", apt, deadline);
      present = await there();
    }
    found.push(present ? { folder: "" } : missing(`${source.program} is not on this machine`));
  }
  return found;
};

const INSTALLERS = {
  python: installPython,
  npm: installNpm,
  machine: findOnMachine,
  go: installGo,
} as const;

/**
 * Gets the peers that are `wanted`; all of a kind are got together, so that one list of pins holds.
 * What is not there at `deadline` (milliseconds since 1970) is missing.
 */
export const installPeers = async (
  wanted: ReadonlySet<PeerId>,
  deadline: number,
): Promise<ReadonlyMap<PeerId, Found>> => {
  const found = new Map<PeerId, Found>();
  const all = Object.entries(PEERS) as [PeerId, Peer][];
  await mkdir(CACHE, { recursive: true });
  for (const [kind, install] of Object.entries(INSTALLERS)) {
    const ofKind = all.filter(([, { source }]) => source.kind === kind);
    if (!ofKind.some(([id]) => wanted.has(id))) continue;
    const separate = kind === "go" || kind === "machine";
    const chosen = separate ? ofKind.filter(([id]) => wanted.has(id)) : ofKind;
    const results = await install(
      chosen.map(([, peer]) => peer),
      deadline,
    );
    for (const [index, [id]] of chosen.entries()) {
      found.set(id, results[index] ?? missing("it was not looked for"));
    }
  }
  return found;
};
