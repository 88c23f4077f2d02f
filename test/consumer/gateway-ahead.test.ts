import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
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

const NEEDS = "Requires-Dist: lib (>=1,<2)\nRequires-Dist: absent; extra == 'none'\n";

/** What pip says of itself. */
const PIP = `pip/25.0 ${JSON.stringify({
  cpu: "x86_64",
  distro: { libc: { lib: "glibc", version: "2.36" } },
  implementation: { name: "CPython", version: "3.11.7" },
  python: "3.11.7",
  system: { name: "Linux", release: "6" },
})}`;

const DAY = 86_400_000;

let opened: OpenStack;
let app: SignedFile;
let libs: [SignedFile, SignedFile, SignedFile];
let upstreams: [HostileUpstream, HostileUpstream];
let gate: Awaited<ReturnType<typeof gatewayFor>>;

before(async () => {
  opened = await openStack();
  app = await signWheel(opened, "app", "1.0", { metadata: NEEDS });
  const lib = (version: string) => signWheel(opened, "lib", version);
  libs = [await lib("1.0"), await lib("1.5"), await lib("2.0")];
});
after(() => opened.close());

/** Two projects on one index. */
const fetched = () => upstreams.flatMap(({ requests }) => requests);
const fetchOf: HostileUpstream["fetch"] = (input, init) => {
  const [first, second] = upstreams;
  const isSecond = new URL(new Request(input, init).url).pathname.includes("lib");
  return (isSecond ? second : first).fetch(input, init);
};

const open = async (config: object = {}, waivers: object[] = []) => {
  const policy = {
    waivers,
    packages: Object.fromEntries(
      ["app", "lib"].map((name) => [
        name,
        {
          identities: [
            { kind: "gitlab", issuer: opened.stack.urls.gitlab, project: "local/packages" },
          ],
        },
      ]),
    ),
  };
  const upstream = { owns: ["app", "lib", "absent"] };
  return gatewayFor(opened, { fetch: fetchOf }, { config, policy, upstream });
};

beforeEach(async () => {
  upstreams = [hostileUpstream("app"), hostileUpstream("lib")];
  upstreams[0].add(app);
  for (const lib of libs) upstreams[1].add(lib);
  gate = await open();
});
afterEach(() => gate.remove());

const ask = (project: string, { filename, content }: SignedFile, agent?: string) =>
  gate.ask(`/files/${project}/${hex(sha256(content))}/${filename}`, {
    headers: agent === undefined ? {} : { "user-agent": agent },
  });

const countOf = (part: string) => fetched().filter(({ url }) => url.includes(part)).length;

const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await new Promise((done) => setTimeout(done, 5));
};

/** Nothing of the gateway's own is on its way any more. */
const settled = async () => {
  for (let last = -1; last !== fetched().length; ) {
    last = fetched().length;
    await new Promise((done) => setTimeout(done, 100));
  }
};

const inQuarantine = () =>
  readdirSync(join(gate.folder, "store", "quarantine"), { recursive: true }).filter((path) =>
    String(path).endsWith(".whl"),
  );

