import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { BoundedStore } from "../../src/consumer/bounded-store.ts";
import { listenGateway } from "../../src/consumer/gateway-listener.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { unwrap } from "../../src/formats/result.ts";
import { openStack } from "../stages/sign-support.ts";
import { bytesOf, refusedWith } from "./gateway-answers.ts";
import { gatewayFor } from "./gateway-support.ts";
import {
  type HostileUpstream,
  hostileUpstream,
  metadataOf,
  type OpenStack,
  type SignedFile,
  signWheel,
  wheelOf,
} from "./hostile-upstream.ts";

let opened: OpenStack;
/** Four wheels of 300 kB. */
let files: [SignedFile, SignedFile, SignedFile, SignedFile];
let upstream: HostileUpstream;
let gate: Awaited<ReturnType<typeof gatewayFor>>;

/** 300 kB when it is compressed: large enough to be streamed. */
const large = () => `DATA = "${randomBytes(276_000).toString("hex")}"\n`;

before(async () => {
  opened = await openStack();
  const sign = (version: string) => signWheel(opened, "greeter", version, { body: large() });
  files = [await sign("1.0.0"), await sign("1.1.0"), await sign("1.2.0"), await sign("1.3.0")];
});
after(() => opened.close());

const limited = (limit: string, more: object = {}) =>
  gatewayFor(opened, upstream, { config: { "store-limit": limit }, ...more });

beforeEach(async () => {
  upstream = hostileUpstream();
  for (const file of files) upstream.add(file);
  // Two of the wheels, with what is beside them.
  gate = await limited("700kB");
});
afterEach(() => gate.remove());

const digestOf = ({ content }: SignedFile) => hex(sha256(content));
const has = (file: SignedFile, store: BoundedStore = gate.world.store) => store.has(digestOf(file));
const isOnDisk = (file: SignedFile) => existsSync(gate.world.store.pathOf(digestOf(file)));
const pathOf = (file: SignedFile) => `/files/greeter/${digestOf(file)}/${file.filename}`;
const fetches = ({ filename }: SignedFile) =>
  upstream.requests.filter(({ url }) => url.endsWith(`/files/${filename}`)).length;

const served = async (file: SignedFile) => {
  const answer = await gate.get(file.filename);
  assert.equal(answer.status, 200, answer.statusText);
  assert.deepEqual(await bytesOf(answer), file.content);
};

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((done) => setTimeout(done, 5));
};

