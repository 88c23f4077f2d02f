import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { openStack } from "../stages/sign-support.ts";
import { gatewayFor } from "./gateway-support.ts";
import {
  type HostileUpstream,
  hostileUpstream,
  metadataOf,
  type OpenStack,
  type SignedFile,
  signWheel,
} from "./hostile-upstream.ts";

let opened: OpenStack;
let signed: SignedFile;
let upstream: HostileUpstream;
let gate: Awaited<ReturnType<typeof gatewayFor>>;

before(async () => {
  opened = await openStack();
  signed = await signWheel(opened, "greeter", "1.0.0");
});
after(() => opened.close());
beforeEach(() => {
  upstream = hostileUpstream();
});
afterEach(() => gate.remove());

/** The first file of the page, and where its metadata is. */
const listed = async () => {
  const accept = "application/vnd.pypi.simple.v1+json";
  const page = await gate.ask("/simple/greeter/", { headers: { accept } });
  const { files } = (await page.json()) as { files: { url: string; "core-metadata": unknown }[] };
  const [file] = files;
  const { pathname } = new URL(file?.url ?? "", "http://gateway.test/simple/greeter/");
  return { promised: file?.["core-metadata"], path: `${pathname}.metadata` };
};

test("metadata is promised before its wheel was looked at, and given once that verified", async () => {
  upstream.add(signed);
  gate = await gatewayFor(opened, upstream);
  const { promised, path } = await listed();
  assert.equal(promised, true);
  const html = await gate.ask("/simple/greeter/", { headers: { accept: "text/html" } });
  assert.match(await html.text(), / data-core-metadata="true" data-dist-info-metadata="true"/);
  assert.deepEqual(await gate.events(), []);
  const metadata = await gate.ask(path);
  assert.equal(metadata.status, 200);
  assert.equal(await metadata.text(), metadataOf("greeter", "1.0.0"));
  assert.deepEqual(
    (await gate.events()).map(({ kind, filename }) => [kind, filename]),
    [["accepted", signed.filename]],
  );
});

test("metadata of a wheel that is refused is its refusal", async () => {
  upstream.add({ ...signed, evidence: new Map() });
  gate = await gatewayFor(opened, upstream);
  for (let round = 0; round < 2; round += 1) {
    const { promised, path } = await listed();
    assert.equal(promised, true);
    const answer = await gate.ask(path);
    assert.equal(answer.status, 403);
    assert.match(answer.statusText, /^EVIDENCE_MISSING: /);
  }
});

test("a dry run promises no metadata, since it may have none to give", async () => {
  upstream.add(signed);
  gate = await gatewayFor(opened, upstream, { config: { mode: "dry-run" } });
  assert.equal((await listed()).promised, false);
});

test("no metadata is promised of a name that is not in normal form", async () => {
  upstream.add({ ...signed, filename: "Greeter-1.0.0-py3-none-any.whl" });
  gate = await gatewayFor(opened, upstream);
  assert.equal((await listed()).promised, false);
});
