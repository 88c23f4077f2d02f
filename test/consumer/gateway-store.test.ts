import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openSqliteState } from "../../src/consumer/gateway-sqlite.ts";
import { StateUnreachable } from "../../src/consumer/gateway-state.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
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
import { startUpstream } from "./upstream-server.ts";

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

const evil = wheelOf("greeter", "1.0.0", "import os\n");

const isFile = ({ url }: Request) => url.endsWith(`/files/${first.filename}`);

/** Answers the wheel's own address in another way. */
const fileBecomes = (answer: () => Response) => {
  upstream.instead = (request) => (isFile(request) ? answer() : undefined);
};

const body = (bytes: Uint8Array, headers: Record<string, string> = {}) =>
  new Response(new Uint8Array(bytes), { headers });

test("compressed bytes over a real connection are what they are when unpacked", async () => {
  const server = await startUpstream();
  const { filename, content, evidence } = first;
  server.add("greeter", { filename, content, evidence });
  let sent = content;
  server.instead = ({ url }, response) => {
    if (!url?.startsWith("/files/")) return false;
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync(sent));
    return true;
  };
  const { index, generic } = server;
  const real = await gatewayFor(
    opened,
    { fetch: globalThis.fetch },
    { config: { upstreams: [{ name: "real", index, generic, owns: ["greeter"] }] } },
  );
  sent = evil;
  await refusedWith("INDEX_DIGEST", await real.get(filename));
  sent = content;
  const answer = await real.get(filename);
  assert.equal(answer.headers.get("content-encoding"), null);
  assert.deepEqual(await bytesOf(answer), content);
  await real.remove();
  server.close();
});

describe("what lies in the store between two runs", () => {
  const restarted = async () => {
    await gate.close();
    gate = await gatewayFor(opened, upstream, { folder: gate.folder });
  };

  test("is served without asking the upstream", async () => {
    await gate.get(first.filename);
    await restarted();
    fileBecomes(() => body(evil));
    assert.deepEqual(await bytesOf(await gate.get(first.filename)), first.content);
  });

  test("and never in other bytes, even of the same size", async () => {
    await gate.get(first.filename);
    const path = gate.world.store.pathOf(hex(sha256(first.content)));
    await writeFile(
      path,
      first.content.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    await restarted();
    const before = upstream.requests.filter(isFile).length;
    assert.deepEqual(await bytesOf(await gate.get(first.filename)), first.content);
    assert.equal(upstream.requests.filter(isFile).length, before + 1, "it is fetched again");
  });

  test("and not at all where the upstream has other bytes, too", async () => {
    await gate.get(first.filename);
    await writeFile(gate.world.store.pathOf(hex(sha256(first.content))), "damaged");
    await restarted();
    fileBecomes(() => body(evil));
    await refusedWith("INDEX_DIGEST", await gate.get(first.filename));
    const kinds = (await gate.events()).map(({ kind }) => kind);
    assert.deepEqual(kinds, ["accepted", "alarm"]);
  });
});

test("an upstream that is slow holds up nobody else's files", async () => {
  const [slow, quick] = [await startUpstream(), await startUpstream()];
  let release = (): void => undefined;
  const held = new Promise<void>((done) => {
    release = done;
  });
  slow.instead = ({ url }, response) => {
    if (!url?.startsWith("/files/")) return false;
    void held.then(() => response.writeHead(404).end());
    return true;
  };
  const files = Array.from({ length: 10 }, (_, minor) => `slow-1.${minor}-py3-none-any.whl`);
  for (const filename of files) slow.add("slow", { filename, content: evil });
  const { filename, content, evidence } = first;
  quick.add("greeter", { filename, content, evidence });
  const upstreams = [
    { name: "slow", index: slow.index, owns: ["slow"] },
    { name: "quick", index: quick.index, generic: quick.generic, owns: ["greeter"] },
  ];
  const both = await gatewayFor(opened, { fetch: globalThis.fetch }, { config: { upstreams } });
  const digest = hex(sha256(evil));
  const waiting = files.map((name) => both.ask(`/files/slow/${digest}/${name}`));
  assert.equal((await both.get(filename)).status, 200);
  release();
  for (const answer of await Promise.all(waiting)) assert.notEqual(answer.status, 200);
  await both.remove();
  slow.close();
  quick.close();
});

test("while the memory does not answer nothing is served, and nothing said of the file", async () => {
  assert.equal((await gate.get(first.filename)).status, 200);
  await gate.close();
  const state = unwrap(openSqliteState(gate.folder));
  const gone = () => Promise.reject(new StateUnreachable("database at db.internal:5432: CLOSED"));
  gate = await gatewayFor(opened, upstream, {
    folder: gate.folder,
    state: { ...state, verdict: gone, ping: gone },
  });
  const path = `/files/greeter/${hex(sha256(first.content))}/${first.filename}`;
  await refusedWith("STATE_UNREACHABLE", await gate.ask(path), 503);
  const ready = await gate.ask("/readyz");
  assert.equal(ready.status, 503);
  assert.doesNotMatch(await ready.text(), /db\.internal/);
  assert.ok(gate.lines.some(({ message }) => String(message).includes("db.internal")));
});
