import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { commitAll, folder, runBuild, runGit, write } from "./build-support.ts";

/** Builds with real backends from the configured package index: run alone with `node --test`. */

type Backend = {
  readonly name: string;
  readonly requires: string;
  readonly backend: string;
  readonly more?: string;
  readonly metadata?: string;
};

const BACKENDS: readonly Backend[] = [
  { name: "setuptools", requires: "setuptools>=77", backend: "setuptools.build_meta" },
  { name: "hatchling", requires: "hatchling", backend: "hatchling.build" },
  { name: "flit", requires: "flit_core>=3.11", backend: "flit_core.buildapi" },
  { name: "poetry-core", requires: "poetry-core>=2", backend: "poetry.core.masonry.api" },
  {
    name: "poetry-legacy",
    requires: "poetry-core>=2",
    backend: "poetry.core.masonry.api",
    metadata: `[tool.poetry]
name = "demo-pkg"
version = "1.2.3"
description = "d"
authors = ["A <a@example.invalid>"]
packages = [{ include = "demo_pkg", from = "src" }]

[tool.poetry.dependencies]
python = ">=3.10"
`,
  },
  { name: "pdm-backend", requires: "pdm-backend", backend: "pdm.backend" },
  { name: "uv_build", requires: "uv_build", backend: "uv_build" },
];

const METADATA = `[project]
name = "demo-pkg"
version = "1.2.3"
description = "d"
requires-python = ">=3.10"
`;

const project = (backend: Backend): Record<string, string> => ({
  "pyproject.toml": `[build-system]
requires = ["${backend.requires}"]
build-backend = "${backend.backend}"

${backend.metadata ?? METADATA}
${backend.more ?? ""}`,
  "src/demo_pkg/__init__.py": '"""A demo."""\n__version__ = "1.2.3"\n',
  "src/demo_pkg/inner/__init__.py": "",
  "src/demo_pkg/py.typed": "",
  "README.md": "demo\n",
});

const bytesOf = (out: string, names: readonly string[]) =>
  names.map((name) => readFileSync(join(out, name)).toString("base64"));

describe("backends", { concurrency: 2 }, () => {
  for (const backend of BACKENDS) {
    test(`${backend.name}: builds, and builds the same again elsewhere`, async (t) => {
      const root = folder(t);
      const [first, second] = [join(root, "first"), join(root, "a", "longer path", "second")];
      for (const place of [first, second]) {
        write(place, project(backend));
        commitAll(place);
      }
      // What a checkout may differ in: modes, times.
      chmodSync(join(second, "src/demo_pkg/__init__.py"), 0o600);
      utimesSync(join(second, "src/demo_pkg/__init__.py"), 1_600_000_000, 1_600_000_000);
      const one = await runBuild({ project: first, out: join(root, "one") });
      const record = unwrap(one.result);
      assert.equal(record.name, "demo-pkg");
      assert.equal(record.version, "1.2.3");
      assert.equal(record.source.sourceDateEpoch, 1_700_000_000);
      assert.equal(record.source.dirty, false);
      assert.deepEqual(record.backend, { name: backend.backend, requires: [backend.requires] });
      const wanted = backend.requires.replace(/[>=].*/, "").replaceAll("_", "-");
      const resolved = record.resolved.map(({ name }) => name.toLowerCase().replaceAll("_", "-"));
      assert.ok(resolved.includes(wanted), `${wanted} in ${resolved}`);
      const names = ["demo_pkg-1.2.3-py3-none-any.whl", "demo_pkg-1.2.3.tar.gz"];
      assert.deepEqual(record.distributions.map(({ filename }) => filename).sort(), names);
      const two = await runBuild({ project: second, out: join(root, "two") });
      unwrap(two.result);
      assert.deepEqual(bytesOf(join(root, "one"), names), bytesOf(join(root, "two"), names));
    });
  }

  test("setuptools-scm: the version comes from the tag, also with an edited homepage", async (t) => {
    const root = folder(t);
    const top = join(root, "repository");
    write(top, {
      "packages/scm/pyproject.toml": `[build-system]
requires = ["setuptools>=77", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "scm-pkg"
dynamic = ["version"]
[tool.setuptools_scm]
root = "../.."
`,
      "packages/scm/src/scm_pkg/__init__.py": "",
      "elsewhere.txt": "not copied\n",
    });
    commitAll(top);
    runGit(top, "tag", "v3.4.5");
    const ran = await runBuild({
      project: join(top, "packages/scm"),
      out: join(root, "out"),
      metadata: { homepage: "https://gitlab.example/acme/scm" },
    });
    const record = unwrap(ran.result);
    assert.equal(record.version, "3.4.5");
    assert.deepEqual(record.settings.metadata, {
      "project.urls.Homepage": "https://gitlab.example/acme/scm",
    });
    const metadata = execFileSync("python3", [
      "-c",
      "import sys,zipfile;z=zipfile.ZipFile(sys.argv[1]);print(z.read([n for n in z.namelist() if n.endswith('/METADATA')][0]).decode())",
      join(root, "out/scm_pkg-3.4.5-py3-none-any.whl"),
    ]).toString();
    assert.match(metadata, /^Project-URL: Homepage, https:\/\/gitlab\.example\/acme\/scm$/m);
  });

  test("a C extension is the same from another path", async (t) => {
    const root = folder(t);
    const made: string[] = [];
    // Debugging information names the folder that the compiler ran in.
    const withDebugging = { ...process.env, CFLAGS: "-g" };
    for (const place of ["first", "the second"]) {
      write(join(root, place), {
        "pyproject.toml": `[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "c-pkg"
version = "1"
[tool.setuptools]
py-modules = []
ext-modules = [{ name = "c_pkg", sources = ["c_pkg.c"] }]
`,
        "c_pkg.c": `#include <Python.h>
static struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "c_pkg", __FILE__, -1, 0};
PyMODINIT_FUNC PyInit_c_pkg(void) { return PyModule_Create(&m); }
`,
      });
      commitAll(join(root, place));
      const out = join(root, `${place} out`);
      const record = unwrap(
        (await runBuild({ project: join(root, place), out }, withDebugging)).result,
      );
      const wheel = record.distributions.find(({ filename }) => filename.endsWith(".whl"));
      assert.match(wheel?.filename ?? "", /-cp3\d+-cp3\d+-/);
      made.push(wheel?.sha256 ?? "");
    }
    assert.equal(made[0], made[1]);
  });
});
