import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { type AttackSite, stageAttacks } from "../consumer/attack-site.ts";
import { ATTACKS } from "../consumer/attack-table.ts";
import { startUpstream, type UpstreamServer } from "../consumer/upstream-server.ts";
import type { Check } from "./check.ts";
import { freePort, withDaemon } from "./daemon.ts";
import type { Outcome } from "./exec.ts";
import type { PeerId } from "./peers.ts";
import { refused, succeeded, type World } from "./world.ts";

// Installers with nothing changed but the URL of their index, which is our gateway's.

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const VECTORS = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const HAS_VECTORS = existsSync(VECTORS);

/** Installs from an index into a folder of packages; `python` is of a virtual environment. */
type Install = (
  world: World,
  at: { readonly python: string; readonly index: string },
  ...args: string[]
) => Promise<Outcome>;

const TIMEOUT = 600_000;
/** Settings of this machine that would bring in files from elsewhere. */
const NO_PIP = { PIP_CONFIG_FILE: "/dev/null", PIP_FIND_LINKS: "", PIP_EXTRA_INDEX_URL: "" };

const pip: Install = (world, { python, index }, ...args) => {
  const flags = ["--no-cache-dir", "--disable-pip-version-check", "--retries", "0"];
  const given = ["--python", python, "install", ...flags, "--index-url", index, ...args];
  return world.run(world.program("pip"), given, { timeout: TIMEOUT, env: NO_PIP });
};

const uv: Install = (world, { python, index }, ...args) => {
  const flags = ["--no-cache", "--no-config", "--no-progress"];
  const given = ["pip", "install", ...flags, "--python", python, "--index-url", index, ...args];
  return world.run(world.program("uv"), given, { timeout: TIMEOUT });
};

const makeVenv = async (world: World, name: string): Promise<string> => {
  const folder = join(world.folder, name);
  succeeded(await world.run("python3", ["-m", "venv", "--without-pip", folder]));
  return join(folder, "bin", "python");
};

/** Everything of the table is refused with its code; what is sound beside it is installed. */
const meetAttacks = async (world: World, site: AttackSite, install: Install): Promise<void> => {
  const at = { python: await makeVenv(world, "venv"), index: `${site.listener.url}/simple` };
  for (const { project, version, code } of ATTACKS) {
    const outcome = await install(world, at, "--no-deps", `${project}==${version}`);
    refused(outcome, new RegExp(`\\b403\\b[^]*\\b${code}\\b`));
  }
  succeeded(await install(world, at, "--no-deps", "internal"));
  const shown = await world.run(at.python, [
    "-c",
    "from importlib.metadata import version; print(version('internal'))",
  ]);
  assert.equal(succeeded(shown).stdout.trim(), "1.0");
  assert.deepEqual(site.stranger.paths, [], "the stranger's index was asked");
};

/** What a day's work needs, and what the attested project below is built with. */
const WANTED = ["pypi-attestations==0.0.19", "fastapi", "flask", "httpx", "setuptools"];
const ATTESTED = "pypi_attestations-0.0.19.tar.gz";
const SIGNED_HERE = "idna";

type Closure = {
  readonly upstream: UpstreamServer;
  /** Digests by project, of what nothing but a pin vouches for. */
  readonly pins: ReadonlyMap<string, string>;
  /** Evidence of the wheel that was signed here. */
  readonly evidence: string;
};

const projectOf = (filename: string): string =>
  (filename.split("-")[0] ?? "").toLowerCase().replaceAll("_", "-").replaceAll(".", "-");

/** Signs a stranger's wheel as our own: without a build, so there is no provenance. */
const signHere = async (world: World, wheels: string, filename: string): Promise<string> => {
  const evidence = join(world.folder, "evidence");
  await mkdir(evidence);
  await rename(join(wheels, filename), join(evidence, filename));
  const local = ["--profile", "local", "--state", world.stack.state];
  succeeded(await world.wheelseal(["sign", evidence, "--without-record", ...local]));
  return evidence;
};

