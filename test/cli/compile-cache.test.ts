import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compileCacheFolder } from "../../src/cli/compile-cache.ts";

const root = await realpath(await mkdtemp(join(tmpdir(), "wheelseal-cache-")));
after(() => rm(root, { recursive: true }));

const home = async (name: string): Promise<string> => {
  const folder = join(root, name);
  await mkdir(join(folder, "wheelseal"), { recursive: true });
  return folder;
};

test("the cache is a folder of this user alone, in the caches' place", async () => {
  const folder = compileCacheFolder({ XDG_CACHE_HOME: join(root, "new"), HOME: "/nowhere" });
  assert.equal(folder, join(root, "new", "wheelseal", "compiled"));
  if (process.platform !== "win32") assert.equal((await stat(folder)).mode & 0o777, 0o700);
  const under = compileCacheFolder({ HOME: join(root, "home") });
  assert.equal(under, join(root, "home", ".cache", "wheelseal", "compiled"));
});

test("without a home, and where it cannot be made, there is none", async () => {
  assert.equal(compileCacheFolder({}), undefined);
  await writeFile(join(root, "file"), "");
  assert.equal(compileCacheFolder({ XDG_CACHE_HOME: join(root, "file") }), undefined);
});

test("what others can write to is not read from", {
  skip: process.platform === "win32",
}, async () => {
  for (const mode of [0o777, 0o720, 0o702]) {
    const place = await home(`mode-${mode}`);
    await mkdir(join(place, "wheelseal", "compiled"));
    await chmod(join(place, "wheelseal", "compiled"), mode);
    assert.equal(compileCacheFolder({ XDG_CACHE_HOME: place }), undefined, mode.toString(8));
  }
  const linked = await home("linked");
  await symlink(root, join(linked, "wheelseal", "compiled"));
  assert.equal(compileCacheFolder({ XDG_CACHE_HOME: linked }), undefined, "a link");
});

test("nobody else can put another folder in its place", {
  skip: process.platform === "win32",
}, async () => {
  for (const part of ["", "wheelseal"]) {
    const place = await home(`above-${part}`);
    await chmod(join(place, part), 0o777);
    assert.equal(compileCacheFolder({ XDG_CACHE_HOME: place }), undefined, part);
  }
  // As in a folder for temporary files: others add to it, and rename only what is theirs.
  const sticky = await home("sticky");
  await chmod(sticky, 0o1777);
  const found = compileCacheFolder({ XDG_CACHE_HOME: sticky });
  assert.equal(found, join(sticky, "wheelseal", "compiled"));
});

test("a home that depends on where the tool is started is none", () => {
  assert.equal(compileCacheFolder({ XDG_CACHE_HOME: "no/such", HOME: "." }), undefined);
  const under = compileCacheFolder({ XDG_CACHE_HOME: "no/such", HOME: join(root, "home") });
  assert.equal(under, join(root, "home", ".cache", "wheelseal", "compiled"));
});
