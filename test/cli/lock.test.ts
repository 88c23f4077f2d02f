import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { installCommand } from "../../src/cli/command-install.ts";
import { lockCommand } from "../../src/cli/command-lock.ts";
import { pylockOf, unsigned } from "../consumer/closure-support.ts";
import { signWheel } from "../consumer/hostile-upstream.ts";
import { ASKED, openLocks } from "./lock-support.ts";

let locks: Awaited<ReturnType<typeof openLocks>>;
before(async () => {
  locks = await openLocks();
});
after(() => locks?.close());

test("pip's lock: stated once, checked, installed by pip", async () => {
  const file = await locks.pipLock("pip", "greeter");
  const before = await readFile(join(locks.folder, file), "utf8");
  const policy = { policy: "policy.toml" };
  const stale = await locks.wheelseal(lockCommand, file, { ...policy, check: true });
  assert.equal(stale.code, 1);
  assert.match(stale.output, /LOCK_STALE/);
  const locked = await locks.wheelseal(lockCommand, file, policy);
  assert.equal(locked.code, 0, locked.output);
  const stated = await readFile(join(locks.folder, file), "utf8");
  const added = stated.split("\n").filter((line) => !before.split("\n").includes(line));
  assert.equal(added.length, 1);
  assert.match(added[0] ?? "", /kind = "GitLab", repository = "local\/packages"/);
  const again = await locks.wheelseal(lockCommand, file, { check: true });
  assert.equal(again.code, 0, again.output);
  assert.equal((await locks.wheelseal(lockCommand, file)).code, 0);
  assert.equal(await readFile(join(locks.folder, file), "utf8"), stated, "it is stated once");
  const installed = await locks.wheelseal(installCommand, file, { venv: "venv-pip" });
  assert.equal(installed.code, 0, installed.output);
  assert.match((await locks.has("venv-pip", "greeter")).output, /^hello/);
});

test("uv's lock, and what uv installs", async (context) => {
  if (locks.uv === undefined) return context.skip("uv cannot be had here");
  const project = join(locks.folder, "project");
  await mkdir(project);
  const dependencies = `dependencies = ["greeter", "plain ; python_version > '3'"]`;
  const metadata = `[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.10"\n${dependencies}`;
  await writeFile(join(project, "pyproject.toml"), metadata);
  const from = [
    "--index-url",
    locks.index,
    "--no-cache",
    "--project",
    project,
    "--python",
    locks.tools,
  ];
  const to = ["--format", "pylock.toml", "--no-emit-project", "-q", "-o", "pylock.uv.toml"];
  const made = await locks.run(join(locks.uv, "uv"), "export", ...from, ...to);
  assert.equal(made.code, 0, made.output);
  const before = await readFile(join(locks.folder, "pylock.uv.toml"), "utf8");
  // The lock names its index itself.
  const flags = { policy: "policy.toml", "index-url": false };
  const locked = await locks.wheelseal(lockCommand, "pylock.uv.toml", flags);
  assert.equal(locked.code, 0, locked.output);
  assert.match(locked.output, /unattested {2}plain-2\.0/);
  const after = await readFile(join(locks.folder, "pylock.uv.toml"), "utf8");
  assert.ok(before.split("\n").every((line) => after.split("\n").includes(line)));
  const dry = ["--dry-run", "--no-cache", "--python", locks.tools, "--target", "dry-uv"];
  const read = await locks.run(
    join(locks.uv, "uv"),
    "pip",
    "install",
    ...dry,
    "-r",
    "pylock.uv.toml",
  );
  assert.equal(read.code, 0, read.output);
  assert.match(read.output, /greeter==1\.0\.0/);
  const options = { venv: "venv-uv", installer: "uv" };
  const bare = await locks.wheelseal(installCommand, "pylock.uv.toml", options);
  assert.equal(bare.code, 1);
  assert.match(bare.output, /LOCK_UNATTESTED/);
  assert.equal((await readdir(locks.folder)).includes("venv-uv"), false, "nothing is there");
  const allowed = { ...options, policy: "allow.toml" };
  const installed = await locks.wheelseal(installCommand, "pylock.uv.toml", allowed);
  assert.equal(installed.code, 0, installed.output);
  assert.match((await locks.has("venv-uv", "greeter")).output, /^hello/);
  assert.match((await locks.has("venv-uv", "plain")).output, /^hello/);
});

