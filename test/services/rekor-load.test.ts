import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { rekorService } from "../../src/services/rekor.ts";
import { hashedRekord, testSigner } from "./signing.ts";

const folder = mkdtempSync(join(tmpdir(), "rekor-load-"));
const key = generateKey("ecdsa-p256");
const rekor = unwrap(
  await rekorService({
    path: join(folder, "log.db"),
    key,
    hostname: "rekor.example",
    now: Date.now,
  }),
);
const server = createServer(getRequestListener(rekor.fetch));
await new Promise<void>((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(async () => {
  server.closeAllConnections();
  server.close();
  await rekor.close();
  rmSync(folder, { recursive: true });
});

test("64 clients over sockets: each entry once, one index each, duplicates told", async () => {
  const signer = testSigner();
  const entries = Array.from({ length: 32 }, (_, n) => hashedRekord(signer, utf8(`${n}`)));
  // Every entry is sent by two clients at once: one of them is first.
  const answers = await Promise.all(
    [...entries, ...entries].map(async (entry) => {
      const response = await fetch(`${origin}/api/v1/log/entries`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(entry),
      });
      await response.arrayBuffer();
      return { status: response.status, location: response.headers.get("location") ?? "" };
    }),
  );
  const created = answers.filter(({ status }) => status === 201).map(({ location }) => location);
  const refused = answers.filter(({ status }) => status === 409).map(({ location }) => location);
  assert.equal(created.length, 32);
  assert.deepEqual(refused.toSorted(), created.toSorted());
  assert.equal(rekor.store.head().size, 32);
  const indexes = new Set<number>();
  for (const location of created) {
    const response = await fetch(origin + location);
    assert.equal(response.status, 200);
    for (const entry of Object.values((await response.json()) as object)) {
      indexes.add((entry as { logIndex: number }).logIndex);
    }
  }
  assert.equal(indexes.size, 32);
});

test("a client that breaks off in its body leaves nothing behind", async () => {
  const before = rekor.store.head().size;
  const controller = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => stream.enqueue(utf8('{"kind":')),
  });
  const init = { method: "POST", body, duplex: "half", signal: controller.signal };
  const headers = { "content-type": "application/json" };
  const sent = fetch(`${origin}/api/v1/log/entries`, { ...init, headers } as RequestInit);
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(sent);
  assert.equal((await fetch(`${origin}/api/v1/log`)).status, 200);
  assert.equal(rekor.store.head().size, before);
});
