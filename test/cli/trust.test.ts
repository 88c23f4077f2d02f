import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { trustCommand } from "../../src/cli/command-trust.ts";
import { systemFiles } from "../../src/clients/files.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex, utf8 } from "../../src/formats/bytes.ts";
import { PUBLIC_GOOD_ROOT } from "../../src/formats/public-good-root.ts";
import { unwrap } from "../../src/formats/result.ts";
import { startStack } from "../../src/services/server.ts";
import { DAY, type Mirror, openMirror } from "../clients/tuf-mirror.ts";
import { openShell } from "./shell.ts";

const HOUR = 3600_000;

const TARGETS = new Map([["trusted_root.json", { content: utf8(PUBLIC_GOOD_ROOT) }]]);

/** A user with an empty home, a clock, and a network that leads to `mirror` or nowhere. */
const openUser = async (t: { after(done: () => unknown): void }, mirror?: Mirror) => {
  const cwd = await mkdtemp(join(tmpdir(), "wheelseal-trust-"));
  t.after(() => rm(cwd, { recursive: true }));
  const world = { later: 0, fetch: mirror?.fetch, asked: 0 };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    world.asked += 1;
    if (world.fetch === undefined) throw new TypeError("fetch failed");
    return world.fetch(input, init);
  };
  const run = async (
    action: string,
    flags: Readonly<Record<string, string | boolean>> = {},
    env: Readonly<Record<string, string>> = { HOME: cwd },
  ) => {
    const out: string[] = [];
    const err: string[] = [];
    world.asked = 0;
    const code = await trustCommand({
      operands: [action],
      flags,
      terminal: {
        out: (text) => void out.push(text),
        err: (text) => void err.push(text),
        env,
        cwd,
        live: false,
        colour: false,
        columns: 100,
      },
      outside: {
        fetch,
        now: () => Date.now() + world.later,
        sleep: async () => undefined,
        random: (length) => new Uint8Array(length),
      },
      files: systemFiles,
    });
    return { code, out: out.join("\n"), err: err.join("\n"), asked: world.asked };
  };
  return { cwd, world, run };
};

const openPrivate = async (t: { after(done: () => unknown): void }) => {
  const mirror = openMirror();
  mirror.publish({ version: 2, targets: TARGETS });
  const user = await openUser(t, mirror);
  await writeFile(join(user.cwd, "root.json"), mirror.firstRoot);
  const flags = { "tuf-mirror": "http://mirror.test/tuf", "tuf-root": "root.json" };
  return { mirror, flags, ...user };
};

