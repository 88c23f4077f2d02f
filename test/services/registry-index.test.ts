import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { type IndexFile, simpleIndex } from "../../src/clients/simple-index.ts";
import { unwrap } from "../../src/formats/result.ts";
import { asJob, ORIGIN, PACKAGES, testRegistry, uploadForm } from "./registry-support.ts";

const vectors = new URL("../../../shared/vectors/pypi-attestations/", import.meta.url);
const missing = !existsSync(vectors) && "the shared vectors are not beside this repository";
const wheel = "rfc8785-0.1.2-py3-none-any.whl";

const registry = testRegistry();
after(registry.remove);

const upload = (form: FormData) =>
  registry.fetch("pypi", { method: "POST", body: form, headers: asJob });

const accepting = (accept: string) => (path: string) =>
  registry.fetch(path, { headers: { accept } });
const asJson = accepting("application/vnd.pypi.simple.v1+json");
const asHtml = accepting("application/vnd.pypi.simple.v1+html");

/** The same index, whose answers come in one format whatever is asked for. */
const filesAs = async (accept: string, name: string): Promise<readonly IndexFile[]> => {
  const outside = {
    ...registry.outside,
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      registry.service.fetch(new Request(input, { ...init, headers: { accept } })),
  };
  const index = simpleIndex(outside, { url: `${PACKAGES}/pypi/simple`, auth: NO_AUTH });
  return unwrap(await index.project(name)).files;
};

describe("a real wheel with a real attestation", { skip: missing }, () => {
  const content = () => new Uint8Array(readFileSync(new URL(wheel, vectors)));
  const attestation = () => readFileSync(new URL(`${wheel}.publish.attestation`, vectors), "utf8");
  const fields = () => ({
    name: "rfc8785",
    version: "0.1.2",
    requires_python: ">=3.8",
    attestations: `[${attestation()}]`,
  });

  test("is accepted, and its provenance and metadata are served", async () => {
    const sent = await upload(uploadForm(fields(), content(), wheel));
    assert.equal(sent.status, 201, await sent.text());
    const page = (await (await asJson("pypi/simple/rfc8785/")).json()) as {
      files: { provenance: string; url: string; "core-metadata": { sha256: string } }[];
    };
    const [file] = page.files;
    assert.ok(file !== undefined);
    const provenance = await registry.fetch(file.provenance.slice(ORIGIN.length));
    assert.equal(provenance.headers.get("content-type"), "application/vnd.pypi.integrity.v1+json");
    assert.deepEqual(await provenance.json(), {
      version: 1,
      attestation_bundles: [
        {
          publisher: {
            kind: "GitLab",
            repository: "acme/widgets",
            workflow_filepath: ".gitlab-ci.yml",
            environment: null,
          },
          attestations: [JSON.parse(attestation())],
        },
      ],
    });
    const short = await registry.fetch(`/integrity/rfc8785/0.1.2/${wheel}/provenance`);
    assert.equal(short.status, 200);
    const metadata = await registry.fetch(`${file.url}.metadata`.slice(ORIGIN.length));
    assert.match(await metadata.text(), /^Metadata-Version: [\s\S]*\nName: rfc8785\n/);
  });

  test("is refused under another name, and with another content", async () => {
    const renamed = "rfc8785-0.1.3-py3-none-any.whl";
    const other = await upload(uploadForm(fields(), content(), renamed));
    assert.equal(other.status, 400);
    assert.match(await other.text(), /about another file/);
    const changed = content();
    changed[0] = 0;
    const again = await upload(uploadForm({ ...fields(), name: "rfc8785-copy" }, changed, wheel));
    assert.equal(again.status, 400);
    assert.match(await again.text(), /about another file/);
  });

  test("HTML and JSON say the same about it", async () => {
    await upload(uploadForm({ name: "rfc8785", version: "0.1.2" }, "x", "rfc8785-0.1.2.tar.gz"));
    const json = await filesAs("application/vnd.pypi.simple.v1+json", "rfc8785");
    const html = await filesAs("application/vnd.pypi.simple.v1+html", "rfc8785");
    assert.equal(json.length, 2);
    assert.ok(json[0]?.provenance !== undefined && json[0].coreMetadata?.sha256 !== undefined);
    // HTML has no place for sizes and times (PEP 700).
    assert.deepEqual(
      html,
      json.map(({ size: _size, uploadTime: _uploadTime, ...shared }) => shared),
    );
  });

  test("provenance is asked for by exact version and file, and absent for a file without", async () => {
    for (const path of [
      `rfc8785/0.1.3/${wheel}`,
      `rfc8785/0.1.2/rfc8785-0.1.2.tar.gz`,
      `other/0.1.2/${wheel}`,
    ]) {
      assert.equal((await registry.fetch(`/integrity/${path}/provenance`)).status, 404);
    }
  });
});

