import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { digest } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import {
  asJob,
  basic,
  JOB_TOKEN,
  ORIGIN,
  PACKAGES,
  testRegistry,
  uploadForm,
} from "./registry-support.ts";

const registry = testRegistry();
after(registry.remove);

const post = (body: FormData, headers: Record<string, string> = asJob) =>
  registry.fetch("pypi", { method: "POST", body, headers });

const sha256Of = (text: string): string => hex(digest("sha256", utf8(text)));

test("an upload is stored, listed, and served byte for byte", async () => {
  const sent = await post(uploadForm({ requires_python: ">=3.8" }, "first wheel"));
  assert.equal(sent.status, 201);
  assert.deepEqual(await sent.json(), { message: "201 Created" });
  const page = await registry.fetch("pypi/simple/greeter/");
  assert.equal(page.status, 200);
  const html = await page.text();
  const sha256 = sha256Of("first wheel");
  const url = `${PACKAGES}/pypi/files/${sha256}/greeter-1.0.0-py3-none-any.whl`;
  assert.ok(
    html.includes(
      `<a href="${url}#sha256=${sha256}" data-requires-python="&gt;=3.8">greeter-1.0.0-py3-none-any.whl</a>`,
    ),
  );
  const file = await registry.fetch(url.slice(ORIGIN.length));
  assert.equal(await file.text(), "first wheel");
  assert.equal(file.headers.get("content-length"), "11");
});

test("the same name twice in a release is refused in GitLab's words", async () => {
  const again = await post(uploadForm({}, "first wheel"));
  assert.equal(again.status, 400);
  assert.deepEqual(await again.json(), {
    message: "400 Bad request - Validation failed: File name has already been taken",
  });
  const other = await post(uploadForm({}, "sdist", "greeter-1.0.0.tar.gz"));
  assert.equal(other.status, 201);
});

describe("uploads that are refused", () => {
  const long = "x".repeat(256);
  const cases: [string, FormData, number, RegExp][] = [
    ["no content", uploadForm({}, null), 400, /content is missing/],
    ["no name", uploadForm({ name: undefined }), 400, /name is missing/],
    ["no version", uploadForm({ version: undefined }), 400, /version is missing/],
    ["a name that climbs", uploadForm({ name: "../x" }), 400, /Name is invalid/],
    ["a name of HTML", uploadForm({ name: "<b>" }), 400, /Name is invalid/],
    ["a version that is none", uploadForm({ version: "one" }), 400, /Version is invalid/],
    ["a malformed digest", uploadForm({ sha256_digest: "abc" }), 400, /sha256_digest is invalid/],
    [
      "the digest of another file",
      uploadForm({ sha256_digest: "a".repeat(64) }, "x", "other-1.0.0.tar.gz"),
      400,
      /not the digest/,
    ],
    ["a long requires_python", uploadForm({ requires_python: long }), 400, /too long/],
    ["a file name that climbs", uploadForm({}, "x", "../../x.whl"), 400, /File name is invalid/],
    ["a file name of HTML", uploadForm({}, "x", "<script>.whl"), 400, /File name is invalid/],
    ["a quoted file name", uploadForm({}, "x", 'a".whl'), 400, /File name is invalid/],
    [
      "attestations that are no JSON",
      uploadForm({ attestations: "nonsense" }, "x", "other-1.0.0.tar.gz"),
      400,
      /attestations/,
    ],
    [
      "no attestation",
      uploadForm({ attestations: "[]" }, "x", "other-1.0.0.tar.gz"),
      400,
      /attestation/,
    ],
  ];
  for (const [name, form, status, words] of cases) {
    test(name, async () => {
      const answer = await post(form);
      assert.equal(answer.status, status);
      assert.match(await answer.text(), words);
    });
  }
  test("what is refused leaves no file behind", () => {
    assert.deepEqual(readdirSync(join(registry.folder, "incoming")), []);
  });
});

