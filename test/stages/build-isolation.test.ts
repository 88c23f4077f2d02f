import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { unwrap } from "../../src/formats/result.ts";
import { commitAll, folder, ownBackend, runBuild, runGit, write } from "./build-support.ts";

/** The real builder with backends that lie in the project: no index is asked but for the tools. */

/** Path to mode, time and content of everything below a folder, `.git` included. */
const snapshot = (root: string): Map<string, string> => {
  const seen = new Map<string, string>();
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeMs } = lstatSync(path);
    const content = entry.isFile() ? readFileSync(path, "base64") : "";
    seen.set(path, `${mode} ${mtimeMs} ${content}`);
  }
  return seen;
};

const listSdist = `
print("FILES", sorted(os.path.relpath(os.path.join(d, f)) for d, _, fs in os.walk(".") for f in fs if ".git" + os.sep not in os.path.join(d, f)))`;

describe("building in isolation", { concurrency: 2 }, () => {
  test("leaves work tree, index and HEAD byte for byte as they were", async (t) => {
    const root = folder(t);
    const project = join(root, "project");
    write(project, { ...ownBackend(), ".gitignore": "ignored*\n" });
    commitAll(project);
    write(project, { staged: "s", untracked: "u", "ignored.txt": "i" });
    runGit(project, "add", "staged");
    writeFileSync(join(project, "tiny_pkg.py"), "GREETING = 'changed'\n");
    const before = snapshot(project);
    const { result } = await runBuild({ project, out: join(root, "out") });
    assert.equal(unwrap(result).source.dirty, true);
    assert.deepEqual(snapshot(project), before);
  });

  test("copies tracked and new files, not ignored ones, the output or other folders", async (t) => {
    const root = folder(t);
    const project = join(root, "repository", "packages", "one");
    write(join(root, "repository"), { LICENSE: "free", "other/big.txt": "x" });
    write(project, { ...ownBackend(listSdist), ".gitignore": "ignored*\n" });
    symlinkSync("../../LICENSE", join(project, "LICENSE"));
    commitAll(join(root, "repository"));
    write(project, { untracked: "u", "ignored.txt": "i", "dist/old.txt": "o" });
    const { result, output } = await runBuild({ project, out: join(project, "dist") });
    const record = unwrap(result);
    assert.equal(record.source.dirty, true, "the untracked file counts, the output does not");
    const wanted = [".gitignore", "LICENSE", "backend.py", "pyproject.toml", "tiny_pkg.py"];
    assert.match(output, new RegExp(`FILES \\['${[...wanted, "untracked"].join("', '")}'\\]`));
    assert.equal(record.source.commit, runGit(project, "rev-parse", "HEAD").trim());
    assert.equal(record.source.ref, "refs/heads/main");
  });

  test("works without git, as for an sdist that was unpacked", async (t) => {
    const root = folder(t);
    const project = join(root, "tiny");
    write(project, { ...ownBackend(listSdist), "PKG-INFO": "Name: tiny", "venv/pyvenv.cfg": "" });
    write(project, { "venv/lib/x.py": "", "__pycache__/x.pyc": "", "build/lib/stale.py": "" });
    const { result, output } = await runBuild({ project, out: join(root, "out") });
    const record = unwrap(result);
    assert.equal(record.source.commit, undefined);
    assert.equal(record.source.dirty, false);
    assert.match(output, /FILES \['PKG-INFO', 'backend.py', 'pyproject.toml', 'tiny_pkg.py'\]/);
  });

  test("a link that leads out of the project is refused", async (t) => {
    const root = folder(t);
    write(join(root, "project"), ownBackend());
    symlinkSync("/etc/hostname", join(root, "project", "host"));
    const { result } = await runBuild({ project: join(root, "project"), out: join(root, "out") });
    assert.equal(result.ok ? "" : result.error.code, "BUILD_SOURCE");
  });

  test("a hostile backend sees no secret, not in its parent either", async (t) => {
    const root = folder(t);
    const hook = `
print("ENV", dict(os.environ))
print("STDIN", repr(sys.stdin.read()))
print("ARGV", open("/proc/self/cmdline").read(), open(f"/proc/{os.getppid()}/cmdline").read())
print("PARENT", open(f"/proc/{os.getppid()}/environ").read())`;
    write(join(root, "project"), ownBackend(hook));
    const planted = {
      SIGSTORE_ID_TOKEN: "planted-1",
      CI_JOB_TOKEN: "planted-2",
      TWINE_PASSWORD: "planted-3",
      SOME_TOKEN: "planted-4",
      AWS_SECRET_ACCESS_KEY: "planted-5",
      PIP_EXTRA_INDEX_URL: "https://user:planted-6@127.0.0.1:1/simple",
      HTTPS_PROXY: "http://user:planted-7@127.0.0.1:1",
      PYTHONPATH: "/planted-8",
      CFLAGS: "-DKEPT",
    };
    const ran = await runBuild(
      { project: join(root, "project"), out: join(root, "out") },
      { ...process.env, ...planted },
    );
    unwrap(ran.result);
    assert.match(ran.output, /ENV .*'SOURCE_DATE_EPOCH'/);
    assert.match(ran.output, /-DKEPT/);
    assert.match(ran.output, /PARENT [^\n]*SOURCE_DATE_EPOCH/);
    assert.doesNotMatch(ran.output, /planted-/);
    assert.doesNotMatch(JSON.stringify(ran.events), /planted-/);
  });

  test("a backend that fails shows its last lines", async (t) => {
    const root = folder(t);
    write(join(root, "project"), ownBackend('raise RuntimeError("the flux is out")'));
    const out = join(root, "out");
    const { result, events } = await runBuild({ project: join(root, "project"), out });
    assert.ok(!result.ok);
    assert.equal(result.error.code, "BUILD_FAILED");
    assert.match(result.error.message, /RuntimeError: the flux is out/);
    assert.equal(events.at(-1)?.kind, "failed");
    assert.equal(existsSync(out), false);
  });

  test("a backend that cannot be installed is BUILD_ENVIRONMENT", async (t) => {
    const root = folder(t);
    const files = ownBackend();
    const text = files["pyproject.toml"]?.replace("requires = []", 'requires = ["./absent-thing"]');
    write(join(root, "project"), { ...files, "pyproject.toml": text ?? "" });
    const { result } = await runBuild({ project: join(root, "project"), out: join(root, "out") });
    assert.equal(result.ok ? "" : result.error.code, "BUILD_ENVIRONMENT");
  });

  test("set metadata is in what comes out, and the record says so", async (t) => {
    const root = folder(t);
    write(join(root, "project"), ownBackend());
    const metadata = { name: "Other.Name", version: "2.0" };
    const out = join(root, "out");
    const { result } = await runBuild({ project: join(root, "project"), out, metadata });
    const record = unwrap(result);
    assert.equal(`${record.name} ${record.version}`, "other-name 2.0");
    assert.deepEqual(record.settings.metadata, {
      "project.name": "Other.Name",
      "project.version": "2.0",
    });
  });

  test("killed while the backend works: nothing is left running or in the output", async (t) => {
    const root = folder(t);
    const project = join(root, "project");
    const flag = join(root, "flag");
    const hook = `
if not os.path.exists("${flag}"):
    open("${flag}", "w").write(str(os.getpid()))
    import time; time.sleep(60)`;
    write(project, ownBackend(hook));
    const out = join(root, "out");
    mkdirSync(out);
    const support = new URL("build-support.ts", import.meta.url).href;
    const code = `const { runBuild } = await import(${JSON.stringify(support)});
await runBuild(${JSON.stringify({ project, out })});`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code], {
      env: { ...process.env, TMPDIR: root },
      stdio: "ignore",
    });
    for (let i = 0; i < 400 && !existsSync(flag); i += 1) await sleep(50);
    const backend = Number(readFileSync(flag, "utf8"));
    assert.ok(alive(backend));
    child.kill("SIGKILL");
    await once(child, "exit");
    for (let i = 0; i < 100 && alive(backend); i += 1) await sleep(50);
    assert.equal(alive(backend), false);
    assert.deepEqual(readdirSync(out), []);
    unwrap((await runBuild({ project, out })).result);
    assert.equal(readdirSync(out).length, 3);
  });
});

/** Whether a process runs; one that only waits to be reaped does not. */
const alive = (pid: number): boolean => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};