describe("a lock is not written", () => {
  test("where it states another identity than verified", async () => {
    const text = pylockOf(locks.greeter).replaceAll("http://upstream.test", locks.url);
    const stated = `${text}attestation-identities = [{ kind = "GitLab", repository = "a/b", workflow_filepath = ".gitlab-ci.yml", issuer = "${locks.issuer}" }]\n`;
    await writeFile(join(locks.folder, "pylock.toml"), stated);
    const { code, output } = await locks.wheelseal(lockCommand, "pylock.toml", {
      policy: "policy.toml",
    });
    assert.equal(code, 1, output);
    assert.match(output, /error\[LOCK_IDENTITY\].*repository local\/packages.*repository a\/b/);
    assert.equal(await readFile(join(locks.folder, "pylock.toml"), "utf8"), stated);
  });
  test("where it states one that signs nothing beside one that does", async () => {
    const first = "pylock.more.toml";
    await writeFile(join(locks.folder, first), pylockOf(locks.greeter));
    assert.equal((await locks.wheelseal(lockCommand, first)).code, 0);
    const text = await readFile(join(locks.folder, first), "utf8");
    const more = '[ { kind = "GitHub", repository = "a/b", workflow = "c.yml" }, { kind = "GitLab"';
    await writeFile(join(locks.folder, first), text.replace(/\[ ?\{ ?kind = "GitLab"/, more));
    const { code, output } = await locks.wheelseal(lockCommand, first);
    assert.equal(code, 1, output);
    assert.match(output, /error\[LOCK_IDENTITY\].*GitHub, repository a\/b/);
  });
  test("where others sign a new version than signed the one before", async () => {
    const old = pylockOf(locks.greeter);
    const stated = `${old}attestation-identities = [{ kind = "GitLab", repository = "local/packages", workflow_filepath = ".gitlab-ci.yml", issuer = "${locks.issuer}" }]\n`;
    await writeFile(join(locks.folder, "pylock.old.toml"), stated);
    const next = await signWheel(locks.opened, "greeter", "1.1.0");
    const stranger = await signWheel(locks.opened, "greeter", "1.2.0", { project: "evil/p" });
    const bare = unsigned("greeter", "1.3.0");
    const cases = [
      [next, 0, /wrote /],
      [stranger, 1, /error\[LOCK_IDENTITY\]/],
      [bare, 1, /error\[LOCK_ATTESTATION_LOST\]/],
    ] as const;
    for (const [file, code, says] of cases) {
      locks.greeters.add(file);
      await writeFile(join(locks.folder, "pylock.new.toml"), pylockOf(file));
      await writeFile(join(locks.folder, "pylock.kept.toml"), stated);
      // The lock that is replaced counts as well as the one that is named.
      for (const flags of [{ since: "pylock.old.toml" }, { out: "pylock.kept.toml" }]) {
        await writeFile(join(locks.folder, "pylock.new.toml"), pylockOf(file));
        const ended = await locks.wheelseal(lockCommand, "pylock.new.toml", flags);
        assert.equal(ended.code, code, ended.output);
        assert.match(ended.output, says);
      }
      locks.greeters.files.delete(file.filename);
    }
  });
  test("where a new lock states others itself than the one before it did", async () => {
    const own = (project: string) =>
      `attestation-identities = [{ kind = "GitLab", repository = "${project}", workflow_filepath = ".gitlab-ci.yml", issuer = "${locks.issuer}" }]\n`;
    const old = `${pylockOf(locks.greeter)}${own("local/packages")}`;
    await writeFile(join(locks.folder, "pylock.old.toml"), old);
    const stranger = await signWheel(locks.opened, "greeter", "1.4.0", { project: "evil/p" });
    locks.greeters.add(stranger);
    const edited = `${pylockOf(stranger)}${own("evil/p")}`;
    await writeFile(join(locks.folder, "pylock.edited.toml"), edited);
    const since = { since: "pylock.old.toml" };
    const ended = await locks.wheelseal(lockCommand, "pylock.edited.toml", since);
    assert.equal(ended.code, 1, ended.output);
    assert.match(ended.output, /error\[LOCK_IDENTITY\].*was signed by GitLab, repository local/);
    const policy = `[[packages.greeter.identities]]\nkind = "gitlab"\nissuer = "${locks.issuer}"\nproject = "evil/p"\n`;
    await writeFile(join(locks.folder, "moved.toml"), policy);
    const named = { ...since, policy: "moved.toml" };
    const moved = await locks.wheelseal(lockCommand, "pylock.edited.toml", named);
    assert.equal(moved.code, 0, moved.output);
    locks.greeters.files.delete(stranger.filename);
  });
  test("where the policy refuses what nobody vouches for", async () => {
    await writeFile(join(locks.folder, "bare.toml"), 'unattested = "refuse"\n');
    const file = await locks.requirementsOf(locks.plain);
    const flags = { out: "pylock.refused.toml", policy: "bare.toml" };
    const { code, output } = await locks.wheelseal(lockCommand, file, flags);
    assert.equal(code, 1, output);
    assert.match(output, /LOCK_UNATTESTED/);
    assert.equal((await readdir(locks.folder)).includes("pylock.refused.toml"), false);
  });
});

test("a requirements file becomes a lock that pip reads", async () => {
  const file = await locks.requirementsOf(locks.greeter, locks.plain);
  const named = await locks.wheelseal(lockCommand, file);
  assert.equal(named.code, 2, named.output);
  const locked = await locks.wheelseal(lockCommand, file, { out: "pylock.made.toml" });
  assert.equal(locked.code, 0, locked.output);
  const dry = ["-m", "pip", "install", ...ASKED, "--dry-run", "--no-deps", "--report", "r.json"];
  const read = await locks.run(locks.tools, ...dry, "-r", "pylock.made.toml", "--target", "dry");
  assert.equal(read.code, 0, read.output);
  const report = JSON.parse(await readFile(join(locks.folder, "r.json"), "utf8"));
  const chosen = report.install.map((one: { metadata: { name: string } }) => one.metadata.name);
  assert.deepEqual(chosen.sort(), ["greeter", "plain"]);
});

test("with --python, files that it cannot use are not asked for", async () => {
  const name = "greeter-1.0.0-cp39-cp39-win_amd64.whl";
  const other = `{ url = "http://f.test/${name}", hashes = { sha256 = "${"0".repeat(64)}" } }`;
  const text = pylockOf(locks.greeter).replace("}]", `}, ${other}]`);
  const file = "pylock.windows.toml";
  await writeFile(join(locks.folder, file), text);
  const all = await locks.wheelseal(lockCommand, file);
  assert.equal(all.code, 1, all.output);
  assert.match(all.output, /error\[INDEX_FILE\]/);
  const some = await locks.wheelseal(lockCommand, file, { python: locks.tools });
  assert.equal(some.code, 0, some.output);
  assert.match(some.output, /1 package, 1 file: 1 signed/);
});

test("a gateway's configuration gives upstreams, each name with one owner, and the policy", async () => {
  const configOf = (unattested: string) => `
[[upstreams]]
name = "own"
index = "${locks.index}"
owns = ["greeter"]

[[upstreams]]
name = "public"
index = "${locks.url}/elsewhere/pypi/simple"
owns = ["plain"]
demands = "attested"

[policy]
unattested = "${unattested}"

[[policy.packages.greeter.identities]]
kind = "gitlab"
issuer = "${locks.issuer}"
project = "local/packages"
`;
  await writeFile(join(locks.folder, "refuse.toml"), configOf("refuse"));
  await writeFile(join(locks.folder, "gateway.toml"), configOf("allow"));
  const file = await locks.requirementsOf(locks.greeter, locks.plain);
  const flags = { out: "pylock.config.toml", "index-url": false };
  const refused = await locks.wheelseal(lockCommand, file, { ...flags, config: "refuse.toml" });
  assert.equal(refused.code, 1, refused.output);
  assert.match(refused.output, /error\[LOCK_UNATTESTED\]/);
  const locked = await locks.wheelseal(lockCommand, file, { ...flags, config: "gateway.toml" });
  assert.equal(locked.code, 0, locked.output);
  assert.match(locked.output, /signed by GitLab project local\/packages .* as the policy expects/);
  const stranger = await locks.requirementsOf(unsigned("unowned", "1.0"));
  const unowned = await locks.wheelseal(lockCommand, stranger, {
    ...flags,
    config: "gateway.toml",
  });
  assert.equal(unowned.code, 1, unowned.output);
  assert.match(unowned.output, /error\[GATEWAY_UNOWNED\]/);
  const both = { ...flags, config: "gateway.toml", "index-url": locks.index };
  assert.equal((await locks.wheelseal(lockCommand, file, both)).code, 2);
});
