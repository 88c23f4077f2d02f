import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

// How much longer an installation takes through the gateway: some 35 real packages, all signed,
// with pip and uv, straight and through the gateway in turn.
//
//   npx node bench/gateway.ts [--pairs 7] [--only pip|uv] [--index URL|pip] [--wheels FOLDER]
//
// Without --index, the index is on this machine and answers at once: nothing hides what the gateway
// adds. `--index pip` is the one that pip asks by itself. Warm: the gateway knows the files. Cold: it
// has not seen one of them, and fetches and verifies each; the process is up, and has verified other
// packages.

const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const UPSTREAM = fileURLToPath(new URL("gateway-upstream.ts", import.meta.url));
const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

/** They and what they need are more than 30 packages. */
const WANTED = ["fastapi", "flask", "httpx[http2]", "rich", "jsonschema"];
/** What a gateway has verified before it is timed, so that its code is warm. */
const BEFORE = [
  ...[
    "multidict",
    "propcache",
    "frozenlist",
    "sqlalchemy",
    "greenlet",
    "tornado",
    "aiohttp",
    "yarl",
  ],
  ...["urllib3", "requests", "charset-normalizer", "packaging", "platformdirs", "filelock"],
  ...["distlib", "pluggy", "iniconfig", "coverage", "pyyaml", "docutils", "babel", "alabaster"],
  ...["imagesize", "wcwidth", "psutil", "msgpack", "tomli-w", "zipp", "importlib-metadata", "six"],
];

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "7" },
    only: { type: "string" },
    index: { type: "string" },
    wheels: { type: "string", default: join(tmpdir(), "wheelseal-bench-wheels") },
  },
});
const pairs = Number(values.pairs);

const run = promisify(execFile);

/** A server that says where it is on its first line. */
const start = (args: readonly string[], cwd: string): Promise<[ChildProcess, string]> =>
  new Promise((done, failed) => {
    const [program = "", ...rest] = args;
    const child = spawn(program, rest, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors = (errors + text).slice(-4000);
    });
    child.stdout.once("data", (line) => done([child, String(line).trim()]));
    child.once("close", () => failed(new Error(`${rest[1]} ended: ${errors}`)));
  });

const stop = async (child: ChildProcess): Promise<void> => {
  const ended = new Promise((done) => child.once("close", done));
  child.kill("SIGTERM");
  await ended;
};

const projectOf = (filename: string): string =>
  (filename.split("-")[0] ?? "").toLowerCase().replace(/[-_.]+/g, "-");

/** The wheels, fetched once. */
const fetchWheels = async (folder: string): Promise<string[]> => {
  await mkdir(folder, { recursive: true });
  const wheels = async () => (await readdir(folder)).filter((name) => name.endsWith(".whl")).sort();
  const there = await wheels();
  const projects = new Set(there.map(projectOf));
  if (BEFORE.every((project) => projects.has(project))) return there;
  const named = values.index !== undefined && values.index !== "pip";
  const index = named ? ["--index-url", values.index ?? ""] : [];
  const flags = ["-m", "pip", "download", "--quiet", "--only-binary", ":all:", "-d", folder];
  await run("python3", [...flags, ...index, ...WANTED], { timeout: 600_000 });
  await run("python3", [...flags, ...index, "--no-deps", ...BEFORE], { timeout: 600_000 });
  return wheels();
};

/** Signs all wheels with a local stack, which then goes away; gives the gateway's flags. */
const sign = async (root: string, wheels: string, names: readonly string[]): Promise<string[]> => {
  const evidence = join(root, "evidence");
  await mkdir(evidence);
  for (const name of names) await cp(join(wheels, name), join(evidence, name));
  const state = join(root, "stack");
  const [stack, line] = await start([...NODE, MAIN, "up", "--state", state, "--json"], root);
  const { urls, trustConfig } = JSON.parse(line);
  const local = ["--profile", "local", "--state", state];
  const args = [...NODE.slice(1), MAIN, "sign", evidence, "--without-record", ...local];
  await run(NODE[0], args, { cwd: root });
  await cp(trustConfig, join(root, "trust.json"));
  await stop(stack);
  const expires = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const packages = names.map((name) => {
    const project = projectOf(name);
    return `[[policy.packages.${project}.identities]]
kind = "gitlab"\nissuer = "${urls.gitlab}"\nproject = "local/packages"
[[policy.waivers]]
package = "${project}"\nwaives = ["provenance"]\nreason = "built by others"
owner = "the benchmark"\nexpires = "${expires}"\n`;
  });
  await writeFile(join(root, "policy.toml.part"), packages.join("\n"));
  return ["--trust-config", join(root, "trust.json")];
};

/** The index that pip asks unless it is told another; its help names it. */
const indexOfPip = async (): Promise<string> => {
  const { stdout } = await run("python3", ["-m", "pip", "install", "--help"]);
  const [, url] = /Package Index\s+\(default\s+(\S+)\)/.exec(stdout) ?? [];
  if (url === undefined) throw new Error("pip names no index");
  return `${url}/`.replace(/\/+$/, "/");
};

