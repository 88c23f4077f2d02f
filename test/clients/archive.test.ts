import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { inspectDistribution, nodeInflateRaw } from "../../src/clients/archive.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/dists/finding.ts";
import { concat } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { honestMembers, inPieces, SDIST_NAME, writeTar } from "../dists/tar-writer.ts";
import { WHEEL_NAME, writeWheel } from "../dists/wheel-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-archive-"));
after(() => rmSync(folder, { recursive: true }));

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function codeOf(path: string): Promise<Code | "accepted"> {
  const outcome = await inspectDistribution(path);
  return outcome.ok ? "accepted" : outcome.error.code;
}

const sdist = gzipSync(writeTar(honestMembers));

describe("a distribution in a file", () => {
  test("is told by its name", async () => {
    const wheel = unwrap(await inspectDistribution(written(WHEEL_NAME, writeWheel())));
    assert.equal(wheel.kind, "wheel");
    const report = unwrap(await inspectDistribution(written(SDIST_NAME, sdist)));
    assert.equal(report.kind, "sdist");
    assert.equal(report.members.length, 3);
  });

  test("is held to the limits of the caller", async () => {
    const limits = { members: 1, memberSize: 1 << 20, totalSize: 1 << 20, ratio: 200 };
    for (const path of [written(WHEEL_NAME, writeWheel()), written(SDIST_NAME, sdist)]) {
      const outcome = await inspectDistribution(path, undefined, limits);
      assert.equal(outcome.ok ? "" : outcome.error.code, "DIST_SIZE");
    }
  });

  const large = {
    name: "demo_pkg-1.0/big.bin",
    content: new Uint8Array(1 << 20).map((_, i) => i * i),
  };
  test("may be larger than one piece", async () => {
    const bytes = gzipSync(writeTar([...honestMembers, large]), { level: 0 });
    const report = unwrap(await inspectDistribution(written(SDIST_NAME, bytes)));
    assert.equal(report.members.at(-1)?.size, 1 << 20);
  });

  const cases: [string, string, Uint8Array, Code][] = [
    ["a name of nothing", "notes.txt", sdist, "DIST_NAME"],
    ["an empty wheel", WHEEL_NAME, new Uint8Array(0), "DIST_ZIP"],
    ["an empty sdist", SDIST_NAME, new Uint8Array(0), "DIST_TAR"],
    ["a cut sdist", SDIST_NAME, sdist.subarray(0, 100), "DIST_TAR"],
    ["an sdist named as a wheel", WHEEL_NAME, sdist, "DIST_ZIP"],
    ["a wheel named as an sdist", SDIST_NAME, writeWheel(), "DIST_TAR"],
  ];
  for (const [name, filename, bytes, code] of cases) {
    test(name, async () => assert.equal(await codeOf(written(filename, bytes)), code));
  }
});

describe("a file that cannot be read", () => {
  test("is not there", async () => {
    const outcome = await inspectDistribution(join(folder, "gone-1.0.tar.gz"));
    assert.equal(outcome.ok ? "" : outcome.error.code, "FILE_UNREADABLE");
    assert.match(
      outcome.ok ? "" : outcome.error.message,
      /gone-1.0.tar.gz: there is no such file \(ENOENT\)/,
    );
  });

  test("is a folder", async () => {
    for (const name of ["folder-1.0.tar.gz", "folder-1.0-py3-none-any.whl"]) {
      mkdirSync(join(folder, name));
      assert.equal(await codeOf(join(folder, name)), "FILE_UNREADABLE");
    }
  });

  test("becomes shorter while it is read", async () => {
    const large = { name: "demo_pkg-1.0/large", content: new Uint8Array(4 << 20) };
    const path = written(SDIST_NAME, gzipSync(writeTar([...honestMembers, large]), { level: 0 }));
    // Limits are first asked for at the first member, when one piece was read.
    const limits: Limits = {
      ...DEFAULT_LIMITS,
      get members() {
        truncateSync(path, 300_000);
        return 100;
      },
    };
    const outcome = await inspectDistribution(path, undefined, limits);
    assert.equal(outcome.ok ? "" : outcome.error.code, "FILE_UNREADABLE");
    assert.match(outcome.ok ? "" : outcome.error.message, /ended while it was read/);
  });

  test("a bug is thrown, not blamed on the file", async () => {
    const limits = {
      ...DEFAULT_LIMITS,
      get members(): number {
        throw new TypeError("a bug");
      },
    };
    const path = written(SDIST_NAME, sdist);
    await assert.rejects(() => inspectDistribution(path, undefined, limits), /a bug/);
  });
});

describe("inflating with zlib", () => {
  const inflate = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    for await (const chunk of nodeInflateRaw(chunks)) parts.push(chunk);
    return concat(...parts);
  };

  test("gives any bytes back, in pieces of any size", async () => {
    const bytes = fc.uint8Array({ maxLength: 3000 });
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 700 }), async (content, length) => {
        const packed = new Uint8Array(deflateRawSync(content));
        assert.deepEqual(await inflate(inPieces(packed, length)), content);
      }),
      { numRuns: 60 },
    );
  });

  const packed = new Uint8Array(deflateRawSync(Buffer.alloc(200_000, "text")));
  const failing: [string, Uint8Array, number][] = [
    ["nothing", new Uint8Array(0), 10],
    ["a stream that is cut", packed.subarray(0, -1), 10],
    ["a stream that is cut, in one piece", packed.subarray(0, -1), 1 << 20],
    ["bytes after the end", concat(packed, Uint8Array.of(0)), 10],
    ["bytes after the end, in one piece", concat(packed, Uint8Array.of(0)), 1 << 20],
    ["a piece after the end", concat(packed, Uint8Array.of(0)), packed.length],
    ["another stream after the end", concat(packed, packed), packed.length],
    ["a malformed block", Uint8Array.of(0x07, 0, 0), 10],
  ];
  for (const [name, bytes, length] of failing) {
    test(`throws for ${name}`, async () => {
      await assert.rejects(() => inflate(inPieces(bytes, length)));
    });
  }

  test("passes on what its source throws", async () => {
    const source = async function* () {
      yield packed.subarray(0, 20);
      throw new Error("EIO");
    };
    await assert.rejects(() => inflate(source()), /EIO/);
  });

  test("stops its source when nobody reads on", async () => {
    let asked = 0;
    let closed = false;
    const source = async function* () {
      try {
        const noise = new Uint8Array(deflateRawSync(new Uint8Array(8 << 20).map((_, i) => i * i)));
        for await (const piece of inPieces(noise, 1000)) {
          asked += 1;
          yield piece;
        }
      } finally {
        closed = true;
      }
    };
    for await (const chunk of nodeInflateRaw(source())) {
      assert.ok(chunk.length > 0);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(closed, true);
    assert.ok(asked > 0);
  });
});
