import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { NO_AUTH } from "../../src/clients/credentials.ts";
import { type Upload, uploadTarget } from "../../src/clients/upload.ts";
import { parseMetadata } from "../../src/dists/metadata.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { fakeOutside } from "./fake-outside.ts";

const folder = mkdtempSync(join(tmpdir(), "wheelseal-upload-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "greeter-1.0.0-py2.py3-none-any.whl");
writeFileSync(path, "the wheel");

const METADATA = `Metadata-Version: 2.4
Name: greeter
Version: 1.0.0
Summary: Greets
Classifier: A
Classifier: B
Project-URL: Home, https://example.test
Requires-Dist: rich
Requires-Dist: click
License-Expression: MIT
License-File: LICENSE
Requires-Python: >=3.8
Description-Content-Type: text/markdown

# Hello
`;

const upload: Upload = {
  path,
  filename: "greeter-1.0.0-py2.py3-none-any.whl",
  size: 9,
  sha256: "a".repeat(64),
  filetype: "bdist_wheel",
  pyversion: "py2.py3",
  metadata: unwrap(parseMetadata(utf8(METADATA))),
  attestations: ['{"version":1}', '{"version":1,"a":2}'],
};

const send = async (more: Partial<Upload> = {}) => {
  const { outside, calls } = fakeOutside(new Response("{}", { status: 201 }));
  const target = uploadTarget(outside, { url: "https://index.test/legacy/", auth: NO_AUTH });
  const outcome = await target.upload({ ...upload, ...more });
  return { outcome, calls };
};

test("the form has the fields that twine sends", async () => {
  const { outcome, calls } = await send();
  assert.equal(unwrap(outcome), "uploaded");
  const call = calls[0]!;
  assert.equal(call.method, "POST");
  const type = call.headers.get("content-type") ?? "";
  const body = new Uint8Array(call.body);
  const form = await new Response(body, { headers: { "content-type": type } }).formData();
  const fields = [...form].filter(([, value]) => typeof value === "string");
  assert.deepEqual(fields, [
    [":action", "file_upload"],
    ["protocol_version", "1"],
    ["filetype", "bdist_wheel"],
    ["pyversion", "py2.py3"],
    ["sha256_digest", "a".repeat(64)],
    ["metadata_version", "2.4"],
    ["name", "greeter"],
    ["version", "1.0.0"],
    ["summary", "Greets"],
    ["classifiers", "A"],
    ["classifiers", "B"],
    ["project_urls", "Home, https://example.test"],
    ["requires_dist", "rich"],
    ["requires_dist", "click"],
    ["license_expression", "MIT"],
    ["license_file", "LICENSE"],
    ["requires_python", ">=3.8"],
    ["description_content_type", "text/markdown"],
    ["description", form.get("description")],
    ["attestations", '[{"version":1},{"version":1,"a":2}]'],
  ]);
  assert.match(String(form.get("description")), /^# Hello/);
  const content = form.get("content") as File;
  assert.equal(content.name, upload.filename);
  assert.equal(await content.text(), "the wheel");
});

test("without attestations the field is left out", async () => {
  const { calls } = await send({ attestations: [] });
  assert.ok(!new TextDecoder().decode(calls[0]?.body).includes("attestations"));
});

test("a file that is gone or of another size is not sent", async () => {
  const gone = await send({ path: join(folder, "gone") });
  assert.equal(gone.outcome.ok ? "ok" : gone.outcome.error.code, "FILE_UNREADABLE");
  const grown = await send({ size: 8 });
  assert.equal(grown.outcome.ok ? "ok" : grown.outcome.error.code, "DIST_CHANGED");
  assert.equal(gone.calls.length + grown.calls.length, 0);
});

test("a page that answers everything with success has taken nothing", async () => {
  for (const [body, code] of [
    ["<!doctype html><title>Log in</title>", "UPLOAD_REFUSED"],
    ["\n<HTML><body>offline</body></HTML>", "UPLOAD_REFUSED"],
    ["", "uploaded"],
    ["OK", "uploaded"],
  ] as const) {
    const { outside } = fakeOutside(new Response(body, { status: 200 }));
    const target = uploadTarget(outside, { url: "https://index.test/legacy/", auth: NO_AUTH });
    const outcome = await target.upload(upload);
    assert.equal(outcome.ok ? outcome.value : outcome.error.code, code, body);
  }
});