describe("a store with a limit", () => {
  test("removes what was served least recently, and verifies that again when it is asked for", async () => {
    const [a, b, c] = files;
    for (const file of [a, b, a, c]) await served(file);
    await until(() => !has(b));
    assert.deepEqual(
      [a, b, c].map((file) => has(file)),
      [true, false, true],
    );
    assert.deepEqual([a, b, c].map(fetches), [1, 1, 1]);
    const before = await gate.world.state.verdict("greeter" as never, b.filename);
    await served(b);
    assert.deepEqual([a, b, c].map(fetches), [1, 2, 1]);
    assert.deepEqual(await gate.world.state.verdict("greeter" as never, b.filename), before);
    const said = (await gate.events()).map(({ kind, filename }) => `${kind} ${filename}`);
    assert.deepEqual(
      said,
      [a, b, c].map(({ filename }) => `accepted ${filename}`),
    );
    const evictions = gate.lines.filter(({ event }) => event === "evicted");
    assert.deepEqual(
      evictions.filter(({ size }) => Number(size) > 100_000).map(({ sha256: digest }) => digest),
      [digestOf(b), digestOf(a)],
    );
    const metrics = await (await gate.ask("/metrics")).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(metrics)?.[1]);
    assert.equal(value("wheelseal_gateway_store_evictions_total"), evictions.length);
    const bytes = value("wheelseal_gateway_store_bytes");
    assert.ok(bytes > 600_000 && bytes <= 700_000, `${bytes}`);
  });

  test("forgets nothing of what it removed: digest, version and publisher stay", async () => {
    const [a, b, c, d] = files;
    await gate.remove();
    const config = { "store-limit": "400kB", "trust-on-first-use": true };
    gate = await gatewayFor(opened, upstream, { config, policy: {} });
    for (const file of [a, b, c]) await served(file);
    await until(() => !isOnDisk(a) && !isOnDisk(b));
    const other = wheelOf("greeter", "1.0.0", "import os\n");
    upstream.instead = ({ url }) =>
      url.endsWith(`/files/${a.filename}`) ? new Response(new Uint8Array(other)) : undefined;
    await refusedWith("INDEX_DIGEST", await gate.get(a.filename));
    upstream.instead = () => undefined;
    upstream.says.set(a.filename, { hashes: { sha256: hex(sha256(other)) } });
    await refusedWith("GATEWAY_REPLACED", await gate.get(a.filename));
    upstream.says.clear();
    const changed = { project: "evil/packages", body: large() };
    upstream.add(await signWheel(opened, "greeter", "2.0.0", changed));
    const evil = "greeter-2.0.0-py3-none-any.whl";
    await refusedWith("GATEWAY_IDENTITY_CHANGED", await gate.get(evil));
    for (const hidden of [evil, c.filename, d.filename]) upstream.files.delete(hidden);
    await refusedWith("GATEWAY_ROLLBACK", await gate.get(b.filename));
    assert.equal(isOnDisk(b), false);
  });

  test("does not touch what is being sent, until it was", async () => {
    const [a, b, c, d] = files;
    const answer = await gate.get(a.filename);
    const reader = answer.body?.getReader();
    const parts = [(await reader?.read())?.value ?? new Uint8Array()];
    assert.ok(parts[0] && parts[0].length < a.content.length);
    for (const file of [b, c, d]) await served(file);
    await until(() => !isOnDisk(b) && !isOnDisk(c));
    assert.ok(has(a) && isOnDisk(a));
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) break;
      parts.push(next.value);
    }
    assert.deepEqual(new Uint8Array(Buffer.concat(parts)), a.content);
    await served(b);
    await until(() => !isOnDisk(a));
  });

  test("nor what is sent in part, to a client that goes away", async () => {
    const [a, b, c, d] = files;
    const listener = unwrap(await listenGateway(gate.gateway, "127.0.0.1", 0));
    await served(a);
    const leaving = new AbortController();
    const headers = { range: "bytes=1000-", "if-range": `"${digestOf(a)}"` };
    const begun = await fetch(listener.url + pathOf(a), { headers, signal: leaving.signal });
    assert.equal(begun.status, 206);
    for (const file of [b, c]) await served(file);
    leaving.abort();
    await begun.arrayBuffer().catch(() => undefined);
    for (const file of [b, c, d]) await served(file);
    await until(() => !isOnDisk(a));
    // Whoever goes on where he was gets the rest of the same file, verified again.
    const rest = await gate.ask(pathOf(a), { headers });
    assert.equal(rest.status, 206);
    assert.deepEqual(await bytesOf(rest), a.content.slice(1000));
    assert.equal(fetches(a), 2);
    await listener.close();
  });

  test("serves what is larger than itself, and does not keep it", async () => {
    await gate.remove();
    gate = await limited("1kB");
    const [a] = files;
    await served(a);
    await served(a);
    await until(() => !isOnDisk(a));
    assert.ok(gate.world.store.bytes() <= 1000);
    assert.equal(fetches(a), 2);
  });

  test("gives metadata and provenance of what it removed once that verified again", async () => {
    const [a, b, c] = files;
    await gate.remove();
    gate = await limited("310kB");
    for (const file of [a, b, c]) await served(file);
    await until(() => !has(a));
    const metadata = await gate.ask(`${pathOf(a)}.metadata`);
    assert.equal(await metadata.text(), metadataOf("greeter", "1.0.0"));
    await served(b);
    await served(c);
    const kept = await gate.world.state.verdict("greeter" as never, a.filename);
    await until(() => !gate.world.store.has(kept?.provenance ?? ""));
    const path = `/integrity/greeter/1.0.0/${a.filename}/provenance`;
    const provenance = await gate.ask(path);
    assert.equal(provenance.status, 200);
    assert.equal(hex(sha256(await bytesOf(provenance))), kept?.provenance);
  });

  test("answers many clients at once, each with what it asked for", async () => {
    await gate.remove();
    gate = await limited("400kB");
    const wanted = Array.from({ length: 60 }, (_, at) => files[(at * 7) % 4] as SignedFile);
    const client = async (file: SignedFile, at: number) => {
      for (let round = 0; round < 4; round += 1) {
        const headers: Record<string, string> = at % 3 === 0 ? { range: "bytes=5000-" } : {};
        const answer = await gate.ask(pathOf(file), { headers });
        assert.ok(answer.status === 200 || answer.status === 206, answer.statusText);
        const start = answer.status === 206 ? 5000 : 0;
        assert.deepEqual(await bytesOf(answer), file.content.slice(start));
        const metadata = await gate.ask(`${pathOf(file)}.metadata`);
        assert.equal(metadata.status, 200, metadata.statusText);
        await metadata.arrayBuffer();
      }
    };
    await Promise.all(wanted.map(client));
    await until(() => gate.world.store.bytes() <= 400_000);
    assert.equal((await gate.events()).length, files.length);
    assert.ok(gate.lines.some(({ event }) => event === "evicted"));
    assert.deepEqual(
      gate.lines.filter(({ level }) => level !== "info"),
      [],
    );
  });

  test("is kept to by a later process, too", async () => {
    const [a, b] = files;
    await served(a);
    gate.clock.now += 1000;
    await served(b);
    await gate.close();
    gate = await limited("400kB", { folder: gate.folder });
    await until(() => !isOnDisk(a));
    assert.ok(isOnDisk(b));
    assert.ok(gate.world.store.bytes() <= 400_000);
    await served(a);
  });
});

test("each replica has its own limit, and what one removed the other one serves", async () => {
  const [a, b, c, d] = files;
  const other = await limited("700kB", { state: gate.world.state });
  for (const file of [a, b, c, d]) await served(file);
  for (const file of [d, c, b, a]) await bytesOf(await other.get(file.filename));
  await until(() => !has(a));
  assert.ok(has(a, other.world.store));
  upstream.instead = ({ url }) =>
    url.includes("/files/") ? new Response("down", { status: 503 }) : undefined;
  assert.deepEqual(await bytesOf(await other.ask(pathOf(a))), a.content);
  const here = await gate.ask(pathOf(a));
  assert.equal(here.status, 502);
  assert.equal((await gate.events()).length, 4);
});