describe("what a file requires", () => {
  test("is fetched and checked while the client reads, and told and served when it asks", async () => {
    const [, lib] = libs;
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => inQuarantine().length > 0);
    await settled();
    assert.deepEqual(
      ["lib-1.0-", "lib-1.5-", "lib-2.0-", "absent"].map((part) => countOf(part) > 0),
      [false, true, false, false],
    );
    const digest = hex(sha256(lib.content));
    assert.deepEqual(
      (await gate.events()).map(({ project }) => project),
      ["app"],
    );
    assert.equal(await gate.world.state.verdict("lib" as never, lib.filename), undefined);
    assert.equal(await gate.world.state.publisher("lib" as never), undefined);
    assert.equal(await gate.world.state.mark("lib" as never), undefined);
    assert.equal(gate.world.store.has(digest), false);
    const before = fetched().length;
    const answer = await ask("lib", lib, PIP);
    assert.deepEqual(await bytesOf(answer), lib.content);
    assert.deepEqual(
      fetched()
        .slice(before)
        .map(({ url }) => url)
        .filter((url) => !url.endsWith("/lib/")),
      [],
    );
    assert.deepEqual(inQuarantine(), []);
    const metrics = await (await gate.ask("/metrics")).text();
    assert.match(metrics, /^wheelseal_gateway_ahead_total\{outcome="asked"\} 1$/m);
  });

  test("is known from what the upstream serves beside the file, before that has come", async () => {
    const metadata = metadataOf("app", "1.0", NEEDS);
    const hashes = { "core-metadata": { sha256: hex(sha256(utf8(metadata))) } };
    upstreams[0].says.set(app.filename, hashes);
    upstreams[0].instead = ({ url }) =>
      url.endsWith(".metadata") ? new Response(metadata) : undefined;
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => countOf("lib-1.5-") > 0);
  });

  test("is left alone where the client does not say for what it installs", async () => {
    for (const agent of [undefined, "curl/8", "pip/25.0", 'pip/25.0 {"python":"2.7.18"}']) {
      assert.equal((await ask("app", app, agent)).status, 200);
      await gate.remove();
      gate = await open();
    }
    await settled();
    assert.equal(countOf("lib"), 0);
  });

  test("is left alone where the configuration says so", async () => {
    await gate.remove();
    gate = await open({ "look-ahead": false });
    assert.equal((await ask("app", app, PIP)).status, 200);
    await settled();
    assert.equal(countOf("lib"), 0);
  });

  test("is left alone while it is too new", async () => {
    await gate.remove();
    gate = await open({ cooldown: "7d" });
    const [, lib] = libs;
    upstreams[1].says.set(lib.filename, { "upload-time": new Date().toISOString() });
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => countOf("/lib/") > 0);
    await settled();
    assert.equal(countOf("files/lib"), 0);
  });
});

describe("what was prepared", () => {
  test("raises no alarm before somebody asks, and is refused then", async () => {
    const [, lib] = libs;
    const evil = wheelOf("lib", "1.5", "import os\n");
    upstreams[1].instead = ({ url }) =>
      url.endsWith(lib.filename) ? new Response(new Uint8Array(evil)) : undefined;
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => countOf(lib.filename) > 0);
    await settled();
    assert.equal((await gate.events()).length, 1);
    await refusedWith("INDEX_DIGEST", await ask("lib", lib, PIP));
    const [, event] = await gate.events();
    assert.deepEqual([event?.kind, event?.code], ["alarm", "INDEX_DIGEST"]);
  });

  test("is checked again where the rules have changed", async () => {
    const [, lib] = libs;
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => inQuarantine().length > 0);
    await settled();
    const other = await openStack();
    gate.held.trust = other.trust;
    const answer = await ask("lib", lib, PIP);
    assert.equal(answer.status, 403);
    assert.equal(countOf(`files/${lib.filename}`), 2);
    await other.close();
  });

  test("rests on no waiver that has ended since", async () => {
    await gate.remove();
    const ends = Math.ceil(Date.now() / DAY) * DAY;
    const expires = new Date(ends - DAY).toISOString().slice(0, 10);
    const terms = { reason: "built by others", owner: "us", expires };
    gate = await open({}, [{ package: "lib", waives: ["provenance"], ...terms }]);
    const [, lib] = libs;
    const evidence = new Map([...lib.evidence].filter(([name]) => !name.includes("provenance")));
    upstreams[1].add({ ...lib, evidence });
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => inQuarantine().length > 0);
    await settled();
    gate.clock.now = ends;
    await refusedWith("POLICY_WAIVER_EXPIRED", await ask("lib", lib, PIP));
  });

  test("of a file that is listed with another digest now is not for that one", async () => {
    const [, lib] = libs;
    assert.equal((await ask("app", app, PIP)).status, 200);
    await until(() => inQuarantine().length > 0);
    await settled();
    upstreams[1].says.set(lib.filename, { hashes: { sha256: "0".repeat(64) } });
    await refusedWith("GATEWAY_REPLACED", await ask("lib", lib, PIP));
  });
});
