import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { installCommand } from "../../src/cli/command-install.ts";
import { lockCommand } from "../../src/cli/command-lock.ts";
import { installOffline } from "../../src/clients/offline-install.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { hex } from "../../src/formats/bytes.ts";
import { signWheel, wheelOf } from "../consumer/hostile-upstream.ts";
import { writeTar } from "../dists/tar-writer.ts";
import { ownBackend } from "../stages/build-support.ts";
import { openLocks } from "./lock-support.ts";

let locks: Awaited<ReturnType<typeof openLocks>>;
before(async () => {
  locks = await openLocks();
});
after(() => locks?.close());

const TINY_METADATA = "Metadata-Version: 2.1\nName: tiny.pkg\nVersion: 1.0\n";

const installers: readonly string[] = ["pip", "uv"];

for (const installer of installers) {
  describe(`${installer} installs what verified`, () => {
    const target = `target-${installer}`;
    const flags = () => ({ installer, target, python: locks.tools, policy: "policy.toml" });
    const skip = (context: { skip: (why: string) => void }): boolean => {
      const absent = installer === "uv" && locks.uv === undefined;
      if (absent) context.skip("uv cannot be had here");
      return absent;
    };
    test("into a folder, in place of what is there", async (context) => {
      if (skip(context)) return;
      const file = await locks.requirementsOf(locks.greeter);
      // Each of these would lead it astray: to another place, another index or no digests.
      const environment = {
        ...{ PIP_TARGET: join(locks.folder, "astray"), PIP_INDEX_URL: "http://127.0.0.1:9/" },
        ...{ PIP_REQUIRE_HASHES: "0", PIP_DRY_RUN: "1", UV_OFFLINE: "0", UV_DRY_RUN: "1" },
        ...{ UV_INDEX_URL: "http://127.0.0.1:9/", UV_TARGET: join(locks.folder, "astray") },
        ...{ UV_NO_VERIFY_HASHES: "1", UV_PREFIX: join(locks.folder, "astray") },
      };
      const first = await locks.wheelseal(installCommand, file, flags(), environment);
      assert.equal(first.code, 0, first.output);
      const module = join(locks.folder, target, "greeter.py");
      const good = await readFile(module, "utf8");
      await writeFile(module, "import os\n");
      const second = await locks.wheelseal(installCommand, file, flags());
      assert.equal(second.code, 0, second.output);
      assert.equal(await readFile(module, "utf8"), good);
      assert.equal((await readdir(locks.folder)).includes("astray"), false);
    });
    test("not into a folder where a link leads elsewhere", async (context) => {
      if (skip(context)) return;
      const file = await locks.requirementsOf(locks.greeter);
      const [folder, elsewhere] = ["linked", "elsewhere"].map((name) =>
        join(locks.folder, `${name}-${installer}`),
      ) as [string, string];
      await mkdir(join(folder, "below"), { recursive: true });
      await mkdir(elsewhere);
      const planted = join(elsewhere, "greeter.py");
      await writeFile(planted, "import os\n");
      for (const [place, leads] of [
        ["greeter.py", planted],
        ["below/link", elsewhere],
        ["greeter-1.0.0.dist-info", "/nowhere"],
      ] as const) {
        await symlink(leads, join(folder, place));
        const ended = await locks.wheelseal(installCommand, file, { ...flags(), target: folder });
        assert.equal(ended.code, 1, ended.output);
        assert.match(ended.output, /error\[INSTALL_TARGET\].*is a link/);
        assert.match(ended.output, /nothing was installed/);
        await rm(join(folder, place));
      }
      assert.equal(await readFile(planted, "utf8"), "import os\n");
      assert.deepEqual(await readdir(folder), ["below"]);
      // The folder itself may be a link: somebody named it.
      await symlink(folder, join(locks.folder, `named-${installer}`));
      const named = { ...flags(), target: `named-${installer}` };
      const ended = await locks.wheelseal(installCommand, file, named);
      assert.equal(ended.code, 0, ended.output);
    });
    test("not where the bytes changed since it was verified", async (context) => {
      if (skip(context)) return;
      const path = join(locks.folder, "changed.whl");
      await writeFile(path, wheelOf("greeter", "1.0.0", "import os\n"));
      const { filename, content } = locks.greeter;
      const files = [{ filename, sha256: hex(sha256(content)), path }];
      const installed = await installOffline({
        ...{ installer: installer as "pip" | "uv", python: locks.tools, sdists: false },
        target: join(locks.folder, `never-${installer}`),
        releases: [{ name: "greeter", version: "1.0.0", files }],
        environment: { PATH: locks.path, UV_NO_VERIFY_HASHES: "1", UV_OVERRIDE: "/dev/absent" },
        onOutput: () => undefined,
      });
      assert.equal(installed.ok ? "installed" : installed.error.code, "INSTALL_FAILED");
      if (!installed.ok) assert.match(installed.error.message, /hash/i);
      const there = await readdir(join(locks.folder, `never-${installer}`)).catch(
        (): string[] => [],
      );
      assert.equal(there.includes("greeter.py"), false);
    });
  });
}