/** Real packages with all that they need, and one sdist with PyPI's own attestation. */
const fetchClosure = async (world: World): Promise<Closure> => {
  const wheels = join(world.folder, "wheels");
  const flags = ["download", "--quiet", "--only-binary", ":all:", "-d", wheels];
  const options = { timeout: TIMEOUT, env: { HOME: process.env.HOME } };
  succeeded(await world.run(world.program("pip"), [...flags, ...WANTED], options));
  // Where the published attestations are not beside this tree, that project is pinned, too.
  if (HAS_VECTORS) await rm(join(wheels, "pypi_attestations-0.0.19-py3-none-any.whl"));
  const upstream = await startUpstream();
  const bytes = async (path: string | URL) => new Uint8Array(await readFile(path));
  const names = await readdir(wheels);
  const own = names.find((name) => projectOf(name) === SIGNED_HERE);
  assert.ok(own !== undefined, `${SIGNED_HERE} is in the closure`);
  const evidence = await signHere(world, wheels, own);
  upstream.add(SIGNED_HERE, { filename: own, content: await bytes(join(evidence, own)) });
  const pins = new Map<string, string>();
  for (const filename of names.filter((name) => name !== own)) {
    const content = await bytes(join(wheels, filename));
    upstream.add(projectOf(filename), { filename, content });
    pins.set(projectOf(filename), hex(sha256(content)));
  }
  if (HAS_VECTORS) await addAttested(upstream);
  return { upstream, pins, evidence };
};

const addAttested = async (upstream: UpstreamServer): Promise<void> => {
  const says = { provenance: `${upstream.origin}/provenance` };
  const content = new Uint8Array(await readFile(new URL(ATTESTED, VECTORS)));
  upstream.add("pypi-attestations", { filename: ATTESTED, content, says });
  const provenance = await readFile(new URL(`${ATTESTED}.provenance`, VECTORS));
  upstream.instead = ({ url }, response) => {
    if (url !== "/provenance") return false;
    response.setHeader("content-type", "application/vnd.pypi.integrity.v1+json");
    response.end(provenance);
    return true;
  };
};

/** The stack's trust root and the public one in one file: a site that trusts both. */
const bothRoots = async (world: World): Promise<string> => {
  const own = JSON.parse(await readFile(world.trust("trusted_root.json"), "utf8"));
  const merged = JSON.parse(PUBLIC_GOOD_ROOT);
  for (const list of ["tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"]) {
    merged[list] = [...(merged[list] ?? []), ...(own[list] ?? [])];
  }
  const path = join(world.folder, "both-roots.json");
  await writeFile(path, JSON.stringify(merged));
  return path;
};

const configFor = ({ pypi, issuer }: World, { upstream, pins, evidence }: Closure): string => {
  const identity = `{ kind = "gitlab", issuer = "${issuer}", project = "local/packages" }`;
  const github = `{ kind = "github", issuer = "https://token.actions.githubusercontent.com", repository = "trailofbits/pypi-attestations", workflow = "release.yml" }`;
  const expires = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  return `
[[upstreams]]
name = "registry"
index = "${pypi}/simple"
owns = ["wheelseal-greeter"]
username = "gitlab-ci-token"
password-env = "REGISTRY_TOKEN"

[[upstreams]]
name = "signed-here"
index = "${upstream.index}"
owns = ["${SIGNED_HERE}"]
evidence = "${evidence}"

[[upstreams]]
name = "public"
index = "${upstream.index}"
owns = ["*"]
demands = "attested"

[policy.packages]
wheelseal-greeter = { identities = [${identity}] }
${SIGNED_HERE} = { identities = [${identity}] }
${HAS_VECTORS ? `pypi-attestations = { identities = [${github}] }` : ""}
${[...pins].map(([name, digest]) => `${name} = { pins = ["sha256:${digest}"] }`).join("\n")}

[[policy.waivers]]
package = "${SIGNED_HERE}"
waives = ["provenance"]
reason = "built by others"
owner = "the site"
expires = "${expires}"
`;
};

