import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { crc32 } from "../../src/crypto/crc32.ts";
import { unwrap } from "../../src/formats/result.ts";
import {
  checkBytes,
  checkTar,
  checkWith,
  honestMembers,
  longName,
  pax,
  ROOT,
  type TarMember,
  writeTar,
} from "./tar-writer.ts";

test("an honest sdist is reported in full", async () => {
  const report = unwrap(await checkTar(writeTar(honestMembers)));
  assert.equal(report.kind, "sdist");
  assert.equal(report.distribution.name, "demo-pkg");
  assert.equal(report.metadata.displayName, "Demo.Pkg");
  assert.equal(report.hasPyproject, true);
  assert.deepEqual(report.findings, []);
  assert.equal(Buffer.from(report.metadataFile).toString(), honestMembers[1]!.content);
  assert.deepEqual(
    report.members.map((member) => member.path),
    honestMembers.slice(1).map((member) => member.name),
  );
  assert.deepEqual(report.members.at(-1), {
    path: `${ROOT}/src/demo.py`,
    size: 6,
    sha256: createHash("sha256").update("x = 1\n").digest("hex"),
  });
});

describe("members that are accepted", () => {
  const deep = `${ROOT}/${"d/".repeat(70)}x.py`;
  const cases: [string, TarMember[], string?][] = [
    ["in a GNU header", [{ name: `${ROOT}/x.py`, gnu: true }], `${ROOT}/x.py`],
    ["of the old type", [{ name: `${ROOT}/x.py`, type: "\0" }], `${ROOT}/x.py`],
    ["with a prefix", [{ name: "x.py", header: { prefix: ROOT } }], `${ROOT}/x.py`],
    ["named by pax", [pax({ path: deep }), { name: "x" }], deep],
    ["named by GNU", [longName(deep), { name: "x", gnu: true }], deep],
    [
      "with pax records of times",
      [pax({ mtime: "1.5" }), { name: `${ROOT}/x.py` }],
      `${ROOT}/x.py`,
    ],
    [
      "after a global comment, as git writes it",
      [pax({ comment: "0".repeat(40) }, "g"), { name: `${ROOT}/x.py` }],
      `${ROOT}/x.py`,
    ],
    [
      "after global headers, with a pax header of its own",
      [
        pax({ comment: "1" }, "g"),
        pax({ comment: "2" }, "g"),
        pax({ path: `${ROOT}/x.py` }),
        { name: "x" },
      ],
      `${ROOT}/x.py`,
    ],
    ["with a user number in base 256", [{ name: `${ROOT}/x`, header: { uid: "\x80\0\0\0\xff" } }]],
    ["with a negative time", [{ name: `${ROOT}/x`, header: { mtime: "\xff".repeat(12) } }]],
    [
      "with device numbers left blank",
      [{ name: `${ROOT}/x`, header: { devMajor: "", devMinor: "" } }],
    ],
    ["with spaces around numbers", [{ name: `${ROOT}/x`, header: { mode: "   644 \0" } }]],
    ["a folder without a slash", [{ name: `${ROOT}/f`, type: "5" }]],
    ["a folder after its content", [{ name: `${ROOT}/src/` }]],
    ["a set-gid folder", [{ name: `${ROOT}/f/`, mode: 0o2755 }]],
  ];
  for (const [name, members, path] of cases) {
    test(name, async () => {
      const report = unwrap(await checkWith(...members));
      if (path !== undefined) assert.equal(report.members.at(-1)?.path, path);
    });
  }

  const links: [string, TarMember, string][] = [
    ["beside", { name: `${ROOT}/x`, type: "2", linkName: "pyproject.toml" }, "pyproject.toml"],
    ["below", { name: `${ROOT}/x`, type: "2", linkName: "./src/demo.py" }, "./src/demo.py"],
    ["above", { name: `${ROOT}/a/b/x`, type: "2", linkName: "../../src" }, "../../src"],
    ["to the root", { name: `${ROOT}/a/x`, type: "2", linkName: ".." }, ".."],
    ["to nothing yet", { name: `${ROOT}/x`, type: "2", linkName: "gone" }, "gone"],
  ];
  for (const [name, member, target] of links) {
    test(`a symbolic link ${name}`, async () => {
      const { findings } = unwrap(await checkWith(member));
      assert.deepEqual(findings, [
        { kind: "symlink", path: member.name, detail: `points to ${target}` },
      ]);
    });
  }

  test("a link whose long name GNU or pax gives", async () => {
    const target = `${"t/".repeat(80)}x`;
    const member = { name: "x", type: "2", linkName: "y" };
    for (const extensions of [
      [longName(`${ROOT}/x`), longName(target, "K")],
      [pax({ path: `${ROOT}/x`, linkpath: target })],
    ]) {
      const { findings } = unwrap(await checkWith(...extensions, member));
      assert.equal(findings[0]?.detail, `points to ${target}`);
    }
  });
});

