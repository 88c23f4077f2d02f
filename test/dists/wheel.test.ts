import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { checkWheel, compareSidecar } from "../../src/dists/wheel.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  check,
  DIST_INFO,
  honestFiles,
  recordLine,
  WHEEL_NAME,
  type WheelOptions,
  writeWheel,
} from "./wheel-writer.ts";
import { memoryAccess } from "./zip-writer.ts";

const METADATA = `${DIST_INFO}/METADATA`;
const WHEEL = `${DIST_INFO}/WHEEL`;

test("an honest wheel is reported in full", async () => {
  const report = unwrap(await check());
  assert.equal(report.kind, "wheel");
  assert.equal(report.distribution.name, "demo-pkg");
  assert.equal(report.metadata.displayName, "Demo.Pkg");
  assert.deepEqual(report.wheelFile.tags, ["py3-none-any"]);
  assert.equal(report.wheelFile.rootIsPurelib, true);
  assert.equal(report.wheelFile.generator, "test 1");
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    report.members.map((member) => member.path),
    [...Object.keys(honestFiles), `${DIST_INFO}/RECORD`],
  );
  const [first] = report.members;
  assert.deepEqual(first, {
    path: "demo_pkg/__init__.py",
    size: 6,
    sha256: createHash("sha256").update("x = 1\n").digest("hex"),
  });
});

describe("wheels that are accepted", () => {
  const cases: [string, WheelOptions][] = [
    [
      "with a SHA-512 in RECORD",
      {
        files: { "m.py": "y" },
        record: (text) => text.replace(recordLine("m.py", "y"), recordLine("m.py", "y", "sha512")),
      },
    ],
    ["with a quoted path in RECORD", { files: { 'a,"b".py': "y" } }],
    ["with CRLF in RECORD", { record: (text) => text.replaceAll("\n", "\r\n") }],
    ["with no sizes in RECORD", { record: (text) => text.replace(/,\d+\n/g, ",\n") }],
    ["with folders as members", { extra: [{ name: "demo_pkg/" }] }],
    [
      "with a build number",
      {
        filename: "demo_pkg-1.0-2-py3-none-any.whl",
        files: { [WHEEL]: `${honestFiles[WHEEL]}Build: 2\n` },
      },
    ],
    [
      "with a version that is written otherwise",
      { files: { [METADATA]: "Metadata-Version: 2.1\nName: demo_pkg\nVersion: 1.0.0\n" } },
    ],
    [
      "with several tags",
      {
        filename: "demo_pkg-1.0-py2.py3-none-any.whl",
        files: { [WHEEL]: honestFiles[WHEEL]!.replace("py3-none", "py2.py3-none") },
      },
    ],
  ];
  for (const [name, options] of cases) {
    test(name, async () => assert.equal(unwrap(await check(options)).kind, "wheel"));
  }

  const renamed = Object.entries(honestFiles).map(([path, content]): [string, string] => [
    path.replace(DIST_INFO, "Demo.Pkg-1.0.dist-info"),
    content,
  ]);
  test("with an older spelling of the dist-info folder", async () => {
    const files = { [METADATA]: null, [WHEEL]: null, ...Object.fromEntries(renamed) };
    unwrap(await check({ files, distInfo: "Demo.Pkg-1.0.dist-info" }));
  });
});

test("what is allowed but worth a look is listed", async () => {
  const data = "demo_pkg-1.0.data";
  const files = {
    "demo.pth": "import os",
    "sitecustomize.py": "",
    [`${data}/purelib/usercustomize.py`]: "",
    "sitecustomize/__init__.py": "",
    "demo_pkg/sitecustomize.py": "",
    "demo_pkg/_c.cpython-311.so": "",
    "demo_pkg.libs/libz.so.1.2": "",
    "demo_pkg/__pycache__/x.pyc": "",
    [`${data}/scripts/run`]: "",
    [`${data}/data/share/x`]: "",
    [`${data}/data/lib/python3/site-packages/sitecustomize.py`]: "",
    [`${data}/headers/x.h`]: "",
    [`${DIST_INFO}/sboms/x.json`]: "{}",
    [`${DIST_INFO}/direct_url.json`]: "{}",
    [`${DIST_INFO}/entry_points.txt`]: "[console_scripts]\ndemo = demo_pkg:main\n",
    [METADATA]: "Metadata-Version: 2.99\nName: demo-pkg\nVersion: 1.0\n",
    [WHEEL]: honestFiles[WHEEL]!.replace("Version: 1.0", "Version: 1.9"),
  };
  const { findings } = unwrap(await check({ files }));
  assert.deepEqual(
    findings.map(({ kind, path }) => `${kind} ${path}`),
    [
      "startup-code demo.pth",
      "startup-code sitecustomize.py",
      `startup-code ${data}/purelib/usercustomize.py`,
      "startup-code sitecustomize/__init__.py",
      "native-code demo_pkg/_c.cpython-311.so",
      "native-code demo_pkg.libs/libz.so.1.2",
      "bytecode demo_pkg/__pycache__/x.pyc",
      `script ${data}/scripts/run`,
      `data-file ${data}/data/share/x`,
      `startup-code ${data}/data/lib/python3/site-packages/sitecustomize.py`,
      `data-file ${data}/data/lib/python3/site-packages/sitecustomize.py`,
      `data-file ${data}/headers/x.h`,
      `sbom ${DIST_INFO}/sboms/x.json`,
      `metadata-note ${DIST_INFO}/direct_url.json`,
      `script ${DIST_INFO}/entry_points.txt`,
      `metadata-note ${DIST_INFO}`,
      `metadata-note ${DIST_INFO}`,
    ],
  );
});

test("the sidecar of an index is the wheel's METADATA, byte for byte", async () => {
  const report = unwrap(await check());
  const metadata = new TextEncoder().encode(honestFiles[METADATA]);
  assert.equal(compareSidecar(report, metadata).ok, true);
  const other = compareSidecar(report, new TextEncoder().encode(`${honestFiles[METADATA]}\n`));
  assert.equal(other.ok ? "" : other.error.code, "DIST_SIDECAR");
});

test("every flipped byte is refused or changes nothing that is installed", async () => {
  const wheel = writeWheel();
  const honest = unwrap(await check());
  let silent = 0;
  for (let at = 0; at < wheel.length; at += 1) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const changed = wheel.slice();
      changed[at]! ^= mask;
      const outcome = await checkWheel(WHEEL_NAME, memoryAccess(changed), nodeInflateRaw);
      if (!outcome.ok) continue;
      silent += 1;
      assert.deepEqual(outcome.value.members, honest.members, `byte ${at}`);
      assert.deepEqual(outcome.value.metadata, honest.metadata, `byte ${at}`);
    }
  }
  assert.ok(silent < wheel.length, `${silent} changes to ${wheel.length} bytes do not matter`);
});

const assets = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);

test("real wheels pass", {
  skip: existsSync(assets) ? false : "no vectors beside the repository",
}, async () => {
  const wheels = readdirSync(assets).filter((name) => name.endsWith(".whl"));
  assert.ok(wheels.length > 0);
  for (const name of wheels) {
    const bytes = new Uint8Array(readFileSync(new URL(name, assets)));
    const report = unwrap(await checkWheel(name, memoryAccess(bytes), nodeInflateRaw));
    assert.deepEqual(report.findings, []);
  }
});
