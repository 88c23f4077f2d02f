import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Check } from "./check.ts";
import { freePort, withDaemon } from "./daemon.ts";
import { expectIdentity, refused, succeeded, type World } from "./world.ts";

// Indexes that are not GitLab's, as targets of our `publish`.

type Index = { readonly upload: string; readonly simple: string };

const publish = (world: World, index: Index, env: Record<string, string>) => {
  const urls = ["--upload-url", index.upload, "--index-url", index.simple];
  const args = ["publish", world.release.folder, ...urls, ...expectIdentity(world)];
  return world.wheelseal(args, { env });
};

/** A file of the same name and content as the release's sdist, with other bytes. */
const otherSdist = async (world: World, folder: string): Promise<string> => {
  await mkdir(folder, { recursive: true });
  const { release } = world;
  const tar = gunzipSync(await readFile(join(release.folder, release.sdist)));
  const other = join(folder, release.sdist);
  await writeFile(other, gzipSync(tar, { level: 1 }));
  return other;
};

/** What every index must allow: publish, publish again, and find another file of that name. */
const exercise = async (
  world: World,
  fresh: Index,
  taken: Index,
  env: Record<string, string> = {},
): Promise<void> => {
  const first = succeeded(await publish(world, fresh, env));
  assert.match(first.stdout, /uploaded +\S+\.whl/);
  assert.match(first.stdout, /uploaded +\S+\.tar\.gz/);
  const again = succeeded(await publish(world, fresh, env));
  assert.doesNotMatch(again.stdout, /uploaded/);
  assert.match(again.stdout, /present +\S+\.whl/);
  refused(await publish(world, taken, env), /error\[UPLOAD_CONFLICT\]/);
};

export const PYPISERVER: readonly Check[] = [
  {
    peers: ["pypiserver"],
    does: "takes our upload, says on a second run what it has, and holds another file of that name",
    run: async (world) => {
      const servers = [join(world.folder, "fresh"), join(world.folder, "taken")];
      const [fresh = "", taken = ""] = servers;
      for (const folder of servers) await mkdir(folder);
      await otherSdist(world, taken);
      const serve = async (folder: string, work: (index: Index) => Promise<void>) => {
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        const args = ["run", "-i", "127.0.0.1", "-p", String(port), "-P", ".", "-a", ".", folder];
        const program = world.program("pypiserver");
        const options = { cwd: world.folder, env: process.env };
        await withDaemon({ program, args, url, options }, () =>
          work({ upload: `${url}/`, simple: `${url}/simple/` }),
        );
      };
      await serve(fresh, (one) => serve(taken, (other) => exercise(world, one, other)));
    },
  },
];

const PASSWORD = "interop";

const json = async (url: string, method: string, body: unknown, auth?: string) => {
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    ...(auth === undefined ? {} : { "x-devpi-auth": auth }),
  };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${url}: ${response.status} ${text}`);
  return JSON.parse(text);
};

/** Makes two indexes of a user; a file in an index that is not volatile cannot be replaced. */
const makeIndexes = async (url: string): Promise<void> => {
  const login = { user: "root", password: PASSWORD };
  const { result } = await json(`${url}/+login`, "POST", login);
  const auth = Buffer.from(`root:${result.password}`).toString("base64");
  for (const name of ["fresh", "taken"]) {
    const wish = { type: "stage", bases: [], volatile: false };
    await json(`${url}/root/${name}`, "PUT", wish, auth);
  }
};

export const DEVPI: readonly Check[] = [
  {
    peers: ["devpi-server", "twine"],
    does: "takes our upload, says on a second run what it has, and holds another file of that name",
    run: async (world) => {
      const state = join(world.folder, "devpi");
      const init = world.program("devpi-server", "devpi-init");
      const made = ["--serverdir", state, "--root-passwd", PASSWORD, "--no-root-pypi"];
      succeeded(await world.run(init, made));
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const args = ["--serverdir", state, "--host", "127.0.0.1", "--port", String(port)];
      const program = world.program("devpi-server");
      const options = { cwd: world.folder, env: process.env };
      const at = (name: string) => ({
        upload: `${url}/root/${name}/`,
        simple: `${url}/root/${name}/+simple/`,
      });
      const env = { TWINE_USERNAME: "root", TWINE_PASSWORD: PASSWORD };
      await withDaemon({ program, args, url: `${url}/+api`, options }, async () => {
        await makeIndexes(url);
        const other = await otherSdist(world, join(world.folder, "other"));
        const upload = ["upload", "--non-interactive", "--repository-url", at("taken").upload];
        succeeded(await world.run(world.program("twine"), [...upload, other], { env }));
        await exercise(world, at("fresh"), at("taken"), env);
      });
    },
  },
];
