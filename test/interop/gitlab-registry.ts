import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { refused, succeeded, type World } from "./world.ts";

// Uploaders and installers against the registry of the stack.

const EXAMPLE = fileURLToPath(new URL("../../examples/greeter/", import.meta.url));

const local = (world: World): string[] => ["--profile", "local", "--state", world.stack.state];

/** The simple index with its credentials, as a job's own `pip` is given it. */
const indexWithToken = ({ pypi, stack }: World): string =>
  pypi.replace("://", `://gitlab-ci-token:${stack.jobToken}@`) + "/simple";

/** The release as a requirement. */
const wantedOf = ({ release }: World): string => {
  const [name = "", version = ""] = release.wheel.split("-");
  return `${name.replaceAll("_", "-")}==${version}`;
};

/** Publishes the release, whoever did so before; the upload and the signatures. */
const published = async (world: World): Promise<void> => {
  succeeded(await world.wheelseal(["publish", world.release.folder, ...local(world)]));
  succeeded(await world.wheelseal(["publish-signatures", world.release.folder, ...local(world)]));
};

/** The file's provenance as the registry serves it: as many attestations as came with the upload. */
const attested = async (
  world: World,
  name: string,
  version: string,
  file: string,
  count: number,
) => {
  const url = `${world.pypi}/integrity/${name}/${version}/${file}/provenance`;
  const pair = Buffer.from(`gitlab-ci-token:${world.stack.jobToken}`).toString("base64");
  const response = await fetch(url, { headers: { authorization: `Basic ${pair}` } });
  assert.equal(response.status, 200, `${url} answers with ${response.status}`);
  const provenance = JSON.parse(await response.text());
  const [bundle] = provenance.attestation_bundles;
  assert.equal(bundle.attestations.length, count, `attestations of ${file}`);
};

const sameBytes = async (one: string, other: string): Promise<void> =>
  assert.deepEqual(await readFile(one), await readFile(other), `${one} is not ${other}`);

export const TWINE: readonly Check[] = [
  {
    peers: ["twine"],
    does: "uploads our release with its attestations, is refused a second time, and we consume it",
    run: async (world) => {
      const { folder } = world.release;
      const files = (await readdir(folder)).filter((name) =>
        /\.(whl|tar\.gz|publish\.attestation)$/.test(name),
      );
      const env = { TWINE_USERNAME: "gitlab-ci-token", TWINE_PASSWORD: world.stack.jobToken };
      const args = ["upload", "--non-interactive", "--repository-url", world.pypi];
      const upload = (...more: string[]) =>
        world.run(world.program("twine"), [...args, ...more], { env, cwd: folder });
      succeeded(await upload("--attestations", ...files));
      const [name = "", version = ""] = wantedOf(world).split("==");
      for (const file of [world.release.wheel, world.release.sdist]) {
        await attested(world, name, version, file, 1);
      }
      const again = await upload("--verbose", ...files.filter((name) => name.endsWith(".whl")));
      refused(again, /already\s+been\s+taken/);
      const wrong = { ...env, TWINE_PASSWORD: "wrong" };
      const denied = await world.run(world.program("twine"), [...args, world.release.wheel], {
        env: wrong,
        cwd: folder,
      });
      refused(denied, /401/);
      await published(world);
      const wanted = wantedOf(world);
      succeeded(await world.wheelseal(["consume", wanted, ...local(world)], { timeout: 300_000 }));
    },
  },
];

export const UV: readonly Check[] = [
  {
    peers: ["uv"],
    does: "builds a project, publishes it after we signed it, with its attestations, and installs it",
    run: async (world) => {
      const project = join(world.folder, "project");
      await cp(EXAMPLE, project, {
        recursive: true,
        filter: (path) => !path.startsWith(join(EXAMPLE, "dist")),
      });
      const settings = await readFile(join(project, "pyproject.toml"), "utf8");
      const renamed = settings.replace('name = "wheelseal-greeter"', 'name = "greeter-of-uv"');
      assert.notEqual(renamed, settings, "the project is renamed");
      await writeFile(join(project, "pyproject.toml"), renamed);
      const uv = (args: readonly string[], env = {}) =>
        world.run(world.program("uv"), [...args, "--no-progress"], { env, cwd: project });
      succeeded(await uv(["build"]));
      const dist = join(project, "dist");
      succeeded(await world.wheelseal(["sign", dist, "--without-record", ...local(world)]));
      const target = ["--publish-url", world.pypi, "--username", "gitlab-ci-token"];
      const secret = { UV_PUBLISH_PASSWORD: world.stack.jobToken };
      const shown = succeeded(
        await uv(["publish", ...target, "--trusted-publishing", "never"], secret),
      );
      assert.match(shown.output, /greeter_of_uv.*whl/);
      await attested(world, "greeter-of-uv", "1.0.0", "greeter_of_uv-1.0.0.tar.gz", 1);
      const venv = join(world.folder, "venv");
      succeeded(await uv(["venv", venv]));
      const python = join(venv, "bin", "python");
      const index = ["--index-url", indexWithToken(world), "--no-deps"];
      succeeded(await uv(["pip", "install", "--python", python, ...index, "greeter-of-uv"]));
      succeeded(await world.run(python, ["-c", "import greeter"]));
    },
  },
];

export const PIP: readonly Check[] = [
  {
    peers: ["pip"],
    does: "downloads wheel and sdist from the index, byte for byte, and installs the wheel",
    run: async (world) => {
      await published(world);
      const { folder, wheel, sdist } = world.release;
      const pip = (...args: string[]) =>
        world.run(world.program("pip", "python"), ["-m", "pip", ...args], { timeout: 300_000 });
      const index = ["--index-url", indexWithToken(world), "--no-deps"];
      const wanted = wantedOf(world);
      const to = join(world.folder, "downloaded");
      succeeded(await pip("download", ...index, "-d", to, "--only-binary", ":all:", wanted));
      await sameBytes(join(to, wheel), join(folder, wheel));
      const target = join(world.folder, "installed");
      succeeded(await pip("install", ...index, "--target", target, wanted));
      const env = { PYTHONPATH: target };
      succeeded(await world.run("python3", ["-c", "import greeter"], { env }));
      const sums = join(world.folder, "requirements.txt");
      const wrong = `${wanted} --hash=sha256:${"0".repeat(64)}\n`;
      await writeFile(sums, wrong);
      const hashed = ["--require-hashes", "-r", sums, "-d", to];
      refused(await pip("download", ...index, ...hashed), /do not match|DO NOT MATCH/);
      assert.ok(sdist.endsWith(".tar.gz"));
    },
  },
];

export const CURL: readonly Check[] = [
  {
    peers: ["curl"],
    does: "puts a file into the generic registry and gets it back; is refused without a token",
    run: async (world) => {
      await mkdir(join(world.folder, "out"));
      const file = join(world.folder, "greeter.sig");
      await writeFile(file, "what is kept");
      const url = `${world.generic}/curl/1.0/greeter.sig`;
      const token = join(world.folder, "headers");
      await writeFile(token, `JOB-TOKEN: ${world.stack.jobToken}\n`);
      const curl = (...args: string[]) =>
        world.run(world.program("curl"), ["--silent", "--show-error", "--fail", ...args]);
      const header = ["--header", `@${token}`];
      succeeded(await curl(...header, "--upload-file", file, url));
      const got = join(world.folder, "out", "greeter.sig");
      succeeded(await curl(...header, "--output", got, url));
      await sameBytes(got, file);
      refused(await curl("--output", got, url), /401/);
      refused(await curl(...header, `${url}.absent`), /404/);
    },
  },
];
