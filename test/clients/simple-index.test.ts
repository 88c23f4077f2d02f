import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { NO_AUTH, secret } from "../../src/clients/credentials.ts";
import { type IndexFile, simpleIndex } from "../../src/clients/simple-index.ts";
import { digest } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import { unwrap } from "../../src/formats/result.ts";
import { fakeOutside } from "./fake-outside.ts";

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const URL_BASE = "https://index.test/simple";
const SHA = "a".repeat(64);
const TOKEN = "planted-secret-token";
const auth = { kind: "basic", username: "u", password: secret(TOKEN) } as const;

const answer = (body: string, type: string, status = 200) =>
  new Response(body, { status, headers: { "content-type": type } });

const project = (response: Response, name = "greeter") => {
  const { outside, calls } = fakeOutside(response);
  return { calls, page: simpleIndex(outside, { url: URL_BASE, auth }).project(name) };
};

const jsonPage = (file: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  JSON.stringify({
    meta: { "api-version": "1.1" },
    name: "greeter",
    files: [{ filename: "greeter-1.tar.gz", url: "greeter-1.tar.gz", hashes: {}, ...file }],
    ...more,
  });

test("asks for the normalised name, JSON first, with the credentials", async () => {
  const { calls, page } = project(answer(jsonPage({}), JSON_TYPE), "Greeter");
  await page;
  assert.equal(calls[0]?.url, `${URL_BASE}/greeter/`);
  assert.match(calls[0]?.headers.get("accept") ?? "", /^application\/vnd\.pypi\.simple\.v1\+json,/);
  assert.match(calls[0]?.headers.get("authorization") ?? "", /^Basic /);
});

describe("pages that are read", () => {
  const wanted: IndexFile = {
    filename: "greeter-1.0.0-py3-none-any.whl",
    url: "https://index.test/f/greeter-1.0.0-py3-none-any.whl",
    sha256: SHA,
    requiresPython: ">=3.8",
    yanked: "bad",
    coreMetadata: { sha256: "b".repeat(64) },
    provenance: "https://index.test/integrity/p",
  };
  const html = (attributes: string, head = "") =>
    `<html><head>${head}</head><body><a ${attributes}>x</a></body></html>`;
  const rest = `data-requires-python="&gt;=3.8" data-yanked="bad" data-core-metadata="sha256=${"b".repeat(64)}" data-provenance="/integrity/p"`;
  const link = `greeter-1.0.0-py3-none-any.whl#sha256=${SHA}`;
  const cases: [string, string, string][] = [
    [
      "JSON",
      JSON_TYPE,
      jsonPage({
        filename: wanted.filename,
        url: "../../f/greeter-1.0.0-py3-none-any.whl",
        hashes: { sha256: SHA.toUpperCase() },
        "requires-python": ">=3.8",
        yanked: "bad",
        "core-metadata": { sha256: "b".repeat(64) },
        provenance: "/integrity/p",
        size: 3,
        "upload-time": "2026-01-01T00:00:00.5Z",
      }),
    ],
    ["HTML", "text/html; charset=utf-8", html(`href="../../f/${link}" ${rest}`)],
    ["HTML v1", "application/vnd.pypi.simple.v1+html", html(`href="/f/${link}" ${rest}`)],
    ["HTML with a base", "text/html", html(`href="${link}" ${rest}`, '<base href="/f/">')],
  ];
  for (const [name, type, body] of cases) {
    test(name, async () => {
      const page = unwrap(await project(answer(body, type)).page);
      // Only JSON has these two (PEP 700).
      const dated = name === "JSON" ? { size: 3, uploadTime: Date.UTC(2026, 0, 1) + 500 } : {};
      assert.deepEqual(page.files, [{ ...wanted, ...dated }]);
    });
  }

  test("a page of a hundred thousand open tags", async () => {
    const page = await project(answer("<b>".repeat(100_000), "text/html")).page;
    assert.deepEqual(unwrap(page).files, []);
  });
});

describe("pages that are refused", () => {
  const twice = [1, 2].map(() => `<a href="a-1.tar.gz#sha256=${SHA}">a</a>`).join("");
  const cases: [string, Response, Code][] = [
    ["another content type", answer("{}", "application/json"), "INDEX_FORMAT"],
    ["no JSON", answer("{", JSON_TYPE), "INDEX_FORMAT"],
    ["another project", answer(jsonPage({}, { name: "other" }), JSON_TYPE), "INDEX_FORMAT"],
    [
      "API version 2",
      answer(jsonPage({}, { meta: { "api-version": "2.0" } }), JSON_TYPE),
      "INDEX_FORMAT",
    ],
    ["a duplicate key", answer('{"name":"a","name":"b"}', JSON_TYPE), "INDEX_FORMAT"],
    ["a file name that climbs", answer(jsonPage({ filename: "../x" }), JSON_TYPE), "INDEX_FORMAT"],
    ["a file name with NUL", answer(jsonPage({ filename: "x\0" }), JSON_TYPE), "INDEX_FORMAT"],
    ["a link to a file", answer(jsonPage({ url: "file:///etc/x" }), JSON_TYPE), "INDEX_FORMAT"],
    ["a link down to http", answer(jsonPage({ url: "http://h/x" }), JSON_TYPE), "INDEX_FORMAT"],
    [
      "a link with a password",
      answer(jsonPage({ url: "https://u:p@h/x" }), JSON_TYPE),
      "INDEX_FORMAT",
    ],
    ["a short digest", answer(jsonPage({ hashes: { sha256: "ab" } }), JSON_TYPE), "INDEX_FORMAT"],
    ["a name twice", answer(twice, "text/html"), "INDEX_FORMAT"],
    ["HTML: a script link", answer('<a href="javascript:x">a</a>', "text/html"), "INDEX_FORMAT"],
    [
      "HTML: a name that climbs",
      answer('<a href="/a%2F..%2Fb">a</a>', "text/html"),
      "INDEX_FORMAT",
    ],
    ["HTML: a folder", answer('<a href="/a/">a</a>', "text/html"), "INDEX_FORMAT"],
    [
      "HTML: a digest of nonsense",
      answer('<a href="a#sha256=x">a</a>', "text/html"),
      "INDEX_FORMAT",
    ],
    ["401", answer(TOKEN, "text/plain", 401), "REGISTRY_AUTH"],
    ["403", answer(TOKEN, "text/plain", 403), "REGISTRY_FORBIDDEN"],
    ["404", answer(TOKEN, "text/plain", 404), "REGISTRY_NOT_FOUND"],
    ["418", answer(TOKEN, "text/plain", 418), "REGISTRY_RESPONSE"],
    ["500 for ever", answer("", "text/plain", 500), "NETWORK_UNREACHABLE"],
  ];
  for (const [name, response, code] of cases) {
    test(name, async () => {
      const page = await project(response).page;
      assert.equal(page.ok ? "ok" : page.error.code, code);
      assert.ok(!JSON.stringify(page).includes(TOKEN));
    });
  }

  test("a page on another origin, though it is good, and without our credentials", async () => {
    const moved = new Response(null, {
      status: 302,
      headers: { location: "https://public.test/simple/greeter/" },
    });
    const { outside, calls } = fakeOutside(moved, answer(jsonPage({}), JSON_TYPE));
    const page = await simpleIndex(outside, { url: URL_BASE, auth }).project("greeter");
    assert.equal(page.ok ? "ok" : page.error.code, "REGISTRY_NOT_FOUND");
    assert.equal(calls[1]?.headers.get("authorization"), null);
  });
});

describe("downloads", () => {
  const folder = mkdtempSync(join(tmpdir(), "wheelseal-download-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const sha256 = hex(digest("sha256", utf8("content")));
  const file = { filename: "a.whl", url: "https://index.test/f/a.whl", sha256 };
  const path = join(folder, "a.whl");
  const run = async (responses: Response[], listed: IndexFile = file, maxBytes = 100) => {
    rmSync(path, { force: true });
    const { outside, calls } = fakeOutside(...responses);
    const index = simpleIndex(outside, { url: URL_BASE, auth });
    return { result: await index.download(listed, path, maxBytes), calls };
  };

  test("arrive with the digest that was stated", async () => {
    const { result, calls } = await run([new Response("content")]);
    assert.deepEqual(unwrap(result), { path, size: 7 });
    assert.equal(readFileSync(path, "utf8"), "content");
    assert.match(calls[0]?.headers.get("authorization") ?? "", /^Basic /);
  });

  test("come without credentials from another origin", async () => {
    const { calls } = await run([new Response("content")], { ...file, url: "https://cdn.test/a" });
    assert.equal(calls[0]?.headers.get("authorization"), null);
  });

  test("are asked for again when the body breaks off", async () => {
    const short = new Response("cont", { headers: { "content-length": "7" } });
    const { result, calls } = await run([short, new Response("content")]);
    assert.ok(result.ok);
    assert.equal(calls.length, 2);
  });

  const cases: [string, Response[], IndexFile, Code][] = [
    ["other content", [new Response("changed")], file, "INDEX_DIGEST"],
    [
      "no stated digest",
      [new Response("content")],
      { filename: "a", url: file.url },
      "INDEX_DIGEST",
    ],
    ["too much", [new Response("x".repeat(200))], file, "FORMAT_SIZE"],
    [
      "cut for ever",
      [new Response("cont", { headers: { "content-length": "7" } })],
      file,
      "NETWORK_UNREACHABLE",
    ],
    ["401", [answer(TOKEN, "text/plain", 401)], file, "REGISTRY_AUTH"],
    ["404", [answer(TOKEN, "text/plain", 404)], file, "REGISTRY_NOT_FOUND"],
  ];
  for (const [name, responses, listed, code] of cases) {
    test(`${name}: nothing is left`, async () => {
      const { result } = await run(responses, listed);
      assert.equal(result.ok ? "ok" : result.error.code, code);
      assert.ok(!JSON.stringify(result).includes(TOKEN));
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  test("provenance and metadata that are listed must be served", async () => {
    const { outside } = fakeOutside(new Response("", { status: 404 }));
    const index = simpleIndex(outside, { url: URL_BASE, auth: NO_AUTH });
    const listed = { ...file, provenance: "https://index.test/p", coreMetadata: {} };
    assert.ok(!(await index.provenance(listed)).ok);
    assert.ok(!(await index.coreMetadata(listed)).ok);
    assert.deepEqual(await index.provenance(file), { ok: true, value: undefined });
  });
});
