import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/dists/finding.ts";
import { checkSdist } from "../../src/dists/sdist.ts";
import type { Code } from "../../src/formats/errors.ts";
import {
  checkBytes,
  checkTar,
  expectFailure,
  file,
  honestMembers,
  inPieces,
  link,
  pax,
  ROOT,
  SDIST_NAME,
  TAR_END,
  type TarMember,
  writeTar,
} from "./tar-writer.ts";

describe("sdists that are refused for what they say of themselves", () => {
  const without = (path: string): TarMember[] =>
    honestMembers.filter((member) => member.name !== `${ROOT}/${path}`);
  const saying = (content: string): TarMember[] => [
    ...without("PKG-INFO"),
    { name: `${ROOT}/PKG-INFO`, content },
  ];
  const cases: [string, TarMember[], Code, RegExp][] = [
    ["empty", [], "DIST_METADATA", /no demo_pkg-1.0\/PKG-INFO/],
    ["no PKG-INFO", without("PKG-INFO"), "DIST_METADATA", /no demo_pkg-1.0\/PKG-INFO/],
    ["PKG-INFO deeper only", [file("src/PKG-INFO")], "DIST_METADATA", /no demo_pkg-1.0\/PKG-INFO/],
    [
      "PKG-INFO of another case",
      [...without("PKG-INFO"), file("pkg-info")],
      "DIST_METADATA",
      /no demo_pkg-1.0\/PKG-INFO/,
    ],
    [
      "PKG-INFO as a link",
      [...without("PKG-INFO"), link("PKG-INFO", "src/demo.py")],
      "DIST_METADATA",
      /no demo_pkg-1.0\/PKG-INFO/,
    ],
    [
      "PKG-INFO as a hard link",
      [...without("PKG-INFO"), link("PKG-INFO", `${ROOT}/src/demo.py`, "1")],
      "DIST_METADATA",
      /no demo_pkg-1.0\/PKG-INFO/,
    ],
    ["malformed PKG-INFO", saying("nothing\n"), "DIST_METADATA", /no header/],
    ["an empty PKG-INFO", saying(""), "DIST_METADATA", /lacks the field/],
    [
      "another name",
      saying("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"),
      "DIST_METADATA",
      /names the project other/,
    ],
    [
      "another version",
      saying("Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.1\n"),
      "DIST_VERSION",
      /has the version 1.1/,
    ],
    [
      "a huge PKG-INFO",
      saying(`Metadata-Version: 2.1\nName: demo-pkg\nVersion: 1.0\n\n${"x".repeat(4 << 20)}`),
      "DIST_SIZE",
      /PKG-INFO has/,
    ],
  ];
  for (const [name, members, code, message] of cases) {
    test(name, async () => expectFailure(await checkTar(writeTar(members)), code, message));
  }

  const honest = gzipSync(writeTar(honestMembers));
  const names: [string, Code, RegExp][] = [
    ["demo_pkg-1.0-py3-none-any.whl", "DIST_NAME", /is no sdist/],
    ["Demo.Pkg-1.0.tar.gz", "DIST_NAME", /must begin with demo_pkg/],
    ["demo_pkg-1.00.tar.gz", "DIST_VERSION", /must write its version/],
    ["demo_pkg-1.1.tar.gz", "DIST_TAR", /outside the folder/],
    ["demo_pkg-1.0.zip", "DIST_NAME", /ends neither/],
  ];
  for (const [filename, code, message] of names) {
    test(filename, async () => expectFailure(await checkBytes(honest, filename), code, message));
  }
});

