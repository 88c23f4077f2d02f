import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { type Stack, startStack } from "../../src/services/server.ts";

let folder = "";
let stack: Stack;
let port = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wheelseal-hostile-"));
  stack = unwrap(await startStack({ folder, port: 0 }));
  port = Number(new URL(stack.urls.gitlab).port);
});

after(async () => {
  await stack.close();
  await rm(folder, { recursive: true });
});

/** Sends raw bytes and gives the status line's number; 0 where the server only hangs up. */
const raw = async (text: string): Promise<number> => {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += String(chunk);
  });
  socket.on("error", () => undefined);
  socket.end(text, "latin1");
  await once(socket, "close");
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
};

const request = (line: string, headers: readonly string[] = [], body = ""): string =>
  [line, `Host: 127.0.0.1:${port}`, "Connection: close", ...headers, "", body].join("\r\n");

const posted = (path: string, body: string, type = "application/json"): string =>
  request(
    `POST ${path} HTTP/1.1`,
    [`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body, "latin1")}`],
    body,
  );

const DEEP = "[".repeat(50_000);

const POSTS = [
  "/api/v2/signingCert",
  "/api/v1/signingCert",
  "/wheelseal/token",
  "/api/v1/timestamp",
  "/api/v1/log/entries",
  "/api/v1/log/entries/retrieve",
  "/api/v1/index/retrieve",
  "/ct/v1/add-chain",
  "/api/v4/projects/1/packages/pypi",
];

const BODIES: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["null", "null"],
  ["a number", "1e999"],
  ["deep nesting", DEEP],
  ["a prototype", '{"__proto__":{"credentials":{}},"constructor":1}'],
  ["bytes that are no UTF-8", '"\xff\xfe"'],
  ["a lone surrogate", '{"credentials":{"oidcIdentityToken":"\\ud800.a.b"}}'],
  ["wrong types", '{"credentials":[],"publicKeyRequest":7,"certificateSigningRequest":{}}'],
  ["a NUL", "\0"],
];

for (const path of POSTS) {
  test(`POST ${path} answers every body with a 4xx`, async () => {
    for (const [name, body] of BODIES) {
      for (const type of [
        "application/json",
        "application/timestamp-query",
        "text/plain",
        "\x80",
      ]) {
        const status = await raw(posted(path, body, type));
        assert.ok(status >= 400 && status < 500, `${name} as ${type}: ${status}`);
      }
    }
  });
}

test("bodies that are too large are refused without being read to the end", async () => {
  for (const path of ["/api/v2/signingCert", "/api/v1/signingCert", "/api/v1/timestamp"]) {
    const body = `{"x":"${"x".repeat(300_000)}"}`;
    const headers = ["Authorization: Bearer a.b.c"];
    const lengthless = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const declared = await raw(
      request(
        `POST ${path} HTTP/1.1`,
        [...headers, "Content-Type: application/json", `Content-Length: ${body.length}`],
        body,
      ),
    );
    const chunked = await raw(
      request(
        `POST ${path} HTTP/1.1`,
        [...headers, "Content-Type: application/json", "Transfer-Encoding: chunked"],
        lengthless,
      ),
    );
    assert.deepEqual([path, declared, chunked], [path, 413, 413]);
  }
});

const LINES: readonly (readonly [string, string])[] = [
  ["a path that climbs", "GET /../../etc/passwd HTTP/1.1"],
  ["an encoded climb", "GET /api/v4/projects/%2e%2e%2f/packages/generic/a/1/b HTTP/1.1"],
  ["a broken escape", "GET /api/v4/projects/%zz/packages/pypi/simple/a HTTP/1.1"],
  ["a NUL escape", "GET /api/v4/projects/1/packages/generic/a/1/%00 HTTP/1.1"],
  ["two slashes", "GET //evil.example/ HTTP/1.1"],
  ["an absolute URL", "GET http://evil.example/.well-known/openid-configuration HTTP/1.1"],
  ["a star", "OPTIONS * HTTP/1.1"],
  ["an unknown method", "BREW /api/v2/signingCert HTTP/1.1"],
  ["DELETE", "DELETE /api/v1/log/entries HTTP/1.1"],
  ["TRACE", "TRACE / HTTP/1.1"],
  ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1"],
  ["a long query", `GET /api/v1/log/proof?firstSize=${"9".repeat(8000)} HTTP/1.1`],
  ["a negative index", "GET /api/v1/log/entries?logIndex=-1 HTTP/1.1"],
  ["an unknown page", "GET /wp-login.php HTTP/1.1"],
  ["no HTTP", "hello"],
  ["HTTP/9", "GET / HTTP/9.9"],
];

for (const [name, line] of LINES) {
  test(`${name} is no server error`, async () => {
    const status = await raw(request(line));
    assert.ok(status < 500 && (status === 0 || status >= 400), String(status));
  });
}

test("headers above 32 KiB are refused", async () => {
  const status = await raw(request("GET / HTTP/1.1", [`X: ${"x".repeat(40_000)}`]));
  assert.equal(status, 431);
});

test("a request under another host name is refused", async () => {
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1:1", "", "a b"]) {
    const text = `GET /oauth/discovery/keys HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const status = await raw(text);
    assert.ok(status === 421 || status === 400, `${host}: ${status}`);
  }
  const named = `GET /oauth/discovery/keys HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`;
  assert.equal(await raw(named), 200);
});

test("a request that hangs up half-way leaves the stack working", async () => {
  for (const path of POSTS) {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      request(
        `POST ${path} HTTP/1.1`,
        ["Content-Type: application/json", "Content-Length: 500"],
        "{",
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
  }
  assert.equal((await fetch(`${stack.urls.gitlab}/oauth/discovery/keys`)).status, 200);
});
