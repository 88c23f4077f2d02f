import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { chanceFrom } from "../fuzz/mutate.ts";
import {
  areasOfSource,
  openPages,
  PAGE_ENDPOINTS,
  type PagesScene,
  shootAtPage,
} from "./page-endpoints.ts";

let scene: PagesScene;
before(async () => {
  scene = await openPages();
});
after(() => scene?.close());

test("every area of the gateway and of the consoles is in the table, and only those", async () => {
  assert.deepEqual(
    PAGE_ENDPOINTS.map(({ of, area }) => `${of} ${area}`).toSorted(),
    (await areasOfSource()).toSorted(),
  );
});

test("the table asks for what is there, and the gateway serves one file of the two", async () => {
  const { gateway } = scene.origins;
  const { GOOD, BAD } = scene.digests;
  for (const { area, paths } of PAGE_ENDPOINTS) {
    const path = paths[0]?.replace("GOOD", GOOD) ?? "";
    if (area === "live") continue;
    const response = await fetch(gateway + path);
    await response.arrayBuffer();
    assert.equal(response.status, 200, path);
  }
  const refused = await fetch(`${gateway}/files/greeter/${BAD}/${scene.bad.filename}`);
  assert.equal(refused.status, 403, await refused.text());
});

for (const endpoint of PAGE_ENDPOINTS) {
  test(`no request makes it fail: ${endpoint.of} /${endpoint.area}`, async () => {
    const chance = chanceFrom(7919 + endpoint.area.length * 31);
    for (let n = 0; n < 40; n += 1) await shootAtPage(scene, endpoint, chance);
    assert.deepEqual(scene.bugs(), []);
  });
}

/** What is no request at all, or one of which HTTP libraries differ in what it is. */
const RAW = [
  "\0\x01\x02",
  "GET\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
  "GET http://evil.test/simple/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "GET //evil.test/simple/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "GET *  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n",
  "TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
  "GET /console/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
  "POST /simple/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST /simple/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
  "GET /console/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
];

const send = (origin: string, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const { port } = new URL(origin);
    const socket = connect(Number(port), "127.0.0.1", () => socket.end(bytes, "latin1"));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    // A connection that is reset has said all that it says.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });

test("what is no request of HTTP is refused, and the next request is answered", async () => {
  for (const [where, origin] of Object.entries(scene.origins)) {
    for (const bytes of RAW) {
      const answer = await send(origin, bytes);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 400);
      assert.ok(status < 500, `${where}: ${JSON.stringify(bytes.slice(0, 60))}: ${status}`);
      assert.ok(!answer.includes("evil.test"), `${where} ${bytes.slice(0, 60)} echoes a host`);
    }
    const alive = await fetch(`${origin}/console/`);
    assert.equal(alive.status, 200);
    await alive.text();
  }
  assert.deepEqual(scene.bugs(), []);
});
