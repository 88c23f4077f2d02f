import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Check } from "./check.ts";
import { REPOSITORY } from "./component-run.ts";
import { succeeded, type World } from "./world.ts";

// The tool's image, built without a daemon. No registry of images is at hand, so the base image is
// made of this machine's own programs: what is tested is the Containerfile, not Debian.

const PROGRAMS = ["/bin/sh", "/bin/chmod", "/bin/ln", "/usr/bin/env"];
const BASE = "docker.io/library/node:24-slim";
const IMAGE = "localhost/wheelseal:test";

/** A program and the libraries that it is linked with, laid out as on this machine. */
const layOut = async (world: World, folder: string, program: string, at = program) => {
  const linked = succeeded(await world.run("ldd", [program])).stdout;
  const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].flatMap(([, path = ""]) => path);
  for (const [from, to] of [[program, at] as const, ...libraries.map((path) => [path, path])]) {
    if (from === undefined || to === undefined) continue;
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await cp(from, join(folder, to), { dereference: true });
  }
};

const imageTool = async (world: World) => {
  const settings = join(world.folder, "storage.conf");
  const places = ["graphroot", "runroot"].map((name) => `${name} = "${join(world.folder, name)}"`);
  await writeFile(settings, ["[storage]", 'driver = "vfs"', ...places, ""].join("\n"));
  const env = { CONTAINERS_STORAGE_CONF: settings, BUILDAH_ISOLATION: "chroot" };
  return async (...args: string[]) =>
    succeeded(await world.run(world.program("buildah"), args, { env })).stdout.trim();
};

const builds: Check = {
  peers: ["buildah"],
  does: "builds the tool's image without a daemon; it runs as nobody, and verifies a release offline",
  run: async (world) => {
    const image = await imageTool(world);
    const base = join(world.folder, "base");
    for (const program of PROGRAMS) await layOut(world, base, program);
    await layOut(world, base, process.execPath, "/usr/local/bin/node");
    const scratch = await image("from", "scratch");
    await image("copy", scratch, base, "/");
    await image("commit", scratch, BASE);
    const digest = await image("images", "--format", "{{.Digest}}", BASE);

    const context = join(world.folder, "context");
    const rolldown = join(REPOSITORY, "node_modules/rolldown/bin/cli.mjs");
    const bundling = [rolldown, "-c", "--dir", join(context, "dist")];
    succeeded(await world.run(process.execPath, bundling, { cwd: REPOSITORY }));
    for (const name of ["Containerfile", "package.json", "LICENSE"]) {
      await cp(join(REPOSITORY, name), join(context, name));
    }
    const build = ["--pull-never", "--build-arg", `NODE_DIGEST=${digest}`, "--tag", IMAGE];
    await image("build", ...build, context);

    const container = await image("from", "--pull-never", IMAGE);
    const { version } = JSON.parse(await readFile(join(REPOSITORY, "package.json"), "utf8"));
    const config = JSON.parse(await image("inspect", container));
    assert.equal(config.OCIv1.config.User, "65532:65532");
    assert.deepEqual(config.OCIv1.config.Entrypoint, ["/usr/local/bin/wheelseal"]);
    assert.ok((await image("run", container, "--", "wheelseal", "--version")).startsWith(version));
    await image("copy", container, world.release.folder, "dist");
    await image("copy", "--chmod", "644", container, world.stack.trustConfig, "trust.json");
    const expected = [
      ...["--trust-config", "trust.json", "--certificate-identity", world.identity],
      ...["--certificate-oidc-issuer", world.issuer, "--offline"],
    ];
    const told = await image("run", container, "--", "wheelseal", "verify", "dist", ...expected);
    assert.match(told, /verified/);
  },
};

export const BUILDAH: readonly Check[] = [builds];