describe("tars and gzip files that do not end as they should", () => {
  const honest = writeTar(honestMembers);
  const body = honest.subarray(0, -1024);
  const gz = gzipSync(honest);
  const cut = (bytes: Uint8Array, length: number) => bytes.subarray(0, bytes.length - length);
  const changed = (at: number, byte: number): Uint8Array => {
    const copy = Uint8Array.from(gz);
    copy[at < 0 ? copy.length + at : at] = byte;
    return copy;
  };
  const tars: [string, Uint8Array, RegExp][] = [
    ["without zero blocks", body, /breaks off, or lacks/],
    ["with one zero block", cut(honest, 512), /two zero blocks/],
    ["with one and a half", cut(honest, 256), /two zero blocks/],
    ["with bytes after its end", Buffer.concat([honest, Buffer.from("x")]), /goes on after/],
    ["with a second tar after its end", Buffer.concat([honest, honest]), /goes on after/],
    [
      "with something in the second block",
      writeTar(honestMembers, TAR_END.with(700, 1)),
      /goes on/,
    ],
    ["with too much padding", Buffer.concat([honest, Buffer.alloc(1 << 20)]), /goes on after/],
    ["cut in a header", cut(body, 900), /breaks off, or lacks/],
    ["cut in content", cut(body, 510), /breaks off in a member/],
    ["cut in padding", cut(body, 100), /breaks off in a member/],
    [
      "cut in an extension",
      writeTar([pax({ a: "1" })], new Uint8Array(0)).subarray(0, 700),
      /breaks off in a/,
    ],
  ];
  for (const [name, tar, message] of tars) {
    test(`a tar ${name}`, async () => expectFailure(await checkTar(tar), "DIST_TAR", message));
  }

  const gzips: [string, Uint8Array, RegExp][] = [
    ["that is empty", new Uint8Array(0), /breaks off in its header/],
    ["that is only a header", gz.subarray(0, 10), /does not inflate|breaks off/],
    ["that is a plain tar", honest, /has no gzip header/],
    ["of another method", changed(2, 7), /has no gzip header/],
    ["with reserved flags", changed(3, 0x20), /has no gzip header/],
    ["cut in its content", cut(gz, 60), /does not inflate/],
    ["cut in its trailer", cut(gz, 3), /does not inflate/],
    ["without its trailer", cut(gz, 8), /does not inflate/],
    ["with another checksum", changed(-8, gz.at(-8)! ^ 1), /another checksum or size/],
    ["with another size", changed(-1, 1), /another checksum or size/],
    ["of two members", Buffer.concat([gz, gz]), /does not inflate/],
    ["with a hidden second member", Buffer.concat([gz, gzipSync("hidden")]), /does not inflate/],
    ["with zeros after its end", Buffer.concat([gz, Buffer.alloc(8)]), /does not inflate/],
    ["with bytes after its end", Buffer.concat([gz, Buffer.from("x")]), /does not inflate/],
    [
      "cut in a name",
      Uint8Array.from([31, 139, 8, 8, 0, 0, 0, 0, 0, 3, 97]),
      /breaks off in its header/,
    ],
    [
      "with an endless name",
      Buffer.concat([Buffer.from([31, 139, 8, 8, 0, 0, 0, 0, 0, 3]), Buffer.alloc(5000, 97)]),
      /endless name/,
    ],
  ];
  for (const [name, bytes, message] of gzips) {
    test(`a gzip ${name}`, async () => expectFailure(await checkBytes(bytes), "DIST_TAR", message));
  }
});

describe("sdists that would cost too much", () => {
  const small: Limits = { members: 5, memberSize: 100, totalSize: 180, ratio: 200 };
  const cases: [string, TarMember[], RegExp][] = [
    ["too many members", [file("a"), file("b")], /more than 5 members/],
    ["too large a member", [file("a", { content: "x".repeat(101) })], /unpacks to too much/],
    ["too large together", [file("a", { content: "x".repeat(100) })], /unpacks to too much/],
  ];
  for (const [name, members, message] of cases) {
    test(name, async () => {
      const gz = gzipSync(writeTar([...honestMembers, ...members]));
      expectFailure(await checkBytes(gz, SDIST_NAME, small), "DIST_SIZE", message);
    });
  }

  test("a bomb is refused before it is unpacked in full", async () => {
    const big = file("zeros", { content: new Uint8Array(70 << 20) });
    const gz = gzipSync(writeTar([...honestMembers, big]), { level: 1 });
    let unpacked = 0;
    const counting: typeof nodeInflateRaw = async function* (chunks) {
      for await (const chunk of nodeInflateRaw(chunks)) {
        unpacked += chunk.length;
        yield chunk;
      }
    };
    const outcome = await checkSdist(SDIST_NAME, inPieces(gz), counting, DEFAULT_LIMITS);
    expectFailure(outcome, "DIST_SIZE", /over 200 times its size/);
    assert.ok(unpacked < 66 << 20, `${unpacked} bytes were unpacked`);
  });
});

test("the disk's trouble is thrown, not blamed on the sdist", async () => {
  const gz = gzipSync(writeTar(honestMembers));
  const failing = async function* () {
    yield gz.subarray(0, 100);
    throw new Error("EIO");
  };
  await assert.rejects(() => checkSdist(SDIST_NAME, failing(), nodeInflateRaw), /EIO/);
});
