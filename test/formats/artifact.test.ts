import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { artifactOfBytes, digestStream } from "../../src/formats/artifact.ts";
import { concat, utf8 } from "../../src/formats/bytes.ts";

const TEXT = utf8("content of an artifact");
const digestOf = (name: string): Uint8Array =>
  new Uint8Array(createHash(name).update(TEXT).digest());

async function* inTwo(): AsyncGenerator<Uint8Array> {
  yield TEXT.subarray(0, 5);
  yield TEXT.subarray(5);
}

test("an artifact in memory can be read more than once", async () => {
  const artifact = artifactOfBytes(TEXT, "a.txt");
  assert.equal(artifact.name, "a.txt");
  assert.equal(artifact.size, TEXT.length);
  assert.deepEqual(artifact.sha256, digestOf("sha256"));
  for (let i = 0; i < 2; i += 1) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of artifact.open?.() ?? []) chunks.push(chunk);
    assert.deepEqual(concat(...chunks), TEXT);
  }
  assert.equal("name" in artifactOfBytes(TEXT), false);
});

test("a stream is digested as a whole, by each hash", async () => {
  for (const name of ["sha256", "sha384", "sha512"] as const) {
    const { digest, size } = await digestStream(name, inTwo());
    assert.deepEqual(digest, digestOf(name));
    assert.equal(size, TEXT.length);
  }
});
