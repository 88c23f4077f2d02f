import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseScripts } from "../../src/dists/entry-points.ts";
import { parseMemberPath, pathRegister } from "../../src/dists/member-path.ts";
import { MAX_METADATA, parseMetadata } from "../../src/dists/metadata.ts";
import { parseRecord } from "../../src/dists/record.ts";
import { parseWheelFile } from "../../src/dists/wheel-file.ts";
import { bytesOf } from "./expect.ts";

/** Generous, as machines are slow at times; what is not linear would take minutes. */
const MAX_MILLISECONDS = 5000;
const SIZE = 2 ** 22;
const START = "Metadata-Version: 2.1\nName: a\nVersion: 1\n";

// Each of these is small when packed, and once cost time or memory out of proportion.
describe("what costs little to send costs little to read", () => {
  const cases: [string, () => unknown][] = [
    ["spaces in a header", () => parseMetadata(bytesOf(`${START}A: ${" ".repeat(SIZE - 99)}b\n`))],
    ["continuations", () => parseMetadata(bytesOf(START + " \n".repeat((SIZE - 99) / 2)))],
    ["blank lines", () => parseMetadata(bytesOf(START + "\n".repeat(MAX_METADATA - 99)))],
    ["a quoted field", () => parseRecord(bytesOf(`"${"a".repeat(8 * SIZE)}`), "R")],
    ["quotes", () => parseRecord(bytesOf('"'.repeat(8 * SIZE)), "R")],
    ["commas", () => parseRecord(bytesOf(",".repeat(8 * SIZE)), "R")],
    ["lines", () => parseRecord(bytesOf("a,,\n".repeat(SIZE)), "R")],
    ["commands", () => parseScripts(bytesOf(`[console_scripts]\n${numbered(100_000, "=a:b")}`))],
    ["a command", () => parseScripts(bytesOf(`[console_scripts]\nx=a${" ".repeat(SIZE)}:b(`))],
    ["tags", () => parseWheelFile(bytesOf(wheelOf("a.".repeat(40_000))))],
    ["deep paths", deepPaths],
  ];
  for (const [name, run] of cases) {
    test(name, () => {
      const start = performance.now();
      run();
      const took = performance.now() - start;
      assert.ok(took < MAX_MILLISECONDS, `took ${took} ms`);
    });
  }
});

function numbered(count: number, after: string): string {
  return Array.from({ length: count }, (_, i) => `${i}${after}\n`).join("");
}

function wheelOf(set: string): string {
  return `Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: ${set}-${set}-${set}\n`;
}

function deepPaths(): void {
  const register = pathRegister();
  for (let i = 0; i < 20_000; i += 1) {
    const path = parseMemberPath(`${i}${"/a".repeat(900)}`);
    assert.equal(path.ok, false);
    const added = register.add(`${i}${"/a".repeat(99)}`, "leaf");
    if (added.ok) continue;
    assert.equal(added.error.code, "DIST_SIZE");
    return;
  }
  assert.fail("any number of folders is remembered");
}
