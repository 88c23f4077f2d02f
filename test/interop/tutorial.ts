import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { expectIdentity, succeeded, type World } from "./world.ts";

// GitLab's tutorial pipeline as it stands, against the stack, with the programs it was written for.

const TUTORIAL = fileURLToPath(new URL("../../bench/tutorial/", import.meta.url));

const JOBS = ["build", "sign", "verify", "publish", "publish_signatures", "consumer_verification"];

/** The article's `pip download` names gitlab.com; nothing else of the file is changed. */
const makeProject = async (world: World): Promise<string> => {
  const folder = join(world.folder, "tutorial");
  await cp(TUTORIAL, folder, { recursive: true });
  const printed = await readFile(join(folder, ".gitlab-ci.yml"), "utf8");
  const theirs = /https:(\/\/gitlab-ci-token:\$\{CI_JOB_TOKEN\}@)gitlab\.com\//g;
  assert.equal(printed.match(theirs)?.length, 2, "pip download names gitlab.com twice");
  const here = printed.replaceAll(theirs, `http:$1${new URL(world.issuer).host}/`);
  await writeFile(join(folder, ".gitlab-ci.yml"), here);
  await writeFile(join(folder, ".gitignore"), ".gitlab-ci-local/\n");
  const git = (...args: string[]) => world.run("git", ["-C", folder, ...args]);
  const who = ["-c", "user.name=Check", "-c", "user.email=check@example.com"];
  succeeded(await git("init", "--quiet", "--initial-branch=main"));
  succeeded(await git("remote", "add", "origin", "git@gitlab.com:local/packages.git"));
  succeeded(await git("add", "--all"));
  succeeded(await git(...who, "commit", "--quiet", "--message=Tutorial"));
  return folder;
};

/** Sources of the build backend: `--no-binary :all:` wants them, and our index has none. */
const backendSources = async (world: World): Promise<string> => {
  const folder = join(world.folder, "backend");
  await mkdir(folder);
  const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"];
  const python = world.program("pip", "python");
  succeeded(await world.run(python, [...pip, "-d", folder, "setuptools"]));
  return folder;
};

const variablesOf = async (world: World): Promise<Record<string, string>> => ({
  SIGSTORE_ID_TOKEN: await world.token(),
  CI_JOB_TOKEN: world.stack.jobToken,
  CI_PROJECT_ID: "1",
  CI_PROJECT_NAME: "tutorial-package",
  CI_PROJECT_PATH: "local/packages",
  CI_DEFAULT_BRANCH: "main",
  CI_API_V4_URL: `${world.issuer}/api/v4`,
  CI_SERVER_URL: world.issuer,
  FULCIO_URL: world.stack.urls.fulcio,
  REKOR_URL: world.stack.urls.rekor,
  COSIGN_REKOR_URL: world.stack.urls.rekor,
  CERTIFICATE_IDENTITY: world.identity,
  CERTIFICATE_OIDC_ISSUER: world.issuer,
  SIGSTORE_ROOT_FILE: world.trust("fulcio-chain.pem"),
  SIGSTORE_REKOR_PUBLIC_KEY: world.trust("rekor.pub"),
  SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: world.trust("ctfe.pub"),
  PIP_FIND_LINKS: await backendSources(world),
});

/** What the pipeline signed, judged by us from its `.sig`, its `.crt` and the log. */
const verifyArtifacts = async (world: World, dist: string): Promise<void> => {
  const names = (await readdir(dist)).filter((name) => /\.(whl|tar\.gz)$/.test(name));
  assert.equal(names.length, 2, "a wheel and an sdist were signed");
  for (const name of names) {
    const file = join(dist, name);
    const evidence = ["--signature", `${file}.sig`, "--certificate", `${file}.crt`];
    succeeded(await world.wheelseal(["verify", file, ...evidence, ...expectIdentity(world)]));
  }
};

export const TUTORIAL_PIPELINE: readonly Check[] = [
  {
    peers: ["gitlab-ci-local", "rsync", "cosign-2.2", "twine", "build", "pip", "curl"],
    does: "runs GitLab's tutorial pipeline with cosign 2.2.3, and we verify what it signed",
    run: async (world) => {
      const folder = await makeProject(world);
      const variables = Object.entries(await variablesOf(world));
      const programs = [
        dirname(world.program("twine")),
        dirname(world.program("cosign-2.2")),
        dirname(process.execPath),
      ];
      const path = [...programs, process.env.PATH].join(delimiter);
      const ran = await world.run(
        world.program("gitlab-ci-local"),
        [
          ...["--force-shell-executor", "--shell-isolation", "--no-artifacts-to-source"],
          ...["--ignore-predefined-vars", variables.map(([name]) => name).join()],
          ...variables.flatMap(([name, value]) => ["--variable", `${name}=${value}`]),
        ],
        { cwd: folder, timeout: 300_000, env: { PATH: path } },
      );
      succeeded(ran);
      for (const job of JOBS) assert.match(ran.output, new RegExp(`PASS\\s+${job}\\b`));
      await verifyArtifacts(world, join(folder, ".gitlab-ci-local", "artifacts", "sign", "dist"));
    },
  },
];