/** Runs the gateway as a user does while `work` lasts. */
const withGateway = async (
  world: World,
  closure: Closure,
  work: (url: string) => Promise<void>,
): Promise<void> => {
  const config = join(world.folder, "gateway.toml");
  await writeFile(config, configFor(world, closure));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const state = ["--state", join(world.folder, "gateway-state")];
  const flags = ["--config", config, "--port", String(port), ...state];
  const args = ["gateway", ...flags, "--trusted-root", await bothRoots(world)];
  const options = {
    cwd: world.folder,
    env: { ...process.env, REGISTRY_TOKEN: world.stack.jobToken },
  };
  const program = process.execPath;
  const given = ["--disable-warning=ExperimentalWarning", MAIN, ...args];
  await withDaemon({ program, args: given, url: `${url}/healthz`, options }, () => work(url));
};

const installClosure = async (world: World, install: Install): Promise<void> => {
  const local = ["--profile", "local", "--state", world.stack.state];
  succeeded(await world.wheelseal(["publish", world.release.folder, ...local]));
  succeeded(await world.wheelseal(["publish-signatures", world.release.folder, ...local]));
  const closure = await fetchClosure(world);
  const wanted = [...WANTED.filter((name) => name !== "setuptools"), "wheelseal-greeter"];
  try {
    await withGateway(world, closure, async (url) => {
      const python = await makeVenv(world, "venv");
      succeeded(await install(world, { python, index: `${url}/simple` }, ...wanted));
      const counting = "from importlib.metadata import distributions as d; print(len(list(d())))";
      const { stdout } = succeeded(await world.run(python, ["-c", counting]));
      assert.ok(Number(stdout) >= 50, `${stdout.trim()} packages were installed`);
      const names = "import fastapi, flask, httpx, pypi_attestations, sigstore, greeter";
      succeeded(await world.run(python, ["-c", names]));
      const metrics = await (await fetch(`${url}/metrics`)).text();
      assert.doesNotMatch(metrics, /kind="(?:refused|alarm)"/);
    });
    const audit = ["gateway", "audit", "--state", join(world.folder, "gateway-state")];
    const { stdout } = succeeded(await world.wheelseal(audit));
    const { events } = JSON.parse(stdout);
    const expectHow = (project: string, message: RegExp, detail: string): void => {
      const found = events.find((event: { project: string }) => event.project === project);
      assert.match(found?.message ?? "no event", message, project);
      assert.ok(JSON.stringify(found.detail).includes(detail), `${project}: ${detail}`);
    };
    if (HAS_VECTORS) {
      expectHow("pypi-attestations", /^verified by publish$/, "trailofbits/pypi-attestations");
    }
    expectHow("wheelseal-greeter", /^verified by bundle, publish, provenance$/, "local/packages");
    expectHow(SIGNED_HERE, /^verified by bundle, publish$/, "built by others");
    expectHow("fastapi", /pinned digest/, '"pinned":true');
  } finally {
    closure.upstream.close();
  }
};

const checksOf = (peer: PeerId, install: Install): readonly Check[] => [
  {
    peers: [peer, "pip"],
    does: "installs more than 50 real packages through our gateway: attested by PyPI, signed, waived or pinned",
    run: (world) => installClosure(world, install),
  },
  {
    peers: [peer],
    does: "shows by its code why our gateway refuses each of the known attacks on installers",
    run: async (world) => {
      const site = await stageAttacks();
      try {
        await meetAttacks(world, site, install);
      } finally {
        await site.close();
      }
    },
  },
];

export const PIP_GATEWAY: readonly Check[] = checksOf("pip", pip);
export const UV_GATEWAY: readonly Check[] = checksOf("uv", uv);
