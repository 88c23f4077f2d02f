import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { checkWheel } from "../../src/dists/wheel.ts";
import type { Code } from "../../src/formats/errors.ts";
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
      "a dist-info folder that only some file systems find",
      {
        files: {
          [METADATA]: null,
          [WHEEL]: null,
          "demo_pkg-1.0.Dist-Info/METADATA": honestFiles[METADATA]!,
          "demo_pkg-1.0.Dist-Info/WHEEL": honestFiles[WHEEL]!,
        },
        distInfo: "demo_pkg-1.0.Dist-Info",
      },
      "DIST_METADATA",
      /dist-info folders, not one/,
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
    [
      "a second dist-info folder that data would install",
      { files: { "demo_pkg-1.0.data/purelib/Other-1.0.DIST-INFO/METADATA": "" } },
      "DIST_METADATA",
      /installed as dist-info/,
    ],
    [
      "entry points that data would install",
      { files: { [`demo_pkg-1.0.data/platlib/${DIST_INFO}/entry_points.txt`]: "" } },
      "DIST_METADATA",
      /installed as dist-info/,
    ],
    [
      "commands that only some tools see",
      { files: { [`${DIST_INFO}/entry_points.txt`]: "[[console_scripts]]\nx = a:b\n" } },
      "DIST_METADATA",
      /malformed group/,
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
