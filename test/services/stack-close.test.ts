import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";

test("an upload that had begun when the stack was told to stop is taken and answered", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wheelseal-close-"));
  const stack = unwrap(await startStack({ folder, port: 0 }));
  const piece = new Uint8Array(64 * 1024).fill(1);
  let closed: Promise<void> | undefined;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: async (stream) => {
      sent += 1;
      // Told to stop in the midst of the content, and given turns to begin with it.
      if (sent === 20) closed = stack.close();
      if (sent > 20) await new Promise(setImmediate);
      if (sent > 40) stream.close();
      else stream.enqueue(piece);
    },
  });
  const headers = { "job-token": stack.jobToken };
  const url = `${stack.urls.gitlab}/api/v4/projects/1/packages/generic/p/1.0/f.bin`;
  const init = { method: "PUT", headers, body, duplex: "half" };
  const response = await fetch(url, init as RequestInit);
  assert.equal(response.status, 201, await response.text());
  await closed;
  const again = unwrap(await startStack({ folder, port: 0 }));
  const path = `${again.urls.gitlab}/api/v4/projects/1/packages/generic/p/1.0/f.bin`;
  const served = await fetch(path, { headers: { "job-token": again.jobToken } });
  assert.equal((await served.arrayBuffer()).byteLength, 40 * piece.length);
  await again.close();
  await rm(folder, { recursive: true });
});
