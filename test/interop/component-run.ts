import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { succeeded, type World } from "./world.ts";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const NODE = `${process.execPath} --disable-warning=ExperimentalWarning`;

/** What is put in a pipeline's way, and what must then come of it. */
export type Fault = {
  readonly name: string;
  /** The job that must fail; no other may. */
  readonly job: string;
  readonly code: string;
  /** Version of the release, so that the runs do not meet in the registry. */
  readonly version: string;
  /** Commands that run before a job's own. */
  readonly before?: { readonly job: string; readonly commands: readonly string[] };
  readonly inputs?: readonly string[];
  /** Claims of the id_token that differ; `false` for a pipeline without one. */
  readonly token?: Readonly<Record<string, unknown>> | false;
  readonly variables?: Readonly<Record<string, string>>;
  /** Done to the registry before the pipeline runs. */
  readonly prepare?: (world: World) => Promise<void>;
};

const configuration = (python: string, fault: Fault | undefined): string => {
  const before = fault?.before;
  return [
    "include:",
    "  - local: templates/pipeline/template.yml",
    "    inputs:",
    `      wheelseal: "${NODE} ${join(REPOSITORY, "src/cli/main.ts")}"`,
    '      install: "true"',
    `      python_version: "${python}"`,
    `      consume_python_versions: ["${python}"]`,
    "      release_on: default-branch",
    ...(fault?.inputs ?? []).map((line) => `      ${line}`),
    ...(before === undefined
      ? []
      : [
          `wheelseal-${before.job}:`,
          "  before_script:",
          ...before.commands.map((line) => `    - ${line}`),
        ]),
    "",
  ].join("\n");
};

const git = async (world: World, folder: string, ...args: readonly string[]): Promise<string> => {
  const who = ["-c", "user.name=Check", "-c", "user.email=check@example.com"];
  return succeeded(await world.run("git", [...who, "-C", folder, ...args])).stdout.trim();
};

/** Puts the source of a project into an empty folder. */
export type Source = (folder: string) => Promise<void>;

/** The example, in a version of its own. */
export const greeter =
  (version: string): Source =>
  async (folder) => {
    const filter = (path: string): boolean => !path.endsWith("/dist");
    await cp(join(REPOSITORY, "examples/greeter"), folder, { recursive: true, filter });
    const pyproject = join(folder, "pyproject.toml");
    const text = await readFile(pyproject, "utf8");
    const versioned = text.replace('version = "1.0.0"', `version = "${version}"`);
    await writeFile(pyproject, versioned.replace("wheelseal-greeter", "wheelseal-greeter-ci"));
  };

/** A repository with that source and the component in it. */
export const makeProject = async (world: World, source: Source, ci: string): Promise<string> => {
  const folder = join(world.folder, "project");
  await mkdir(folder, { recursive: true });
  await source(folder);
  await cp(join(REPOSITORY, "templates"), join(folder, "templates"), { recursive: true });
  await writeFile(join(folder, ".gitlab-ci.yml"), ci);
  await writeFile(join(folder, ".gitignore"), ".gitlab-ci-local/\n");
  await git(world, folder, "init", "--quiet", "--initial-branch=main");
  await git(world, folder, "remote", "add", "origin", "git@gitlab.com:local/packages.git");
  await git(world, folder, "add", "--all");
  await git(world, folder, "commit", "--quiet", "--message=Release");
  return folder;
};

const mint = async (world: World, claims: Readonly<Record<string, unknown>>): Promise<string> => {
  const secret = await readFile(join(world.stack.state, "token-secret"), "utf8");
  const answer = await fetch(`${world.stack.urls.gitlab}/wheelseal/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret.trim()}` },
    body: JSON.stringify({ project_path: "local/packages", ref: "main", ...claims }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const { token } = (await answer.json()) as { token: string };
  return token;
};

const variablesOf = async (world: World, project: string, fault: Fault | undefined) => {
  const { urls, jobToken, trustConfig } = world.stack;
  const sha = await git(world, project, "rev-parse", "HEAD");
  const claims = fault?.token ?? {};
  return {
    ...(claims === false ? {} : { SIGSTORE_ID_TOKEN: await mint(world, { sha, ...claims }) }),
    CI_JOB_TOKEN: jobToken,
    CI_PROJECT_ID: "1",
    CI_PROJECT_PATH: "local/packages",
    CI_API_V4_URL: `${urls.gitlab}/api/v4`,
    CI_SERVER_URL: urls.gitlab,
    CI_COMMIT_REF_PROTECTED: "true",
    WHEELSEAL_TRUST_CONFIG: trustConfig,
    OLDER_RELEASE: world.release.folder,
    ...fault?.variables,
  };
};

/** Runs the component's six jobs, with a fault or without. */
export const runPipeline = async (world: World, source: Source, fault?: Fault) => {
  const told = succeeded(await world.run("python3", ["-V"])).output;
  const python = /Python (\d+\.\d+)/.exec(told)?.[1] ?? "";
  const project = await makeProject(world, source, configuration(python, fault));
  await fault?.prepare?.(world);
  const variables = Object.entries(await variablesOf(world, project, fault));
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const outcome = await world.run(
    world.program("gitlab-ci-local"),
    [
      ...["--force-shell-executor", "--shell-isolation"],
      ...["--no-artifacts-to-source", "--ignore-predefined-vars", variables.map(([n]) => n).join()],
      ...variables.flatMap(([name, value]) => ["--variable", `${name}=${value}`]),
    ],
    { cwd: project, timeout: 300_000, env: { PATH: path } },
  );
  return { project, ...outcome };
};

/** Only reads a configuration: each job that it finds, and what the schema says. */
export const list = async (world: World, project: string): Promise<string> => {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const variables = ["CI_COMMIT_REF_PROTECTED=true", "CI_COMMIT_TAG=v1.0.0"];
  const names = variables.map((one) => one.split("=")[0]).join();
  const given = variables.flatMap((one) => ["--variable", one]);
  const args = ["--list", "--ignore-predefined-vars", names, ...given];
  const outcome = await world.run(world.program("gitlab-ci-local"), args, {
    cwd: project,
    env: { PATH: path },
  });
  assert.match(succeeded(outcome).output, /json schema validated/);
  return outcome.output;
};