describe("who may do what", () => {
  const read = { method: "GET", path: "pypi/simple/greeter/" };
  const readGeneric = { method: "GET", path: "generic/greeter/1.0.0/who" };
  const put = { method: "PUT", path: "generic/greeter/1.0.0/who", body: "x" };
  const upload = { method: "POST", path: "pypi" };
  const job = { "job-token": JOB_TOKEN };
  const stranger = { "private-token": "glpat-stranger" };
  const hidden = (request: { method: string; path: string }) => ({
    ...request,
    path: `/api/v4/projects/2/packages/${request.path}`,
  });
  const elsewhere = { ...read, path: "/api/v4/projects/99/packages/pypi/simple/greeter/" };
  type Case = [
    string,
    { method: string; path: string; body?: string },
    Record<string, string>,
    number,
  ];
  const cases: Case[] = [
    ["anybody reads a public project", read, {}, 200],
    ["but not with a bad token", read, basic("__token__", "bad"), 401],
    ["nor with a malformed header", read, { authorization: "Basic ***" }, 401],
    ["nor with a bearer token", read, { authorization: `Bearer ${JOB_TOKEN}` }, 401],
    ["nobody uploads anonymously", upload, {}, 401],
    ["a job token uploads by Basic", upload, asJob, 400],
    ["a job token is no password of others", upload, basic("__token__", JOB_TOKEN), 401],
    ["a JOB-TOKEN header is not looked at for PyPI", upload, job, 401],
    ["a personal token uploads under any user", upload, basic("me", "glpat-owner"), 400],
    ["a personal token uploads as a header", upload, { "private-token": "glpat-owner" }, 400],
    ["a personal token is no job token", upload, basic("gitlab-ci-token", "glpat-owner"), 401],
    ["a reader may not upload", upload, basic("reader", "gldt-reader"), 403],
    ["a reader needs its user name", upload, basic("other", "gldt-reader"), 401],
    ["a deploy token reads as a header", read, { "deploy-token": "gldt-reader" }, 200],
    ["a stranger may not upload", upload, stranger, 403],
    ["a stranger reads what is public", read, stranger, 200],
    ["a stranger cannot see a private project", hidden(read), stranger, 404],
    ["nobody asks for a private project unknown", hidden(read), {}, 401],
    ["a project that is not there", elsewhere, stranger, 404],
    ["a project that is not there, for nobody", elsewhere, {}, 401],
    ["generic: a JOB-TOKEN header", put, job, 201],
    ["generic: a job token by Basic", put, asJob, 201],
    ["generic: a personal token", put, { "private-token": "glpat-owner" }, 201],
    ["generic: a reader", put, { "deploy-token": "gldt-reader" }, 403],
    ["generic: nobody", put, {}, 401],
    ["generic: a bad token", put, { "job-token": "bad" }, 401],
    ["generic: anybody reads", readGeneric, {}, 200],
    ["generic: a stranger and a private project", hidden(put), stranger, 404],
  ];
  for (const [name, { path, ...init }, headers, status] of cases) {
    test(name, async () => {
      const answer = await registry.fetch(path, { ...init, headers });
      assert.equal(answer.status, status);
      const challenge = answer.headers.get("www-authenticate");
      assert.equal(challenge !== null, status === 401);
      assert.ok(!(await answer.text()).includes(JOB_TOKEN));
    });
  }
});

describe("the generic registry", () => {
  const put = (path: string, body = "x", query = "") =>
    registry.fetch(`generic/${path}${query}`, { method: "PUT", body, headers: asJob });

  test("a second file of a name is added, and served instead", async () => {
    assert.equal((await put("greeter/1.0.0/a.sig", "one")).status, 201);
    assert.equal((await put("greeter/1.0.0/a.sig", "two")).status, 201);
    const got = await registry.fetch("generic/greeter/1.0.0/a.sig");
    assert.equal(await got.text(), "two");
    assert.equal(got.headers.get("x-checksum-sha256"), sha256Of("two"));
  });

  test("HEAD tells the same without the content", async () => {
    await put("greeter/1.0.0/head", "abc");
    const head = await registry.fetch("generic/greeter/1.0.0/head", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get("x-checksum-sha256"), sha256Of("abc"));
    assert.equal(head.headers.get("content-length"), "3");
    assert.equal(await head.text(), "");
  });

  test("select=package_file gives the record", async () => {
    const answer = await put("greeter/1.0.0/record", "abc", "?select=package_file");
    assert.equal(answer.status, 200);
    const { file_name, size, file_sha256 } = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual([file_name, size, file_sha256], ["record", 3, sha256Of("abc")]);
  });

  test("files lie in folders, empty ones too", async () => {
    assert.equal((await put("greeter/1.0.0/a/b/c.txt", "")).status, 201);
    const got = await registry.fetch("generic/greeter/1.0.0/a/b/c.txt");
    assert.equal(await got.text(), "");
    assert.equal((await registry.fetch("generic/greeter/1.0.0/c.txt")).status, 404);
  });

  test("a project is known by its path too", async () => {
    const path = "/api/v4/projects/acme%2Fwidgets/packages/generic/greeter/1.0.0/by-path";
    const answer = await registry.fetch(path, { method: "PUT", body: "x", headers: asJob });
    assert.equal(answer.status, 201);
    assert.equal((await registry.fetch("generic/greeter/1.0.0/by-path")).status, 200);
  });

  const refused: [string, string, RegExp][] = [
    ["gre eter/1.0.0/a", "", /package_name/],
    ["%2e%2e%2fgreeter/1.0.0/a", "", /package_name/],
    ["greeter/1..0/a", "", /package_version/],
    ["greeter/1.0%2f0/a", "", /package_version/],
    ["greeter/1.0.0/~a", "", /file_name/],
    ["greeter/1.0.0/a@", "", /file_name/],
    ["greeter/1.0.0/a%00", "", /file_name/],
    ["greeter/1.0.0/..%2fa", "", /file_name/],
    ["greeter/1.0.0/%E0%A4%A", "", /file_name/],
    ["greeter/1.0.0/", "", /file_name/],
    ["greeter/1.0.0/a/%2e%2e%2f/b", "", /path/],
    ["greeter/1.0.0/a", "?status=shown", /status/],
    ["greeter/1.0.0/a", "?select=all", /select/],
    [`greeter/1.0.0/${"a".repeat(300)}`, "", /invalid/],
  ];
  for (const [path, query, words] of refused) {
    test(`refuses ${path.slice(0, 40)}${query}`, async () => {
      const answer = await put(path, "x", query);
      assert.equal(answer.status, 400);
      assert.match(String(((await answer.json()) as { error: string }).error), words);
    });
  }
});

