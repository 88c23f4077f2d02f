import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { openStack } from "../stages/sign-support.ts";
import { bytesOf } from "./gateway-answers.ts";
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
let first: SignedFile;
let upstream: HostileUpstream;
let gate: Awaited<ReturnType<typeof gatewayFor>>;

before(async () => {
  opened = await openStack();
  first = await signWheel(opened, "greeter", "1.0.0");
});
after(() => opened.close());
beforeEach(async () => {
  upstream = hostileUpstream();
  upstream.add(first);
  gate = await gatewayFor(opened, upstream);
});
afterEach(() => gate.remove());

/** JSON of a page, as loosely as a test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: the assertions are the types
type Page = any;

/** Random bytes in the wheel, written as hexadecimal text that compresses to about their number. */
const HOW_SENT: readonly [string, number][] = [
  ["from memory", 0],
  ["read at once", 90_000],
  ["streamed", 200_000],
];

type Span = [number, number?];
type Row = [Record<string, string>, number, Span | undefined, string | null];

/** What to ask of a file of that size; parts of it before it was read as a whole, and again after. */
const rangesOf = (size: number): Row[] => [
  [{ range: "bytes=0-9" }, 206, [0, 10], `bytes 0-9/${size}`],
  [{ range: "bytes=-5" }, 206, [size - 5], `bytes ${size - 5}-${size - 1}/${size}`],
  [{ range: "bytes=10-" }, 206, [10], `bytes 10-${size - 1}/${size}`],
  [{ range: `bytes=0-${size + 9}` }, 206, [0], `bytes 0-${size - 1}/${size}`],
  [{ range: "bytes=0-9" }, 206, [0, 10], `bytes 0-9/${size}`],
  [{ range: "bytes=-5" }, 206, [size - 5], `bytes ${size - 5}-${size - 1}/${size}`],
  [{ range: "bytes=0-1,4-5" }, 200, [0], null],
  [{ range: "bytes=9-3" }, 200, [0], null],
  [{ range: "bytes=0-9", "if-range": '"other"' }, 200, [0], null],
  [{ range: `bytes=${size}-` }, 416, undefined, `bytes */${size}`],
  [{ range: "bytes=-0" }, 416, undefined, `bytes */${size}`],
];

const conditionsOf = (etag: string): [Record<string, string>, 200 | 206 | 304][] => [
  [{ range: "bytes=0-9", "if-range": etag }, 206],
  [{ "if-none-match": etag }, 304],
  [{ "if-none-match": `W/${etag}, "x"` }, 304],
  [{ "if-none-match": '"other"' }, 200],
];