test("what is allowed but worth a look is listed", async () => {
  const old = "Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n";
  const members: TarMember[] = [
    { name: `${ROOT}/PKG-INFO`, content: old },
    { name: `${ROOT}/setup.py` },
    { name: `${ROOT}/again.py`, type: "1", linkName: `${ROOT}/setup.py` },
    { name: `${ROOT}/src/x.pth` },
    { name: `${ROOT}/src/x.so` },
    { name: `${ROOT}/src/x.pyc` },
  ];
  const { findings, hasPyproject } = unwrap(await checkTar(writeTar(members)));
  assert.equal(hasPyproject, false);
  assert.deepEqual(
    findings.map(({ kind, path }) => `${kind} ${path}`),
    [
      `setup-script ${ROOT}/setup.py`,
      `hardlink ${ROOT}/again.py`,
      `startup-code ${ROOT}/src/x.pth`,
      `native-code ${ROOT}/src/x.so`,
      `bytecode ${ROOT}/src/x.pyc`,
      `metadata-note ${ROOT}/PKG-INFO`,
      "no-pyproject ",
    ],
  );
});

test("pyproject.toml counts as there when it is a link", async () => {
  const members = honestMembers.filter(({ name }) => !name.endsWith(".toml"));
  const link = { name: `${ROOT}/pyproject.toml`, type: "2", linkName: "src/demo.py" };
  assert.equal(unwrap(await checkTar(writeTar([...members, link]))).hasPyproject, true);
});

describe("gzip headers with optional parts", () => {
  const plain = gzipSync(writeTar(honestMembers));
  const header = (flags: number, ...parts: Buffer[]): Buffer =>
    Buffer.concat([Buffer.from([31, 139, 8, flags, 0, 0, 0, 0, 0, 3]), ...parts]);
  const text = Buffer.from("name\0");
  const extra = Buffer.from([3, 0, 1, 2, 3]);
  const summed = (before: Buffer, wrong = 0): Buffer => {
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE((crc32(before) & 0xffff) ^ wrong);
    return Buffer.concat([before, sum]);
  };
  const cases: [string, Buffer, boolean][] = [
    ["a name", header(8, text), true],
    ["a comment", header(16, text), true],
    ["extra bytes", header(4, extra), true],
    ["a text flag", header(1), true],
    ["all of it, and a checksum", summed(header(30, extra, text, text)), true],
    ["a wrong checksum", summed(header(10, text), 1), false],
  ];
  for (const [name, start, accepted] of cases) {
    test(name, async () => {
      const outcome = await checkBytes(Buffer.concat([start, plain.subarray(10)]));
      assert.equal(outcome.ok, accepted);
      if (!outcome.ok) assert.match(outcome.error.message, /damaged header/);
    });
  }
});

test("every flipped byte is refused or changes nothing that is unpacked", async () => {
  const gz = gzipSync(writeTar(honestMembers), { level: 9 });
  const honest = unwrap(await checkBytes(gz));
  let silent = 0;
  for (let at = 0; at < gz.length; at += 1) {
    for (const mask of [0x01, 0x10, 0x80, 0xff]) {
      const changed = Uint8Array.from(gz);
      changed[at]! ^= mask;
      const outcome = await checkBytes(changed);
      if (!outcome.ok) {
        assert.equal(outcome.error.code, "DIST_TAR", `byte ${at}`);
        continue;
      }
      silent += 1;
      assert.deepEqual(outcome.value, honest, `byte ${at}`);
    }
  }
  // The time, the text flag and the two bytes about the writer.
  assert.ok(silent <= 32, `${silent} changes do not matter`);
});

const assets = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const present = existsSync(assets);
const real = present ? readdirSync(assets).filter((name) => name.endsWith(".tar.gz")) : [];

test("real sdists pass", {
  skip: real.length > 0 ? false : "no vectors beside the repository",
}, async () => {
  for (const name of real) {
    const bytes = new Uint8Array(readFileSync(new URL(name, assets)));
    unwrap(await checkBytes(bytes, name));
  }
});
