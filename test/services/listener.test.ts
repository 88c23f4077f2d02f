import assert from "node:assert/strict";
import { test } from "node:test";
import { exchange } from "../../src/clients/http.ts";
import { unwrap } from "../../src/formats/result.ts";
import { systemOutside } from "../../src/library/input.ts";
import { listen } from "../../src/services/listener.ts";

test("a crowd is told to come again, and comes again", async (t) => {
  const listener = unwrap(await listen(0, 2));
  t.after(() => listener.close());
  let working = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  listener.serve(async () => {
    working += 1;
    most = Math.max(most, working);
    await new Promise<void>((done) => waiting.push(done));
    working -= 1;
    return new Response("done");
  });
  const url = `http://127.0.0.1:${listener.port}/`;
  const held = [fetch(url), fetch(url)];
  while (waiting.length < 2) await new Promise((done) => setTimeout(done, 5));
  const refused = await fetch(url);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get("retry-after"), "1");
  // Our own client waits for as long as it was told, and then is served.
  const waits: number[] = [];
  const outside = {
    ...systemOutside(),
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      for (const done of waiting.splice(0)) done();
      await Promise.all(held);
      setImmediate(async () => {
        while (waiting.length === 0) await new Promise((done) => setTimeout(done, 5));
        waiting.shift()?.();
      });
    },
  };
  const request = { method: "GET", url, maxBytes: 100, service: "stack" } as const;
  const answered = unwrap(await exchange(outside, request));
  assert.equal(answered.status, 200);
  assert.deepEqual(waits, [1000]);
  assert.equal(most, 2);
});
