import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { signRelease } from "../cli/signed-release.ts";

const root = resolve(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "wheelseal-packages-"));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
let version = "";

const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

type Surroundings = { readonly cwd?: string; readonly env?: Record<string, string> };

const run = (program: string, args: readonly string[], { cwd, env }: Surroundings = {}): string =>
  execFileSync(program, args, {
    cwd: cwd ?? work,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: env ?? { ...process.env, NODE_TEST_CONTEXT: "" },
  });

const digests = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort()
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex"),
      ]),
  );

const bundleInto = (folder: string): string => {
  const rolldown = join(root, "node_modules/rolldown/bin/cli.mjs");
  run(process.execPath, [rolldown, "-c", "--dir", folder], { cwd: root });
  return folder;
};

const wheelInto = (folder: string, bundle: string): string => {
  run(NODE[0], [join(root, "packaging/wheel.ts"), folder, bundle], { cwd: root });
  rmSync(join(folder, "wheelseal-build.json"));
  return folder;
};

/** What `npm pack` makes of the package with this bundle. */
const packInto = (folder: string, bundle: string): string => {
  const project = join(folder, "project");
  mkdirSync(project, { recursive: true });
  for (const name of ["package.json", "README.md", "LICENSE"]) {
    cpSync(join(root, name), join(project, name));
  }
  cpSync(bundle, join(project, "dist"), { recursive: true });
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
    cwd: project,
  });
  return join(folder, `wheelseal-${manifest.version}.tgz`);
};

let bundle = "";
let release: Awaited<ReturnType<typeof signRelease>>;

before(async () => {
  const head = execFileSync("git", ["-C", root, "rev-parse", "HEAD"], { encoding: "utf8" });
  version = `${manifest.version} (${head.slice(0, 7)})\n`;
  bundle = bundleInto(join(work, "bundle"));
  release = await signRelease(work);
});

after(async () => {
  await release.stack.close();
  rmSync(work, { recursive: true, force: true });
});

const VERIFY = () => [
  ...["verify", release.dist, "--trust-config", join(work, "trust.json"), "--offline"],
  ...["--certificate-identity", release.san, "--certificate-oidc-issuer", release.issuer],
];

test("the bundle comes out the same twice, and names its commit", () => {
  assert.deepEqual(digests(bundleInto(join(work, "bundle-2"))), digests(bundle));
  assert.equal(run(NODE[0], [NODE[1], join(bundle, "wheelseal.js"), "--version"]), version);
});

test("the SBOM and the notices name what is in the bundle, as it is locked, and no more", () => {
  const sbom = JSON.parse(readFileSync(join(bundle, "sbom.cdx.json"), "utf8"));
  assert.equal(sbom.bomFormat, "CycloneDX");
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const listed = new Map<string, string>(
    sbom.components.map((one: { name: string; version: string }) => [one.name, one.version]),
  );
  for (const name of ["commander", "jose", "hono", "parse5", "smol-toml", "@noble/curves"]) {
    assert.ok(listed.has(name), `${name} is not listed`);
  }
  for (const name of ["typescript", "knip", "fast-check", "rolldown"]) {
    assert.ok(!listed.has(name), `${name} is listed`);
  }
  const text = readFileSync(join(bundle, "THIRD-PARTY-NOTICES.txt"), "utf8");
  for (const [name, pinned] of listed) {
    assert.equal(lock.packages[`node_modules/${name}`]?.version, pinned, name);
    assert.ok(text.includes(`${name} ${pinned} (`), name);
  }
});

test("the npm tarball comes out the same twice, and runs from npx without a network", () => {
  const tarball = packInto(join(work, "npm-1"), bundle);
  const again = packInto(join(work, "npm-2"), bundle);
  assert.deepEqual(readFileSync(again), readFileSync(tarball));
  const user = join(work, "npm-user");
  mkdirSync(user);
  run("npm", ["init", "--yes"], { cwd: user });
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: user });
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const env = { PATH: path, HOME: user, npm_config_cache: join(user, "cache") };
  const offline = (...args: string[]) =>
    run("npx", ["--offline", "wheelseal", ...args], { cwd: user, env });
  assert.match(offline("--version"), /^\d+\.\d+\.\d+ \(/);
  assert.equal(offline(...VERIFY()).match(/^verified /gm)?.length, 2);
});

test("the wheel comes out the same twice, and verifies where only Python is installed", () => {
  const made = wheelInto(join(work, "wheel-1"), bundle);
  assert.deepEqual(digests(wheelInto(join(work, "wheel-2"), bundle)), digests(made));
  const wheel = join(made, `wheelseal-${manifest.version}-py3-none-any.whl`);
  const venv = join(work, "venv");
  run("python3", ["-m", "venv", venv]);
  const bin = join(venv, "bin");
  run(join(bin, "pip"), ["install", "--quiet", "--disable-pip-version-check", wheel]);
  const env = { PATH: bin, HOME: venv };
  const wheelseal = (...args: string[]) => run(join(bin, "wheelseal"), args, { env });
  assert.equal(wheelseal("--version"), version);
  assert.equal(wheelseal(...VERIFY()).match(/^verified /gm)?.length, 2);
  const module = run(join(bin, "python"), ["-m", "wheelseal", "--version"], { env });
  assert.equal(module, wheelseal("--version"));
});