describe("names and negotiation", () => {
  test("a project is found in every spelling, over all spellings it was uploaded in", async () => {
    await upload(uploadForm({ name: "Some.Pkg" }, "a", "some_pkg-1.0.0-py3-none-any.whl"));
    await upload(uploadForm({ name: "some-pkg" }, "b", "some_pkg-1.0.0.tar.gz"));
    for (const spelling of ["some-pkg", "Some.Pkg", "SOME__pkg"]) {
      const page = (await (await asJson(`pypi/simple/${spelling}/`)).json()) as {
        name: string;
        versions: string[];
        files: unknown[];
      };
      assert.equal(page.name, "some-pkg");
      assert.deepEqual(page.versions, ["1.0.0"]);
      assert.equal(page.files.length, 2);
    }
  });

  test("the root lists projects", async () => {
    const page = (await (await asJson("pypi/simple")).json()) as { projects: { name: string }[] };
    assert.ok(page.projects.some(({ name }) => name === "Some.Pkg"));
    assert.match(await (await asHtml("pypi/simple/")).text(), />Some\.Pkg<\/a>/);
  });

  const pip =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
  const cases: [string | undefined, string][] = [
    [undefined, "text/html"],
    ["text/html", "text/html"],
    ["*/*", "text/html"],
    [pip, "application/vnd.pypi.simple.v1+json"],
    ["application/vnd.pypi.simple.latest+json", "application/vnd.pypi.simple.v1+json"],
    ["text/html, application/vnd.pypi.simple.v1+json;q=0.5", "text/html"],
  ];
  for (const [accept, type] of cases) {
    test(`Accept: ${accept ?? "(none)"}`, async () => {
      const headers: Record<string, string> = accept === undefined ? {} : { accept };
      const page = await registry.fetch("pypi/simple/some-pkg/", { headers });
      assert.equal(page.headers.get("content-type"), `${type}; charset=utf-8`);
      assert.equal(page.headers.get("vary"), "Accept");
    });
  }

  test("nothing else is served", async () => {
    assert.equal((await accepting("image/png")("pypi/simple/some-pkg/")).status, 406);
    assert.equal((await asJson("pypi/simple/nothing/")).status, 404);
    assert.equal((await asJson("pypi/simple/a/b/")).status, 404);
    assert.equal((await asJson("pypi/files/abc/x.whl")).status, 404);
    assert.equal((await registry.fetch("/nonsense")).status, 404);
  });
});

test("whatever is sent, the answer is never 500", async () => {
  const segment = fc.oneof(
    fc.constantFrom("pypi", "generic", "simple", "files", "..", "%2e%2e", "%", "%00", ".metadata"),
    fc.string({ maxLength: 12 }),
  );
  const path = fc.array(segment, { maxLength: 7 }).map((parts) => parts.join("/"));
  const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "DELETE");
  const contentType = fc.constantFrom(
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
  );
  const part = fc.oneof(
    fc.constantFrom(
      "--x\r\n",
      "--x--",
      '\r\nContent-Disposition: form-data; name="content"; filename="a.whl"\r\n\r\n',
      'Content-Disposition: form-data; name="name"\r\n\r\n',
      "\r\n",
    ),
    fc.string({ maxLength: 20 }),
  );
  const body = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(path, method, contentType, body, async (where, verb, type, text) => {
      const url = new URL(`${PACKAGES}/`);
      url.pathname += where;
      const headers = { ...asJob, "content-type": type };
      const sends = verb === "PUT" || verb === "POST";
      const request = new Request(url, { method: verb, headers, ...(sends ? { body: text } : {}) });
      assert.ok((await registry.service.fetch(request)).status < 500);
      const form = new Request(`${PACKAGES}/pypi`, { method: "POST", headers, body: text });
      assert.ok((await registry.service.fetch(form)).status < 500);
    }),
    { numRuns: 150 },
  );
  assert.deepEqual(registry.errors, []);
});

test("an upload that breaks off is refused and leaves nothing", async () => {
  const boundary = "x";
  const start = `--x\r\nContent-Disposition: form-data; name="content"; filename="a-1.tar.gz"\r\n\r\nabc`;
  const body = new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(start));
      controller.error(new Error("gone"));
    },
  });
  const headers = { ...asJob, "content-type": `multipart/form-data; boundary=${boundary}` };
  const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
  const answer = await registry.fetch("pypi", init);
  assert.equal(answer.status, 400);
  assert.deepEqual(registry.errors, []);
});

describe("forms that end oddly are answered", () => {
  const part = 'Content-Disposition: form-data; name="content"; filename="a-1.tar.gz"\r\n\r\n';
  const bodies: [string, string][] = [
    ["before the first part ends", `--x\r\n${part}abc`],
    ["inside a header", "--x\r\nContent-Disposition: form"],
    ["at once, with more behind", "--x----x\r\n--x\r\n"],
    ["with an epilogue", `--x\r\n${part}abc\r\n--x--\r\n${"e".repeat(100_000)}`],
    ["never having begun", ""],
  ];
  for (const [name, body] of bodies) {
    test(name, { timeout: 5000 }, async () => {
      const headers = { ...asJob, "content-type": "multipart/form-data; boundary=x" };
      const answer = await registry.fetch("pypi", { method: "POST", body, headers });
      assert.equal(answer.status, 400);
    });
  }
});
