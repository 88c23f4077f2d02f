import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { inspectDistribution } from "../../src/clients/archive.ts";
import { systemBuilder } from "../../src/clients/builder.ts";
import type { Environment } from "../../src/clients/environment.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { BuildRecord } from "../../src/formats/build-record.ts";
import type { Result } from "../../src/formats/result.ts";
import { type BuildInput, build } from "../../src/stages/1-build.ts";
import type { StageEvent } from "../../src/stages/events.ts";

/** A folder that is gone when the test is. */
export const folder = (t: TestContext): string => {
  const made = mkdtempSync(join(tmpdir(), "wheelseal-test-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

export const write = (root: string, files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
};

export const runGit = (root: string, ...args: string[]): string =>
  execFileSync("git", ["-C", root, "-c", "user.name=t", "-c", "user.email=t@t.invalid", ...args], {
    encoding: "utf8",
    env: {
      PATH: process.env.PATH,
      HOME: root,
      GIT_AUTHOR_DATE: "1700000000 +0000",
      GIT_COMMITTER_DATE: "1700000000 +0000",
    },
  });

export const commitAll = (root: string): void => {
  runGit(root, "init", "-q", "-b", "main");
  runGit(root, "add", "-A");
  runGit(root, "commit", "-q", "-m", "first");
};

export type Ran = {
  readonly result: Result<BuildRecord>;
  readonly events: readonly StageEvent[];
  readonly output: string;
};

/** The real stage with the real builder. */
export const runBuild = async (
  input: Partial<BuildInput> & { readonly project: string; readonly out: string },
  environment: Environment = process.env,
): Promise<Ran> => {
  const events: StageEvent[] = [];
  const result = await build(
    { reproducible: true, metadata: {}, ...input },
    {
      builder: systemBuilder({ environment }),
      files: systemFiles,
      now: Date.now,
      report: (event) => events.push(event),
      inspect: inspectDistribution,
    },
  );
  const output = events.map((event) => (event.kind === "output" ? event.text : "")).join("");
  return { result, events, output };
};

/**
 * A project whose backend lies in its own tree and needs nothing from an index. `hook` is Python
 * that runs in build_sdist, with `directory` (the output folder) in scope.
 */
export const ownBackend = (hook = ""): Record<string, string> => ({
  "pyproject.toml": `[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny.pkg"
version = "1.0"
`,
  "tiny_pkg.py": "GREETING = 'hello'\n",
  "backend.py": `import base64, hashlib, io, os, sys, tarfile, zipfile, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
STEM = project["name"].replace(".", "_").replace("-", "_").lower() + "-" + project["version"]
METADATA = f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {project['version']}\\n"
WHEEL = "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def digest(text):
    raw = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).decode().rstrip("=") + "," + str(len(text.encode()))

def build_sdist(directory, config_settings=None):
${hook
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
    with tarfile.open(os.path.join(directory, STEM + ".tar.gz"), "w:gz") as sdist:
        for name in ("pyproject.toml", "tiny_pkg.py", "backend.py"):
            sdist.add(name, STEM + "/" + name)
        info = tarfile.TarInfo(STEM + "/PKG-INFO")
        info.size = len(METADATA)
        sdist.addfile(info, io.BytesIO(METADATA.encode()))
    return STEM + ".tar.gz"

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = STEM + "-py3-none-any.whl"
    members = {
        "tiny_pkg.py": open("tiny_pkg.py").read(),
        STEM + ".dist-info/METADATA": METADATA,
        STEM + ".dist-info/WHEEL": WHEEL,
    }
    record = "".join(f"{path},{digest(text)}\\n" for path, text in members.items()) + STEM + ".dist-info/RECORD,,\\n"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for path, text in {**members, STEM + ".dist-info/RECORD": record}.items():
            wheel.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return name
`,
});
