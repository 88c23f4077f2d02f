import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { NOTICES_NAME, SBOM_NAME } from "./bundled-libraries.ts";

const root = resolve(import.meta.dirname, "..");

const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;

/** The commit that the bundle was made from, by its own word: the wheel is of the same. */
const commitOf = (bundle: string): string => {
  const tool = join(bundle, "wheelseal.js");
  const told = execFileSync(NODE[0], [NODE[1], tool, "--version"], { encoding: "utf8" });
  const commit = /\(([0-9a-f]{7,})\)$/.exec(told.trim())?.[1];
  if (commit === undefined)
    throw new Error("the bundle names no commit: make it in a git checkout");
  return commit;
};

/**
 * Lays out the Python project around the bundle, in a clone, so that the build knows its commit
 * and takes every file's time from it.
 */
const stage = (folder: string, bundle: string): string => {
  const clone = join(folder, "source");
  execFileSync("git", ["clone", "--quiet", "--shared", "--no-checkout", root, clone]);
  execFileSync("git", ["-C", clone, "checkout", "--quiet", "--detach", commitOf(bundle)]);
  const project = join(clone, "python");
  const inside = (name: string): string => join(project, name);
  rmSync(project, { recursive: true, force: true });
  cpSync(join(root, "python"), project, { recursive: true });
  cpSync(join(root, "LICENSE"), inside("LICENSE"));
  for (const name of [SBOM_NAME, NOTICES_NAME]) cpSync(join(bundle, name), inside(name));
  const target = inside("src/wheelseal/bundle");
  const kept = (path: string): boolean => path === bundle || path.endsWith(".js");
  cpSync(bundle, target, { recursive: true, filter: kept });
  // Node reads a .js file as a module only where a package.json says so.
  writeFileSync(join(target, "package.json"), '{ "type": "module" }\n');
  return project;
};

/** `node packaging/wheel.ts [OUT [BUNDLE]]`: the tool's wheel and sdist, built by the tool. */
const main = (out: string, bundle: string): void => {
  if (!existsSync(join(bundle, SBOM_NAME))) throw new Error("there is no bundle: npm run bundle");
  const declared = readFileSync(join(root, "python/src/wheelseal/__init__.py"), "utf8");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  if (!declared.includes(`__version__ = "${version}"`)) {
    throw new Error(`python/src/wheelseal/__init__.py does not say ${version}`);
  }
  const work = mkdtempSync(join(tmpdir(), "wheelseal-wheel-"));
  try {
    const tool = join(bundle, "wheelseal.js");
    const args = ["build", stage(work, bundle), "--reproducible", "--out", out];
    execFileSync(NODE[0], [NODE[1], tool, ...args], { stdio: "inherit" });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

const [, , out = join(root, "build/python"), bundle = join(root, "dist")] = process.argv;
main(resolve(out), resolve(bundle));