test("offline, the public-good root is the one built in, and its age is told", async (t) => {
  const { run } = await openUser(t);
  const { code, out, err, asked } = await run("show", { offline: true });
  assert.equal(code, 0);
  assert.equal(asked, 0);
  assert.match(
    out,
    /^trust: the public-good root, as built in\nTUF: .* root version 15, ended 2026/,
  );
  assert.match(out, /last refreshed: never/);
  assert.match(out, /transparency log {2}https:\/\/rekor\.sigstore\.dev\n {2}since 2021-01-12/);
  assert.match(err, /^note: trusting .* as built in \(TUF root version 15, ended 2026-11-20/);
  assert.match(err, /keys that were replaced since then are not known here/);
});

test("a public-good mirror that cannot be reached is told, and not waited for each time", async (t) => {
  const { run, world } = await openUser(t);
  const first = await run("show");
  assert.equal(first.code, 0);
  assert.equal(first.asked, 1, "one attempt");
  assert.match(first.err, /note: it was not refreshed: .* did not answer after 1 attempt/);
  world.later = HOUR / 2;
  const second = await run("show");
  assert.deepEqual([second.code, second.asked], [0, 0]);
  assert.match(second.err, /as built in/);
  world.later = 2 * HOUR;
  assert.equal((await run("show")).asked, 1);
});

test("without a home there is nowhere to remember: the built-in root serves", async (t) => {
  const { run } = await openUser(t);
  const { code, asked, err } = await run("show", {}, {});
  assert.deepEqual([code, asked], [0, 0]);
  assert.match(err, /as built in/);
});

test("a public-good mirror that says something else is refused, with any root in hand", async (t) => {
  const { run, world } = await openUser(t);
  world.fetch = async () => new Response("<html>Log in</html>");
  const { code, err } = await run("show");
  assert.equal(code, 1);
  assert.match(err, /^error\[TUF_INVALID\]/);
});

test("a private mirror needs the root to start from", async (t) => {
  const { run, asked } = { ...(await openUser(t)), asked: 0 };
  const { code, err } = await run("show", { "tuf-mirror": "http://mirror.test/tuf" });
  assert.equal(code, 2);
  assert.match(err, /--tuf-mirror needs --tuf-root/);
  assert.equal(asked, 0);
});

test("a private mirror is asked once a day", async (t) => {
  const { run, flags, world } = await openPrivate(t);
  const first = await run("show", flags);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /^trust: http:\/\/mirror\.test\/tuf, refreshed by TUF\nTUF: .* ends 20/);
  assert.equal(first.err, "");
  assert.ok(first.asked > 0);
  world.later = 23 * HOUR;
  assert.equal((await run("show", flags)).asked, 0);
  assert.ok((await run("refresh", flags)).asked > 0, "or when told to");
  world.later = 48 * HOUR;
  assert.ok((await run("show", flags)).asked > 0);
});

test("a private mirror that cannot be reached: what was kept serves, until when is told", async (t) => {
  const { run, flags, world } = await openPrivate(t);
  assert.equal((await run("show", flags)).code, 0);
  world.fetch = undefined;
  world.later = 2 * DAY;
  const { code, out, err } = await run("show", flags);
  assert.equal(code, 0);
  assert.match(out, /refreshed by TUF/);
  assert.match(err, /^note: trusting http:\/\/mirror\.test\/tuf as refreshed at .* ends 20/);
  const refresh = await run("refresh", flags);
  assert.equal(refresh.code, 3);
  assert.match(refresh.err, /^error\[NETWORK_UNREACHABLE\]/);
});

test("kept trust that has ended is used offline, and said to have ended", async (t) => {
  const { run, flags, world } = await openPrivate(t);
  assert.equal((await run("show", flags)).code, 0);
  world.later = 11 * DAY;
  const { code, out, err } = await run("show", { ...flags, offline: true, json: true });
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).tuf.ended, true);
  assert.match(err, /ended 20.*\nnote: keys that were replaced/);
  const online = await run("show", flags);
  assert.equal(online.code, 1, "a mirror that still says so is not an excuse");
  assert.match(online.err, /^error\[TRUST_EXPIRED\]/);
});

test("a private mirror of which nothing is known", async (t) => {
  const { run, flags, world } = await openPrivate(t);
  const offline = await run("show", { ...flags, offline: true });
  assert.equal(offline.code, 2);
  assert.match(offline.err, /^error\[CONFIG\]: nothing of http:\/\/mirror\.test\/tuf was kept/);
  world.fetch = undefined;
  assert.equal((await run("show", flags)).code, 3);
  assert.equal((await run("show", flags)).code, 3, "not a matter of configuration");
  assert.equal((await run("show", flags, {})).code, 2, "and there must be a home");
});

test("another pinned root shares nothing with the first", async (t) => {
  const { run, flags, cwd } = await openPrivate(t);
  assert.equal((await run("show", flags)).code, 0);
  await writeFile(join(cwd, "other.json"), openMirror().firstRoot);
  const { code, err } = await run("show", { ...flags, "tuf-root": "other.json" });
  assert.equal(code, 1);
  assert.match(err, /^error\[TUF_INVALID\]/);
});