test("a store is used again, and by several at once", async () => {
  const file = await locks.requirementsOf(locks.greeter);
  const flags = { store: "store", policy: "policy.toml", out: "pylock.store.toml" };
  const both = [
    locks.wheelseal(lockCommand, file, flags),
    locks.wheelseal(lockCommand, file, flags),
  ];
  for (const { code, output } of await Promise.all(both)) assert.equal(code, 0, output);
  const fetched = () =>
    locks.greeters.requests.filter(({ url }) => url.endsWith(locks.greeter.filename)).length;
  const before = fetched();
  const again = await locks.wheelseal(lockCommand, file, flags);
  assert.equal(again.code, 0, again.output);
  assert.equal(fetched(), before, "no file is fetched twice");
  assert.deepEqual(await readdir(join(locks.folder, "store")), ["objects"]);
  const digest = hex(sha256(locks.greeter.content));
  const kept = join(locks.folder, "store", "objects", digest.slice(0, 2), digest);
  await writeFile(kept, "something else");
  const mended = await locks.wheelseal(lockCommand, file, flags);
  assert.equal(mended.code, 0, mended.output);
  assert.deepEqual(new Uint8Array(await readFile(kept)), locks.greeter.content);
});

test("an sdist only where building it is allowed", async () => {
  const backend = ownBackend();
  const members = Object.entries(backend).map(([name, content]) => ({
    name: `tiny_pkg-1.0/${name}`,
    content,
  }));
  const info = { name: "tiny_pkg-1.0/PKG-INFO", content: TINY_METADATA };
  const content = new Uint8Array(gzipSync(writeTar([info, ...members])));
  const sdist = { filename: "tiny_pkg-1.0.tar.gz", content, evidence: new Map() };
  locks.others.add(sdist);
  locks.others.says.set(sdist.filename, { "requires-python": undefined });
  const digest = hex(sha256(content));
  await writeFile(join(locks.folder, "tiny.txt"), `tiny-pkg==1.0 --hash=sha256:${digest}\n`);
  await writeFile(
    join(locks.folder, "pins.toml"),
    `[packages.tiny-pkg]\npins = ["sha256:${digest}"]\n`,
  );
  const flags = { target: "tiny", python: locks.tools, policy: "pins.toml" };
  const refused = await locks.wheelseal(installCommand, "tiny.txt", flags);
  assert.equal(refused.code, 1, refused.output);
  assert.match(refused.output, /LOCK_NO_FILE.*no file of tiny-pkg 1\.0/);
  const allowed = { ...flags, "allow-sdists": true };
  const built = await locks.wheelseal(installCommand, "tiny.txt", allowed);
  assert.equal(built.code, 0, built.output);
  assert.match(built.output, /pinned {6}tiny_pkg-1\.0\.tar\.gz/);
  assert.ok((await readdir(join(locks.folder, "tiny"))).includes("tiny_pkg.py"));
});

