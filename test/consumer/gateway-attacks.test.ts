import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { openStack } from "../stages/sign-support.ts";
import { bytesOf, refusedWith } from "./gateway-answers.ts";
import { gatewayFor } from "./gateway-support.ts";
import {
  type HostileUpstream,
  hostileUpstream,
  type OpenStack,
  type SignedFile,
  signWheel,
  wheelOf,
} from "./hostile-upstream.ts";

let opened: OpenStack;
let first: SignedFile;
let second: SignedFile;
let foreign: SignedFile;
let upstream: HostileUpstream;
let gate: Awaited<ReturnType<typeof gatewayFor>>;

before(async () => {
  opened = await openStack();
  first = await signWheel(opened, "greeter", "1.0.0");
  second = await signWheel(opened, "greeter", "1.1.0");
  foreign = await signWheel(opened, "greeter", "1.1.0", { project: "evil/packages" });
});
after(() => opened.close());
beforeEach(async () => {
  upstream = hostileUpstream();
  upstream.add(first);
  gate = await gatewayFor(opened, upstream);
});
afterEach(() => gate.remove());

const evil = wheelOf("greeter", "1.0.0", "import os\n");

const isFile = ({ url }: Request) => url.endsWith(`/files/${first.filename}`);

/** Answers the wheel's own address in another way. */
const fileBecomes = (answer: () => Response) => {
  upstream.instead = (request) => (isFile(request) ? answer() : undefined);
};

const body = (bytes: Uint8Array, headers: Record<string, string> = {}) =>
  new Response(new Uint8Array(bytes), { headers });

describe("what an upstream may try with the bytes", () => {
  test("other bytes after verification are never fetched", async () => {
    await gate.get(first.filename);
    fileBecomes(() => body(evil));
    for (const headers of [{}, { range: "bytes=0-99" }, { "if-range": '"x"' }]) {
      const answer = await gate.get(first.filename, { headers });
      const bytes = await bytesOf(answer);
      assert.deepEqual(bytes, first.content.slice(0, bytes.length));
    }
  });

  test("other bytes than the page states", async () => {
    fileBecomes(() => body(evil));
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
  });

  test("other bytes and the page with them: no signature covers them", async () => {
    upstream.add({ ...first, content: evil });
    await refusedWith("SIGNATURE_DIGEST", await gate.get(first.filename));
  });

  test("bytes that change in the middle of the stream", async () => {
    const cut = Math.floor(first.content.length / 2);
    const parts = [first.content.slice(0, cut), evil.slice(cut, cut * 2)];
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      });
    fileBecomes(() => new Response(stream()));
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
  });

  test("a stream that breaks off is no file", async () => {
    fileBecomes(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => {
              controller.enqueue(first.content.slice(0, 20));
              controller.error(new Error("cut"));
            },
          }),
        ),
    );
    await refusedWith("NETWORK_UNREACHABLE", await gate.get(first.filename), 502);
    upstream.instead = () => undefined;
    assert.equal((await gate.get(first.filename)).status, 200);
  });

  test("a redirect to other bytes", async () => {
    upstream.instead = (request) => {
      if (request.url === "http://elsewhere.test/evil.whl") return body(evil);
      const headers = { location: "http://elsewhere.test/evil.whl" };
      return isFile(request) ? new Response(null, { status: 302, headers }) : undefined;
    };
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
  });

  test("a part instead of the whole", async () => {
    const headers = { "content-range": `bytes 0-9/${first.content.length}` };
    fileBecomes(
      () => new Response(new Uint8Array(first.content.slice(0, 10)), { status: 206, headers }),
    );
    await refusedWith("REGISTRY_RESPONSE", await gate.get(first.filename), 502);
  });

  test("compressed bytes pass for what they are, as sent", async () => {
    // A fetch that does not decode leaves them compressed, and so they are not the file.
    const zipped = new Uint8Array(gzipSync(first.content));
    fileBecomes(() => body(zipped, { "content-encoding": "gzip" }));
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
  });

  test("the client's range and encoding never reach the upstream", async () => {
    const headers = { range: "bytes=0-9", "accept-encoding": "x-evil", "if-none-match": '"x"' };
    await gate.get(first.filename, { headers });
    for (const request of upstream.requests) {
      assert.equal(request.headers.get("range"), null);
      assert.equal(request.headers.get("if-none-match"), null);
      assert.notEqual(request.headers.get("accept-encoding"), "x-evil");
    }
  });

  test("evidence that changes between two questions is asked for once", async () => {
    await gate.get(first.filename);
    const names = [...first.evidence.keys()];
    for (const name of names) {
      const asked = upstream.requests.filter(({ url }) => url.endsWith(`/${name}`));
      assert.ok(asked.length <= 1, `${name} was asked for ${asked.length} times`);
    }
  });

  test("content that was changed in the store is fetched and checked again", async () => {
    await gate.get(first.filename);
    await truncate(gate.world.store.pathOf(hex(sha256(first.content))), 3);
    const answer = await gate.get(first.filename);
    assert.equal(answer.status, 200, answer.statusText);
    assert.deepEqual(await bytesOf(answer), first.content);
  });
});

