import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { checkWheel, compareSidecar } from "../../src/dists/wheel.ts";
import type { Code } from "../../src/formats/errors.ts";
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

describe("wheels that are refused", () => {
  const cases: [string, WheelOptions, Code, RegExp][] = [
    [
      "an unlisted file",
      { extra: [{ name: "evil.py", content: "x" }] },
      "DIST_RECORD",
      /does not list/,
    ],
    [
      "a listed file that is not there",
      { record: (text) => recordLine("gone.py", "") + text },
      "DIST_RECORD",
      /not in the wheel/,
    ],
    [
      "another hash",
      { record: (text) => text.replace(/sha256=./, "sha256=_") },
      "DIST_RECORD",
      /another hash/,
    ],
    [
      "another size",
      { record: (text) => text.replace(",6\n", ",7\n") },
      "DIST_RECORD",
      /another size/,
    ],
    [
      "no RECORD",
      { distInfo: "RECORD-elsewhere" },
      "DIST_METADATA",
      /no demo_pkg-1.0.dist-info\/RECORD/,
    ],
    ["no METADATA", { files: { [METADATA]: null } }, "DIST_METADATA", /no .*METADATA/],
    ["no WHEEL", { files: { [WHEEL]: null } }, "DIST_METADATA", /no .*WHEEL/],
    [
      "a signature beside RECORD",
      { files: { [`${DIST_INFO}/RECORD.jws`]: "{}" } },
      "DIST_RECORD",
      /RECORD.jws/,
    ],
    [
      "another version in METADATA",
      { files: { [METADATA]: "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 9.9\n" } },
      "DIST_VERSION",
      /has the version 9.9/,
    ],
    [
      "another name in METADATA",
      { files: { [METADATA]: "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n" } },
      "DIST_METADATA",
      /names the project other/,
    ],
    ["malformed METADATA", { files: { [METADATA]: "nothing\n" } }, "DIST_METADATA", /no header/],
    [
      "malformed WHEEL",
      { files: { [WHEEL]: "Wheel-Version: 2.0\n" } },
      "DIST_METADATA",
      /version "2.0"/,
    ],
    [
      "another tag in WHEEL",
      { files: { [WHEEL]: honestFiles[WHEEL]!.replace("py3-none", "cp311-none") } },
      "DIST_METADATA",
      /has the tags cp311-none-any/,
    ],
    [
      "a build only in the file name",
      { filename: "demo_pkg-1.0-2-py3-none-any.whl" },
      "DIST_METADATA",
      /has build none/,
    ],
    [
      "another name in the file name",
      { filename: "other-1.0-py3-none-any.whl" },
      "DIST_METADATA",
      /another release/,
    ],
    [
      "another version in the file name",
      { filename: "demo_pkg-1.1-py3-none-any.whl" },
      "DIST_METADATA",
      /another release/,
    ],
    [
      "a name that is not normalised",
      { filename: "Demo.Pkg-1.0-py3-none-any.whl" },
      "DIST_NAME",
      /demo_pkg/,
    ],
    ["an sdist's name", { filename: "demo_pkg-1.0.tar.gz" }, "DIST_NAME", /no wheel/],
    [
      "two dist-info folders",
      { files: { "other-1.0.dist-info/METADATA": "" } },
      "DIST_METADATA",
      /2 dist-info/,
    ],
    [
      "an empty second dist-info folder",
      { extra: [{ name: "Other-1.0.DIST-INFO/" }] },
      "DIST_METADATA",
      /2 dist-info/,
    ],
    [
      "a data folder of another name",
      { files: { "demo-1.0.data/scripts/x": "" } },
      "DIST_METADATA",
      /data folder/,
    ],
    [
      "an unknown scheme",
      { files: { "demo_pkg-1.0.data/stdlib/x.py": "" } },
      "DIST_PATH",
      /no scheme/,
    ],
    [
      "a file in place of a scheme",
      { files: { "demo_pkg-1.0.data/scripts": "" } },
      "DIST_PATH",
      /no scheme/,
    ],
    [
      "data that overwrites a module",
      { files: { "demo_pkg-1.0.data/platlib/demo_pkg/__init__.py": "evil" } },
      "DIST_PATH",
      /collide/,
    ],
    ["a path that climbs", { files: { "../evil.py": "" } }, "DIST_PATH", /climbs/],
    [
      "a command that climbs",
      { files: { [`${DIST_INFO}/entry_points.txt`]: "[console_scripts]\n../../x = a:b\n" } },
      "DIST_PATH",
      /no plain file name/,
    ],
    [
      "an oversized entry_points.txt",
      { files: { [`${DIST_INFO}/entry_points.txt`]: "#".repeat(5 * 1024 ** 2) } },
      "DIST_SIZE",
      /entry_points/,
    ],
  ];
  for (const [name, options, code, message] of cases) {
    test(name, async () => {
      const outcome = await check(options);
      assert.ok(!outcome.ok, "was accepted");
      assert.match(outcome.error.message, message);
      assert.equal(outcome.error.code, code);
    });
  }

  test("what is not a zip", async () => {
    const outcome = await checkWheel(WHEEL_NAME, memoryAccess(new Uint8Array(99)), nodeInflateRaw);
    assert.equal(outcome.ok ? "" : outcome.error.code, "DIST_ZIP");
  });

  test("content that does not inflate, though no one reads it for itself", async () => {
    const wheel = writeWheel({ files: { "demo_pkg/__init__.py": "x = 1\n".repeat(20) } });
    const outcomes = new Set<string>();
    // The packed bytes of the first member begin after its header and name.
    for (let at = 50; at < 58; at += 1) {
      const changed = wheel.slice();
      changed[at]! ^= 0xff;
      const outcome = await checkWheel(WHEEL_NAME, memoryAccess(changed), nodeInflateRaw);
      outcomes.add(outcome.ok ? "accepted" : outcome.error.code);
    }
    assert.deepEqual([...outcomes], ["DIST_ZIP"]);
  });
});

test("what is allowed but worth a look is listed", async () => {
  const data = "demo_pkg-1.0.data";
  const files = {
    "demo.pth": "import os",
    "sitecustomize.py": "",
    [`${data}/purelib/usercustomize.py`]: "",
    "demo_pkg/_c.cpython-311.so": "",
    "demo_pkg.libs/libz.so.1.2": "",
    "demo_pkg/__pycache__/x.pyc": "",
    [`${data}/scripts/run`]: "",
    [`${data}/data/share/x`]: "",
    [`${data}/headers/x.h`]: "",
    [`${DIST_INFO}/sboms/x.json`]: "{}",
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
      "native-code demo_pkg/_c.cpython-311.so",
      "native-code demo_pkg.libs/libz.so.1.2",
      "bytecode demo_pkg/__pycache__/x.pyc",
      `script ${data}/scripts/run`,
      `data-file ${data}/data/share/x`,
      `data-file ${data}/headers/x.h`,
      `sbom ${DIST_INFO}/sboms/x.json`,
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