describe("a file that verifies", () => {
  test("is served from the store, and the upstream asked for it once", async () => {
    const answer = await gate.get(first.filename);
    assert.equal(answer.status, 200, answer.statusText);
    assert.deepEqual(await bytesOf(answer), first.content);
    const again = await gate.get(first.filename);
    assert.deepEqual(await bytesOf(again), first.content);
    const asked = upstream.requests.filter(({ url }) => url.endsWith(`/files/${first.filename}`));
    assert.equal(asked.length, 1);
  });

  for (const [how, length] of HOW_SENT) {
    test(`answers HEAD, ranges and conditions with right lengths: ${how}`, async () => {
      const body = length === 0 ? {} : { body: `X = '${randomBytes(length).toString("hex")}'\n` };
      const file = await signWheel(opened, "greeter", "1.0.1", body);
      upstream.add(file);
      const size = file.content.length;
      for (const row of rangesOf(size)) {
        const [headers, status, span, range] = row;
        const answer = await gate.get(file.filename, { headers });
        const content = span === undefined ? new Uint8Array() : file.content.slice(...span);
        assert.equal(answer.status, status, JSON.stringify(headers));
        assert.deepEqual(await bytesOf(answer), content, JSON.stringify(headers));
        assert.equal(answer.headers.get("content-range"), range);
        if (status < 300)
          assert.equal(answer.headers.get("content-length"), String(content.length));
      }
      const head = await gate.get(file.filename, { method: "HEAD" });
      assert.equal(head.headers.get("content-length"), String(size));
      assert.equal((await bytesOf(head)).length, 0);
      const etag = head.headers.get("etag") ?? "";
      for (const [headers, status] of conditionsOf(etag)) {
        const answer = await gate.get(file.filename, { headers });
        assert.equal(answer.status, status, JSON.stringify(headers));
        const sent = { 200: size, 206: 10, 304: 0 }[status];
        assert.equal((await bytesOf(answer)).length, sent, JSON.stringify(headers));
      }
    });
  }

  test("has its own metadata and provenance beside it once it verified", async () => {
    const accept = { headers: { accept: "application/vnd.pypi.simple.v1+json" } };
    const earlier = (await (await gate.ask("/simple/greeter/", accept)).json()) as Page;
    assert.equal(earlier.files[0]["core-metadata"], true);
    assert.equal(earlier.files[0].provenance, null);
    await gate.get(first.filename);
    const page = (await (await gate.ask("/simple/greeter/", accept)).json()) as Page;
    const [file] = page.files;
    assert.equal(page.meta["api-version"], "1.3");
    assert.deepEqual(page.versions, ["1.0.0"]);
    assert.equal(file.size, first.content.length);
    assert.equal(file.yanked, false);
    assert.equal(file["requires-python"], ">=3.8");
    const link = new URL(file.url, "http://gateway.test/simple/greeter/").pathname;
    const metadata = await gate.ask(`${link}.metadata`);
    assert.equal(await metadata.text(), metadataOf("greeter", "1.0.0"));
    const provenance = (await (await gate.ask(new URL(file.provenance).pathname)).json()) as Page;
    const [bundle] = provenance.attestation_bundles;
    assert.equal(bundle.publisher.kind, "GitLab");
    assert.equal(bundle.publisher.repository, "local/packages");
    assert.equal(bundle.attestations.length, 2);
  });

  test("is listed in HTML as well, with the digest in the link", async () => {
    await gate.get(first.filename);
    const page = await gate.ask("/simple/greeter/", { headers: { accept: "text/html" } });
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    const html = await page.text();
    assert.match(html, /#sha256=[0-9a-f]{64}"/);
    assert.match(html, /data-core-metadata="sha256=[0-9a-f]{64}"/);
    assert.match(html, /data-requires-python="&gt;=3.8"/);
  });

  test("is on the audit trail with who signed it", async () => {
    await gate.get(first.filename);
    const [event] = await gate.events();
    assert.equal(event?.kind, "accepted");
    assert.match(JSON.stringify(event?.detail), /local\/packages/);
  });

  test("outlives the process and the upstream", async () => {
    await gate.get(first.filename);
    await gate.close();
    upstream.instead = () => new Response("down", { status: 503 });
    gate = await gatewayFor(opened, upstream, { folder: gate.folder });
    const answer = await gate.get(first.filename);
    assert.equal(answer.status, 200);
    assert.deepEqual(await bytesOf(answer), first.content);
  });
});

describe("the addresses", () => {
  const cases: [string, RequestInit, number][] = [
    ["/simple/Greeter/", {}, 301],
    ["/simple/greeter", {}, 301],
    ["/simple/other/", {}, 404],
    ["/simple/greeter/", { method: "POST" }, 405],
    ["/simple/greeter/", { headers: { accept: "image/png" } }, 406],
    ["/files/greeter/00/greeter-9.0-py3-none-any.whl", {}, 404],
    ["/files/greeter/%zz/x", {}, 404],
    ["/healthz", {}, 200],
    ["/readyz", {}, 200],
    ["/nothing", {}, 404],
  ];
  for (const [path, init, status] of cases) {
    test(`${init.method ?? "GET"} ${path} is ${status}`, async () => {
      assert.equal((await gate.ask(path, init)).status, status);
    });
  }

  test("a redirect to the normal name leads there", async () => {
    for (const path of ["/simple/Greeter/", "/simple/Greeter", "/simple/greeter"]) {
      const answer = await gate.ask(path);
      const { href } = new URL(answer.headers.get("location") ?? "", `http://gateway.test${path}`);
      assert.equal(href, "http://gateway.test/simple/greeter/");
    }
  });

  test("an upstream that never owned a name is not asked about it", async () => {
    await gate.ask("/simple/other/");
    assert.equal(upstream.requests.length, 0);
  });

  test("counters name what was accepted", async () => {
    await gate.get(first.filename);
    const text = await (await gate.ask("/metrics")).text();
    assert.match(text, /wheelseal_gateway_events_total\{kind="accepted",code="none"\} 1/);
    assert.match(text, /wheelseal_gateway_requests_total\{route="file",status="200"\} 1/);
  });
});

/** What the page says of a file's metadata, and where that is. */
const listed = async (filename = first.filename) => {
  const accept = "application/vnd.pypi.simple.v1+json";
  const page = await gate.ask("/simple/greeter/", { headers: { accept } });
  const { files } = (await page.json()) as Page;
  const file = files.find((one: Page) => one.filename === filename);
  const { pathname } = new URL(file?.url ?? "", "http://gateway.test/simple/greeter/");
  return { promised: file?.["core-metadata"], path: `${pathname}.metadata` };
};

test("metadata is promised before its wheel was looked at, and given once that verified", async () => {
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
    [["accepted", first.filename]],
  );
});

test("metadata of a wheel that is refused is its refusal", async () => {
  upstream.add({ ...first, evidence: new Map() });
  for (let round = 0; round < 2; round += 1) {
    const { promised, path } = await listed();
    assert.equal(promised, true);
    const answer = await gate.ask(path);
    assert.equal(answer.status, 403);
    assert.match(answer.statusText, /^EVIDENCE_MISSING: /);
  }
});

test("a dry run promises no metadata, since it may have none to give", async () => {
  await gate.remove();
  gate = await gatewayFor(opened, upstream, { config: { mode: "dry-run" } });
  assert.equal((await listed()).promised, false);
});

test("no metadata is promised of a name that is not in normal form", async () => {
  upstream.add({ ...first, filename: "Greeter-1.0.0-py3-none-any.whl" });
  assert.equal((await listed("Greeter-1.0.0-py3-none-any.whl")).promised, false);
});