describe("what an upstream may try with the listing", () => {
  test("a file under a name that had another content", async () => {
    await gate.get(first.filename);
    upstream.add({ ...first, content: evil });
    await refusedWith("GATEWAY_REPLACED", await gate.get(first.filename));
    assert.ok((await gate.events()).some(({ kind }) => kind === "alarm"));
  });

  test("a signed version that is hidden, so that an older one is taken", async () => {
    upstream.add(second);
    assert.equal((await gate.get(second.filename)).status, 200);
    upstream.files.delete(second.filename);
    await refusedWith("GATEWAY_ROLLBACK", await gate.get(first.filename));
    await refusedWith("GATEWAY_WITHDRAWN", await gate.get(second.filename));
  });

  test("a version that was never served raises no mark", async () => {
    upstream.add({ ...second, filename: "greeter-99.0-py3-none-any.whl" });
    await refusedWith("DIST_METADATA", await gate.get("greeter-99.0-py3-none-any.whl"));
    upstream.files.delete("greeter-99.0-py3-none-any.whl");
    assert.equal((await gate.get(first.filename)).status, 200);
  });

  test("a sidecar with other dependencies", async () => {
    upstream.says.set(first.filename, { "core-metadata": true });
    upstream.instead = ({ url }) =>
      url.endsWith(".metadata") ? new Response("Metadata-Version: 2.4\n") : undefined;
    await refusedWith("DIST_SIDECAR", await gate.get(first.filename));
  });

  test("another Requires-Python than the wheel's", async () => {
    upstream.says.set(first.filename, { "requires-python": ">=3.13" });
    await refusedWith("DIST_SIDECAR", await gate.get(first.filename));
  });

  test("a signed file under another version's name", async () => {
    const evidence = [...first.evidence].map(
      ([name, bytes]) => [name.replace("1.0.0", "1.1.0"), bytes] as const,
    );
    const filename = first.filename.replace("1.0.0", "1.1.0");
    upstream.add({ filename, content: first.content, evidence: new Map(evidence) });
    await refusedWith("DIST_METADATA", await gate.get(filename));
  });

  test("a signed file of another project", async () => {
    const other = { ...first, filename: "other-1.0.0-py3-none-any.whl" };
    upstream.add(other);
    await refusedWith("INDEX_FILE", await gate.get(other.filename));
  });

  test("a file without a digest, or under a name that cannot be verified", async () => {
    upstream.says.set(first.filename, { hashes: {} });
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
    upstream.add({ ...first, filename: "Greeter-1.0.0.zip" });
    await refusedWith("DIST_NAME", await gate.get("Greeter-1.0.0.zip"));
  });

  test("a file that somebody else signed", async () => {
    await gate.get(first.filename);
    upstream.add(foreign);
    await refusedWith("IDENTITY_MISMATCH", await gate.get(foreign.filename));
  });

  test("a file that nobody signed, after one that was", async () => {
    await gate.get(first.filename);
    upstream.add({ ...second, evidence: new Map() });
    await refusedWith("GATEWAY_ATTESTATION_LOST", await gate.get(second.filename));
  });

  test("provenance that proves nothing", async () => {
    upstream.says.set(first.filename, { provenance: "/integrity/p" });
    upstream.instead = ({ url }) =>
      url.endsWith("/integrity/p")
        ? Response.json({ version: 1, attestation_bundles: [] })
        : undefined;
    await refusedWith("ATTESTATION_EMPTY", await gate.get(first.filename));
  });
});

describe("a refusal", () => {
  test("stays listed, unmarked, so that nothing older is taken in silence", async () => {
    upstream.add({ ...second, evidence: new Map() });
    await gate.get(second.filename);
    const accept = "application/vnd.pypi.simple.v1+json";
    const page = await gate.ask("/simple/greeter/", { headers: { accept } });
    const { files } = (await page.json()) as { files: { filename: string; yanked: unknown }[] };
    assert.deepEqual(
      files.map(({ filename, yanked }) => [filename, yanked]),
      [
        [first.filename, false],
        [second.filename, false],
      ],
    );
  });

  test("is decided anew once the evidence has come", async () => {
    upstream.add({ ...first, evidence: new Map() });
    await refusedWith("EVIDENCE_MISSING", await gate.get(first.filename));
    upstream.add(first);
    assert.equal((await gate.get(first.filename)).status, 200);
  });

  test("is no answer for its metadata and provenance either", async () => {
    fileBecomes(() => body(evil));
    const digest = hex(sha256(first.content));
    const path = `/files/greeter/${digest}/${first.filename}`;
    await refusedWith("INDEX_DIGEST", await gate.ask(`${path}.metadata`));
    const provenance = `/integrity/greeter/1.0.0/${first.filename}/provenance`;
    await refusedWith("INDEX_DIGEST", await gate.ask(provenance));
  });

  test("holds whatever digest the client asks for", async () => {
    const path = `/files/greeter/${hex(sha256(evil))}/${first.filename}`;
    assert.equal((await gate.ask(path)).status, 404);
  });

  test("has no line break and nothing hidden in its status line", async () => {
    const filename = "greeter-1.0.0\u202e\u001b[31m-py3-none-any.whl";
    upstream.add({ ...first, filename: "x.whl" });
    upstream.says.set("x.whl", { filename: filename.replace("\u001b", "") });
    const answer = await gate.get(filename.replace("\u001b", ""));
    assert.equal(answer.status, 403);
    assert.match(answer.statusText, /^[ -~]+$/);
  });
});

test("many clients that ask at once cause one download", async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => gate.get(first.filename)));
  assert.ok(answers.every(({ status }) => status === 200));
  await Promise.all(answers.map((answer) => answer.body?.cancel()));
  assert.equal(upstream.requests.filter(isFile).length, 1);
});