test("a service that does not answer is exit code 3", async () => {
  const file = await locks.requirementsOf(locks.plain);
  const flags = { target: "never", python: locks.tools, "index-url": "http://127.0.0.1:9/simple" };
  const ended = await locks.wheelseal(installCommand, file, flags);
  assert.equal(ended.code, 3, ended.output);
  assert.match(ended.output, /nothing was installed\nerror\[NETWORK_UNREACHABLE\]/);
});

describe("nothing is installed, and exit code 1 says so", () => {
  const cases: readonly [
    what: string,
    code: string,
    stage: () => Promise<() => void> | (() => void),
  ][] = [
    [
      "other bytes at the index",
      "INDEX_DIGEST",
      () => {
        locks.greeters.instead = ({ url }) =>
          url.endsWith(".whl") ? new Response("x") : undefined;
        return () => {
          locks.greeters.instead = () => undefined;
        };
      },
    ],
    [
      "another signer",
      "IDENTITY_MISMATCH",
      async () => {
        const project = "evil/packages";
        locks.greeters.add(await signWheel(locks.opened, "greeter", "1.0.0", { project }));
        return () => locks.greeters.add(locks.greeter);
      },
    ],
    [
      "the attestation is gone",
      "EVIDENCE_MISSING",
      () => {
        locks.greeters.add({ ...locks.greeter, evidence: new Map() });
        return () => locks.greeters.add(locks.greeter);
      },
    ],
  ];
  for (const [what, code, stage] of cases) {
    test(what, async () => {
      const undo = await stage();
      const served = locks.greeters.files.get(locks.greeter.filename) ?? locks.greeter;
      const file = await locks.requirementsOf(locks.plain, served);
      const flags = { venv: "venv-never", policy: "allow.toml" };
      const { code: ended, output } = await locks.wheelseal(installCommand, file, flags);
      undo();
      assert.equal(ended, 1, output);
      assert.match(output, new RegExp(`REFUSED .*greeter-1\\.0\\.0[^]*error\\[${code}\\]`));
      assert.match(output, /nothing was installed/);
      assert.equal((await readdir(locks.folder)).includes("venv-never"), false);
    });
  }
  const hostile: readonly [what: string, name: string, text: string, code: string][] = [
    ["an include", "requirements.txt", "-r /etc/passwd\n", "LOCK_FORMAT"],
    ["no digest", "requirements.txt", "greeter==1.0.0\n", "LOCK_FORMAT"],
    [
      "a source tree",
      "pylock.toml",
      'lock-version = "1.0"\n[[packages]]\nname = "a"\ndirectory = { path = "." }\n',
      "LOCK_UNVERIFIABLE",
    ],
    [
      "a marker that cannot be decided",
      "pylock.toml",
      `lock-version = "1.0"\n[[packages]]\nname = "plain"\nversion = "2.0"\nmarker = "'x' in extras"\nwheels = [{ url = "http://f.test/plain-2.0-py3-none-any.whl", hashes = { sha256 = "${"0".repeat(64)}" } }]\n`,
      "LOCK_FORMAT",
    ],
  ];
  for (const [what, name, text, code] of hostile) {
    test(what, async () => {
      await writeFile(join(locks.folder, name), text);
      const flags = { target: "never", python: locks.tools };
      const { code: ended, output } = await locks.wheelseal(installCommand, name, flags);
      assert.equal(ended, 1, output);
      assert.match(output, new RegExp(`error\\[${code}\\]`));
      assert.equal((await readdir(locks.folder)).includes("never"), false);
    });
  }
});

for (const installer of installers) {
  test(`nothing of a lock that is for other environments alone, by ${installer}`, async (context) => {
    if (installer === "uv" && locks.uv === undefined) return context.skip("uv cannot be had here");
    const file = "elsewhere.txt";
    const pinned = `greeter==1.0.0 ; python_version < "3"`;
    const digest = hex(sha256(locks.greeter.content));
    await writeFile(join(locks.folder, file), `${pinned} --hash=sha256:${digest}\n`);
    const flags = { installer, target: "empty", python: locks.tools, policy: "policy.toml" };
    const ended = await locks.wheelseal(installCommand, file, flags);
    assert.equal(ended.code, 1, ended.output);
    assert.match(ended.output, /error\[LOCK_NO_FILE\].*no package for this Python/);
  });
}
