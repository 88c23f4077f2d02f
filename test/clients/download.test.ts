import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { downloadFile } from "../../src/clients/download.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { fakeOutside } from "./fake-outside.ts";

const CONTENT = new Uint8Array(900_001).map((_, at) => (at * 7919) >> 3);

/** An answer whose body comes in pieces of `size` bytes, and breaks off after `until`. */
const inPieces = (size: number, until = Number.POSITIVE_INFINITY): Response => {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= until) controller.error(new Error("broken off"));
      else if (at >= CONTENT.length) controller.close();
      else controller.enqueue(CONTENT.slice(at, at + size));
      at += size;
    },
  });
  return new Response(body);
};

const CASES = [
  ["in pieces of 1,009 bytes", [() => inPieces(1_009)], {}, "ok"],
  ["in one piece", [() => inPieces(CONTENT.length)], {}, "ok"],
  ["again after it broke off", [() => inPieces(65_536, 300_000), () => inPieces(65_536)], {}, "ok"],
  [
    "never, with another digest",
    [() => inPieces(65_536)],
    { sha256: "00".repeat(32) },
    "INDEX_DIGEST",
  ],
  ["never, beyond the limit", [() => inPieces(65_536)], { maxBytes: 900_000 }, "FORMAT_SIZE"],
] as const;

for (const [name, answers, more, expected] of CASES) {
  test(`a file arrives ${name}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "wheelseal-download-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const { outside, calls } = fakeOutside(...answers);
    const path = join(folder, "new", "a.whl");
    const done = await downloadFile(outside, {
      ...{ url: "http://index.test/a.whl", auth: NO_AUTH, path, maxBytes: 1_000_000 },
      ...{ sha256: hex(sha256(CONTENT)) },
      ...more,
    });
    assert.equal(done.ok ? "ok" : done.error.code, expected);
    assert.equal(calls.length, answers.length);
    assert.deepEqual(readdirSync(join(folder, "new")), expected === "ok" ? ["a.whl"] : []);
    if (expected === "ok") assert.equal(hex(sha256(readFileSync(path))), hex(sha256(CONTENT)));
  });
}