type Installer = (index: string, target: string) => Promise<unknown>;

const pip: Installer = (index, target) => {
  const flags = ["--no-cache-dir", "--disable-pip-version-check", "--quiet", "--target", target];
  const args = ["-m", "pip", "install", ...flags, "--index-url", index, ...WANTED];
  return run("python3", args, { env: { ...process.env, PIP_FIND_LINKS: "" } });
};

const uv: Installer = (index, target) => {
  const flags = ["--no-cache", "--no-config", "--quiet", "--target", target];
  return run("uv", ["pip", "install", ...flags, "--index-url", index, ...WANTED]);
};

const timed = async (root: string, install: Installer, index: string): Promise<number> => {
  const target = await mkdtemp(join(root, "target-"));
  const began = performance.now();
  await install(index, target);
  const took = performance.now() - began;
  await rm(target, { recursive: true });
  return took / 1000;
};

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below = 0, above = 0] = [
    sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)],
    sorted[middle],
  ];
  return (below + above) / 2;
};

const shown = (numbers: readonly number[]): string =>
  `${median(numbers).toFixed(2)} s (${Math.min(...numbers).toFixed(2)} to ${Math.max(...numbers).toFixed(2)})`;

type Gateway = { readonly index: string; readonly stop: () => Promise<void> };

/** Pairs of a straight installation and one through the gateway; which comes first alternates. */
const compare = async (
  label: string,
  root: string,
  straight: string,
  install: Installer,
  openGateway: () => Promise<Gateway>,
): Promise<void> => {
  const direct: number[] = [];
  const through: number[] = [];
  const viaGateway = async (): Promise<void> => {
    const gateway = await openGateway();
    through.push(await timed(root, install, gateway.index));
    await gateway.stop();
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    if (pair % 2 === 1) await viaGateway();
    direct.push(await timed(root, install, straight));
    if (pair % 2 === 0) await viaGateway();
  }
  const ratios = through.map((seconds, pair) => seconds / (direct[pair] ?? 0));
  console.log(
    `${label}: direct ${shown(direct)}, gateway ${shown(through)}, ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
  );
};

/** Gets the newest file of a project that the benchmark has. */
const fetchThrough = async (index: string, project: string): Promise<void> => {
  const base = `${index}${project}/`;
  const accept = "application/vnd.pypi.simple.v1+json";
  const page = await (await fetch(base, { headers: { accept } })).json();
  const have = (await readdir(values.wheels)).find((name) => projectOf(name) === project);
  const { files } = page as { files: { filename: string; url: string }[] };
  const file = files.find(({ filename }) => filename === have);
  const answer = await fetch(new URL(file?.url ?? "", base));
  if (answer.status !== 200) throw new Error(`${project}: ${answer.status} ${answer.statusText}`);
  await answer.arrayBuffer();
};

const root = await mkdtemp(join(tmpdir(), "wheelseal-bench-"));
const children = new Set<ChildProcess>();
try {
  const names = await fetchWheels(values.wheels);
  const trust = await sign(root, values.wheels, names);
  const [upstream, near] = await start([...NODE, UPSTREAM, values.wheels], root);
  children.add(upstream);
  const straight = values.index === "pip" ? await indexOfPip() : (values.index ?? near);
  const policy = await readFile(join(root, "policy.toml.part"), "utf8");
  const config = `refresh = "30s"\n[[upstreams]]\nname = "bench"\nindex = "${straight}"
owns = ["*"]\nevidence = "evidence"\n`;
  await writeFile(join(root, "gateway.toml"), config + policy);
  const openGateway = async (state: string): Promise<Gateway> => {
    const flags = ["--config", "gateway.toml", "--state", state, ...trust];
    const [child, index] = await start([...NODE, MAIN, "gateway", ...flags], root);
    children.add(child);
    const end = async (): Promise<void> => {
      await stop(child);
      children.delete(child);
    };
    for (const project of BEFORE) await fetchThrough(index, project);
    return { index, stop: end };
  };
  const count = names.length - BEFORE.length;
  console.log(`${count} packages, ${pairs} pairs of each; median (least to most)`);
  let states = 0;
  for (const [name, install] of [
    ["pip", pip],
    ["uv", uv],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue;
    const warm = await openGateway("warm");
    await timed(root, install, warm.index);
    const kept = { index: warm.index, stop: async () => undefined };
    await compare(`${name}, warm`, root, straight, install, async () => kept);
    await warm.stop();
    await compare(`${name}, cold`, root, straight, install, () => {
      states += 1;
      return openGateway(`cold-${states}`);
    });
  }
} finally {
  for (const child of children) child.kill("SIGTERM");
  await rm(root, { recursive: true, force: true });
}