test("the trust of a mirror that went back is refused whatever is kept", async (t) => {
  const { run, flags, mirror } = await openPrivate(t);
  assert.equal((await run("show", flags)).code, 0);
  mirror.publish({ version: 1, targets: TARGETS });
  const { code, err } = await run("refresh", flags);
  assert.equal(code, 1);
  assert.match(err, /^error\[TUF_ROLLBACK\]: http:\/\/mirror\.test\/tuf\/: .* less than current/);
});

test("an action that is none", async (t) => {
  const { run } = await openUser(t);
  assert.equal((await run("believe")).code, 2);
  assert.equal((await run("refresh", { offline: true })).code, 2);
});

test("rotated keys of the local stack are followed from the root that was pinned before", async (t) => {
  const { run, cwd, world } = await openUser(t);
  const folder = join(cwd, "state");
  const start = async () => unwrap(await startStack({ folder, port: 0 }));
  const first = await start();
  const root = await readFile(join(folder, "trust", "1.root.json"));
  await writeFile(join(cwd, "root.json"), root);
  assert.equal((await run("rotate", { state: "state" })).code, 1, "not while it runs");
  await first.close();
  assert.equal((await run("rotate", { state: "state" })).code, 0);
  const second = await start();
  t.after(() => second.close());
  world.fetch = fetch;
  const flags = { "tuf-mirror": second.urls.tuf, "tuf-root": "root.json", json: true };
  const { code, out } = await run("show", flags);
  assert.equal(code, 0);
  assert.equal(JSON.parse(out).tuf.rootVersion, 2);
});

test("a trust file must be the pinned one, whatever option names it", async (t) => {
  const { run, flags, cwd, mirror } = await openPrivate(t);
  await writeFile(join(cwd, "trusted_root.json"), PUBLIC_GOOD_ROOT);
  const pins = [
    [{ "trusted-root": "trusted_root.json" }, hex(sha256(utf8(PUBLIC_GOOD_ROOT)))],
    [flags, hex(sha256(mirror.firstRoot))],
  ] as const;
  for (const [named, digest] of pins) {
    assert.equal((await run("show", { ...named, "trust-sha256": digest })).code, 0);
    const other = digest.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    const { code, err } = await run("show", { ...named, "trust-sha256": other });
    assert.equal(code, 1);
    assert.match(err, /^error\[TRUST_PIN\]: .* has SHA-256 .*, and --trust-sha256 is /);
  }
  const nothing = await run("show", { "trust-sha256": pins[0][1], offline: true });
  assert.equal(nothing.code, 2, "a pin that pins nothing");
});

test("cosign's files name a timestamp authority where there is one", async (t) => {
  const { run, cwd } = await openUser(t);
  const folder = join(cwd, "state");
  await unwrap(await startStack({ folder, port: 0 })).close();
  const file = (name: string) => join(folder, "trust", name);
  const env = {
    SIGSTORE_ROOT_FILE: file("fulcio-chain.pem"),
    SIGSTORE_REKOR_PUBLIC_KEY: file("rekor.pub"),
    SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: file("ctfe.pub"),
  };
  const tsa = { SIGSTORE_TSA_CERTIFICATE_FILE: file("tsa-chain.pem") };
  const kinds = async (variables: Readonly<Record<string, string>>) => {
    const { code, out } = await run("show", { json: true }, variables);
    assert.equal(code, 0, out);
    return JSON.parse(out).trusted.map(({ kind }: { kind: string }) => kind);
  };
  const three = ["certificate authority", "certificate log", "transparency log"];
  assert.deepEqual(await kinds(env), three);
  assert.deepEqual(await kinds({ ...env, ...tsa }), [...three, "timestamp authority"]);
  const { code } = await run("show", {}, { ...env, SIGSTORE_TSA_CERTIFICATE_FILE: "absent.pem" });
  assert.notEqual(code, 0, "a file that is named must be there");
});

test("a reader that leaves early is no failure", () => {
  const { output } = openShell().run("(wheelseal trust show --offline; echo code $? >&2) | true");
  assert.match(output, /^code 0$/m);
  assert.doesNotMatch(output, /EPIPE/);
});
