import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { parseBundle } from "../../src/formats/bundle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { signFiles } from "../../src/stages/sign-files.ts";
import type { Expectation } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";
import { changing, clientsOf, codeOf, openStack } from "./sign-support.ts";

const { stack, trust, close } = await openStack();
const root = await mkdtemp(join(tmpdir(), "wheelseal-files-"));
after(async () => {
  await close();
  await rm(root, { recursive: true, force: true });
});

let folder = root;
beforeEach(async () => {
  folder = await mkdtemp(join(root, "one-"));
  await writeFile(join(folder, "tool-1.0.tgz"), "a package of npm");
  await writeFile(join(folder, "notes"), "what is new");
});

const paths = () => [join(folder, "tool-1.0.tgz"), join(folder, "notes")];

test("each file gets a bundle that verifies for its bytes", async () => {
  const { clients } = clientsOf(stack);
  const signed = unwrap(await signFiles({ paths: paths(), trust }, clients));
  assert.deepEqual(
    signed.map(({ filename, evidence }) => [filename, evidence]),
    [
      ["tool-1.0.tgz", ["tool-1.0.tgz.sigstore.json"]],
      ["notes", ["notes.sigstore.json"]],
    ],
  );
  const token = unwrap(await clients.identity.token());
  const expect: Expectation = {
    kind: "identity",
    anyOf: [{ kind: "exact", san: token.san ?? "", issuer: token.issuer }],
  };
  for (const path of paths()) {
    const { name: _, ...artifact } = unwrap(await clients.files.artifact(path));
    const bundle = unwrap(parseBundle(new Uint8Array(await readFile(`${path}.sigstore.json`))));
    const verdict = await verify({ artifact, bundle, trust, expect, now: Date.now() });
    assert.ok(verdict.verified);
    assert.equal(verdict.binding, "bytes-only");
  }
});

test("a distribution among the files is refused before anything is signed", async () => {
  const wheel = join(folder, "tool-1.0-py3-none-any.whl");
  await writeFile(wheel, "a wheel");
  const untouched = changing("/api/v2/signingCert", () =>
    assert.fail("a certificate was asked for"),
  );
  const { clients } = clientsOf(stack, {}, untouched);
  const result = await signFiles({ paths: [...paths(), wheel], trust }, clients);
  assert.equal(codeOf(result), "DIST_NAME");
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".json")),
    [],
  );
});

test("a file that is not there is named before anything is signed", async () => {
  const { clients } = clientsOf(stack);
  const absent = join(folder, "absent");
  const result = await signFiles({ paths: [...paths(), absent], trust }, clients);
  assert.ok(!result.ok);
  assert.match(result.error.code, /^FILE_/);
  assert.match(result.error.message, /absent/);
  assert.equal((await readdir(folder)).length, 2);
});

test("what does not verify as whom the caller expects is not written", async () => {
  const { clients } = clientsOf(stack);
  const expect: Expectation = {
    kind: "identity",
    anyOf: [{ kind: "exact", san: "https://gitlab.com/somebody/else", issuer: stack.urls.gitlab }],
  };
  const result = await signFiles({ paths: paths(), trust, expect }, clients);
  assert.equal(codeOf(result), "SIGN_SELF_CHECK");
  assert.equal((await readdir(folder)).length, 2);
});
