import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { systemInstaller } from "../../src/clients/installer.ts";
import { findPython } from "../../src/clients/python.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { folder } from "../stages/build-support.ts";

const WRITE_WHEEL = `
import json, sys, zipfile
path, members = sys.argv[1], json.load(sys.stdin)
with zipfile.ZipFile(path, "w") as wheel:
    for name, text in members.items():
        wheel.writestr(name, text)
`;

type Contents = {
  readonly modules: Readonly<Record<string, string>>;
  readonly requires?: readonly string[];
};

/** A wheel of `demo-pkg` 1.0. */
const wheelOf = (t: TestContext, { modules, requires = [] }: Contents) => {
  const path = join(folder(t), "demo_pkg-1.0-py3-none-any.whl");
  const info = "demo_pkg-1.0.dist-info";
  const metadata = [
    ...["Metadata-Version: 2.1", "Name: demo-pkg", "Version: 1.0"],
    ...requires.map((requirement) => `Requires-Dist: ${requirement}`),
  ];
  const members: Record<string, string> = {
    ...modules,
    [`${info}/METADATA`]: `${metadata.join("\n")}\n`,
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  };
  const listed = [...Object.keys(members), `${info}/RECORD`].map((name) => `${name},,\n`);
  members[`${info}/RECORD`] = listed.join("");
  execFileSync("python3", ["-c", WRITE_WHEEL, path], { input: JSON.stringify(members) });
  return path;
};

const install = async (
  path: string,
  digest?: string,
  importNames?: readonly string[],
  more: Readonly<Record<string, string>> = {},
) => {
  let output = "";
  const environment = { ...process.env, CI_JOB_TOKEN: "planted", PIP_NO_INDEX: "0", ...more };
  const prepared = unwrap(
    await systemInstaller({ environment }).prepare((text) => {
      output += text;
    }),
  );
  const result = await prepared.install({
    wheelPath: path,
    name: "demo-pkg",
    sha256: digest ?? hex(sha256(readFileSync(path))),
    ...(importNames === undefined ? {} : { importNames }),
  });
  await prepared.discard();
  return { result, output };
};

/** A cache in which the kept pip is this script. */
const cacheWith = async (t: TestContext, script: string): Promise<Record<string, string>> => {
  const { version, platform } = unwrap(await findPython({ environment: process.env }));
  const cache = folder(t);
  const kept = join(cache, "wheelseal", "tools", `python${version}-${platform}-build1.6.1-pip26.3`);
  const short = version.split(".").slice(0, 2).join(".");
  const pip = join(kept, "lib", `python${short}`, "site-packages", "pip");
  mkdirSync(pip, { recursive: true });
  writeFileSync(join(pip, "__pip-runner__.py"), script);
  return { XDG_CACHE_HOME: cache };
};

const imports: readonly [string, Contents, readonly string[]][] = [
  ["a package", { modules: { "demo/__init__.py": "", "demo/x.py": "1/0" } }, ["demo"]],
  ["a module", { modules: { "demo.py": "" } }, ["demo"]],
  [
    "parts of a namespace",
    { modules: { "ns/a/__init__.py": "", "ns/b.py": "" } },
    ["ns.a", "ns.b"],
  ],
  ["public modules only", { modules: { "_demo.py": "1/0", "demo.py": "" } }, ["demo"]],
  ["a private one if it is all there is", { modules: { "_demo.py": "" } }, ["_demo"]],
  ["nothing, where there is no module", { modules: { "demo/table.csv": "" } }, []],
];

describe("installer", { concurrency: 2 }, () => {
  for (const [what, contents, imported] of imports) {
    test(`imports ${what}`, async (t) => {
      const { result } = await install(wheelOf(t, contents));
      const installed = unwrap(result);
      assert.deepEqual(installed.imported, imported);
      assert.deepEqual(installed.skipped, []);
      assert.equal(installed.version, "1.0");
    });
  }

  test("imports the modules asked for", async (t) => {
    const path = wheelOf(t, { modules: { "a.py": "1/0", "b.py": "" } });
    assert.deepEqual(unwrap((await install(path, undefined, ["b"])).result).imported, ["b"]);
  });

  test("other bytes than the verified ones are not installed and not run", async (t) => {
    const path = wheelOf(t, { modules: { "demo.py": "print('ran')" } });
    const digest = hex(sha256(readFileSync(path)));
    writeFileSync(path, readFileSync(wheelOf(t, { modules: { "demo.py": "print('evil')" } })));
    const { result, output } = await install(path, digest);
    assert.equal(result.ok ? "ok" : result.error.code, "INSTALL_FAILED");
    assert.match(output, /DO NOT MATCH THE HASHES/);
    assert.doesNotMatch(output, /evil|ran/);
  });

  test("a package that breaks is IMPORT_FAILED with its reason", async (t) => {
    const { result } = await install(wheelOf(t, { modules: { "demo.py": "1/0" } }));
    assert.equal(result.ok ? "ok" : result.error.code, "IMPORT_FAILED");
    assert.match(result.ok ? "" : result.error.message, /import demo: ZeroDivisionError/);
  });

  test("a package that ends the interpreter is IMPORT_FAILED", async (t) => {
    const { result } = await install(
      wheelOf(t, { modules: { "demo.py": "import os; os._exit(0)" } }),
    );
    assert.equal(result.ok ? "ok" : result.error.code, "IMPORT_FAILED");
  });

  test("a declared dependency that is not installed is told, not hidden", async (t) => {
    const { result } = await install(
      wheelOf(t, { modules: { "demo.py": "import other.thing" }, requires: ["other"] }),
    );
    const installed = unwrap(result);
    assert.deepEqual(installed.imported, []);
    assert.deepEqual(installed.skipped, [{ module: "demo", missing: "other" }]);
  });

  const undeclared: readonly [string, Contents][] = [
    ["without any dependency", { modules: { "demo.py": "import other" } }],
    [
      "with one for an extra only",
      { modules: { "demo.py": "import other" }, requires: ["other; extra == 'x'"] },
    ],
    ["of its own", { modules: { "demo/__init__.py": "import demo.lost" }, requires: ["other"] }],
  ];
  for (const [what, contents] of undeclared) {
    test(`a missing module ${what} is IMPORT_FAILED`, async (t) => {
      const { result } = await install(wheelOf(t, contents));
      assert.equal(result.ok ? "ok" : result.error.code, "IMPORT_FAILED");
    });
  }

  test("the kept pip installs, and where it is broken the interpreter's own", async (t) => {
    const wheel = wheelOf(t, { modules: { "demo.py": "" } });
    const kept = await cacheWith(t, "import sys; sys.exit('kept: ' + sys.argv[1])");
    const { result } = await install(wheel, undefined, undefined, kept);
    assert.match(result.ok ? "" : result.error.message, /^kept: --isolated$/);
    const broken = await cacheWith(t, "import pip._lost");
    assert.ok((await install(wheel, undefined, undefined, broken)).result.ok);
  });

  test("the package sees no token and no home", async (t) => {
    const spy = "import os; print('ENV', dict(os.environ))";
    const { result, output } = await install(wheelOf(t, { modules: { "demo.py": spy } }));
    unwrap(result);
    assert.match(output, /'HOME': '[^']*wheelseal-install/);
    assert.doesNotMatch(output, /planted/);
  });
});
