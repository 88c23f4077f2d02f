import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { decodeJwt, exportJWK, SignJWT } from "jose";
import { generateKey } from "../../src/crypto/keys.ts";
import { unwrap } from "../../src/formats/result.ts";
import { type Stack, startStack } from "../../src/services/server.ts";
import { chanceFrom } from "../fuzz/mutate.ts";
import { ENDPOINTS, routesOfSource, shot } from "./endpoints.ts";

let folder = "";
let stack: Stack;
let visits = 0;
/** Whoever follows an address out of a token comes by here. */
const canary = createServer((_, answer) => {
  visits += 1;
  answer.end("{}");
});
let trap = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-endpoints-"));
  stack = unwrap(await startStack({ folder, port: 0 }));
  await new Promise<void>((done) => canary.listen(0, "127.0.0.1", done));
  trap = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
});

after(async () => {
  canary.close();
  await stack.close();
  await rm(folder, { recursive: true });
});

test("every route of the services is in the table, and only those", () => {
  assert.deepEqual(
    ENDPOINTS.map(({ route }) => String(route)).toSorted(),
    routesOfSource().toSorted(),
  );
});

for (const endpoint of ENDPOINTS) {
  test(`no request makes it fail: ${endpoint.route}`, async () => {
    const chance = chanceFrom(endpoint.route.length * 7919);
    for (let n = 0; n < 40; n += 1) {
      const { url, init } = shot(stack, endpoint, chance);
      const response = await fetch(url, init);
      const said = await response.text();
      assert.ok(response.status < 500, `${init.method} ${url}: ${response.status} ${said}`);
    }
    const alive = await fetch(`${stack.urls.gitlab}/oauth/discovery/keys`);
    assert.equal(alive.status, 200);
  });
}

test("no token makes the authority ask elsewhere, or certify", async () => {
  const good = await stack.mintToken({ projectPath: "acme/widgets" });
  const claims = decodeJwt(good);
  const ours = generateKey("rsa-pkcs1v15");
  const jwk = await exportJWK(ours.publicKey.handle);
  const headers: Record<string, unknown>[] = [
    { jku: `${trap}/keys` },
    { x5u: `${trap}/chain` },
    { jwk },
    { kid: `${trap}/kid` },
    { kid: "../../../../dev/null" },
  ];
  const issuers = [trap, `${stack.urls.gitlab}@${trap.slice(7)}`, stack.urls.gitlab];
  for (const header of headers) {
    for (const iss of issuers) {
      const token = await new SignJWT({ ...claims, iss })
        .setProtectedHeader({ alg: "RS256", kid: "k", ...header })
        .sign(ours.handle);
      for (const version of ["v1", "v2"]) {
        const response = await fetch(`${stack.urls.fulcio}/api/${version}/signingCert`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
          body: JSON.stringify({
            credentials: { oidcIdentityToken: token },
            publicKeyRequest: { publicKey: { content: "x" }, proofOfPossession: "AA" },
            publicKey: { content: "AA" },
            signedEmailAddress: "AA",
          }),
        });
        assert.ok([400, 401, 403].includes(response.status), String(response.status));
        await response.text();
      }
    }
  }
  assert.equal(visits, 0);
});

test("a body that unpacks without end is not unpacked", async () => {
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
  const before = process.memoryUsage().rss;
  for (const { route, paths } of ENDPOINTS.filter(({ bodies }) => bodies !== undefined)) {
    const method = route.split(" ")[1]?.toUpperCase() ?? "POST";
    const response = await fetch(stack.urls.gitlab + paths[0], {
      method,
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: new Uint8Array(bomb),
    });
    assert.ok(response.status >= 400 && response.status < 500, `${route}: ${response.status}`);
    await response.text();
  }
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
});