describe("limits", () => {
  const small = testRegistry({ maxBytes: { pypi: 100, generic: 100 } });
  after(small.remove);
  const big = "x".repeat(101);

  test("a distribution that is too large", async () => {
    const body = uploadForm({}, big);
    const answer = await small.fetch("pypi", { method: "POST", body, headers: asJob });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /File is too large/);
  });

  test("a generic file that is too large", async () => {
    const init = { method: "PUT", body: big, headers: asJob };
    const answer = await small.fetch("generic/greeter/1.0.0/a", init);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /File is too large/);
    assert.equal((await small.fetch("generic/greeter/1.0.0/a")).status, 404);
  });

  test("a field beyond 4 MiB, and fields beyond 2,000", async () => {
    const huge = uploadForm({ description: "x".repeat(5 * 1024 * 1024) });
    const answer = await small.fetch("pypi", { method: "POST", body: huge, headers: asJob });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /too long/);
    const many = uploadForm();
    for (let i = 0; i < 2100; i += 1) many.append("classifiers", "x");
    const other = await small.fetch("pypi", { method: "POST", body: many, headers: asJob });
    assert.equal(other.status, 400);
    assert.match(await other.text(), /too many fields/);
  });

  test("nothing of it stays on disk", () => {
    assert.deepEqual(readdirSync(join(small.folder, "incoming")), []);
    assert.deepEqual(readdirSync(join(small.folder, "blobs")), []);
    assert.deepEqual(small.errors, []);
  });
});

test("what was answered with 201 is there after a restart, and half uploads are not", async () => {
  const first = testRegistry();
  await first.fetch("pypi", { method: "POST", body: uploadForm({}, "kept"), headers: asJob });
  first.service.close();
  const second = testRegistry({ folder: first.folder });
  const page = await second.fetch("pypi/simple/greeter");
  assert.ok((await page.text()).includes(sha256Of("kept")));
  const blob = join(first.folder, "blobs", sha256Of("kept").slice(0, 2), sha256Of("kept"));
  assert.equal(readFileSync(blob, "utf8"), "kept");
  second.remove();
  assert.ok(!existsSync(first.folder));
});

describe("as GitLab behaves", () => {
  const gitlab = testRegistry({ behaviour: "gitlab" });
  after(gitlab.remove);

  test("the digest is stored as it was claimed", async () => {
    const claimed = "b".repeat(64);
    const body = uploadForm({ sha256_digest: claimed }, "other content");
    const answer = await gitlab.fetch("pypi", { method: "POST", body, headers: asJob });
    assert.equal(answer.status, 201);
    const accept = "application/vnd.pypi.simple.v1+json";
    const page = await gitlab.fetch("pypi/simple/greeter", { headers: { accept } });
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.ok((await page.text()).includes(`#sha256=${claimed}`));
    const file = await gitlab.fetch(`pypi/files/${claimed}/greeter-1.0.0-py3-none-any.whl`);
    assert.equal(await file.text(), "other content");
  });
});

test("none of this was a bug", () => {
  assert.deepEqual(registry.errors, []);
});
