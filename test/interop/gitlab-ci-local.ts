import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";
import { succeeded, type World } from "./world.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const NODE = `${process.execPath} --disable-warning=ExperimentalWarning`;

/** What is put in a pipeline's way, and what must then come of it. */
type Fault = {
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

/** The example as a project of its own, with the component in it. */
const makeProject = async (world: World, version: string, ci: string): Promise<string> => {
  const folder = join(world.folder, "project");
  const filter = (path: string): boolean => !path.endsWith("/dist");
  await cp(join(REPOSITORY, "examples/greeter"), folder, { recursive: true, filter });
  await cp(join(REPOSITORY, "templates"), join(folder, "templates"), { recursive: true });
  const pyproject = join(folder, "pyproject.toml");
  const text = await readFile(pyproject, "utf8");
  const versioned = text.replace('version = "1.0.0"', `version = "${version}"`);
  await writeFile(pyproject, versioned.replace("wheelseal-greeter", "wheelseal-greeter-ci"));
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
const runPipeline = async (world: World, version: string, fault?: Fault) => {
  const told = succeeded(await world.run("python3", ["-V"])).output;
  const python = /Python (\d+\.\d+)/.exec(told)?.[1] ?? "";
  const project = await makeProject(world, version, configuration(python, fault));
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

const summary = (output: string, verdict: "PASS" | "FAIL"): string[] =>
  [...output.matchAll(new RegExp(`^\\s*${verdict}\\s+wheelseal-([a-z-]+)`, "gm"))].map(
    ([, job = ""]) => job,
  );

/** Only reads a configuration: each job that it finds, and what the schema says. */
const list = async (world: World, project: string): Promise<string> => {
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

const SINGLE = `include:
  - { local: templates/sign/template.yml, inputs: { needs: make } }
  - local: templates/verify/template.yml
    inputs: { needs: wheelseal-sign, stage: deploy, certificate_identity: "https://gitlab.com/a/b//c@refs/tags/v1", shards: 3 }
  - local: templates/audit/template.yml
    inputs:
      releases: ["one==1.0", "two==2.0"]
      index_url: "https://gitlab.com/api/v4/projects/1/packages/pypi/simple"
      certificate_identity: "https://gitlab.com/a/b//c@refs/tags/v1"
make: { script: ["true"], artifacts: { paths: [dist/] } }
`;

const singleComponents: Check = {
  peers: ["gitlab-ci-local", "rsync"],
  does: "finds the components sign, verify and audit valid, with shards and a matrix",
  run: async (world) => {
    const output = await list(world, await makeProject(world, "1.0.0", SINGLE));
    for (const job of ["wheelseal-sign", "wheelseal-verify-shard: [3/3]", "wheelseal-verify"]) {
      assert.ok(output.includes(job), `${job} is not listed:\n${output}`);
    }
    assert.match(output, /wheelseal-audit: \[two==2\.0\]/);
  },
};

const ownPipeline: Check = {
  peers: ["gitlab-ci-local", "rsync"],
  does: "finds this repository's own configuration valid",
  run: async (world) => {
    const project = await makeProject(
      world,
      "1.0.0",
      await readFile(join(REPOSITORY, ".gitlab-ci.yml"), "utf8"),
    );
    const output = await list(world, project);
    for (const job of ["check", "bundle", "npm-publish", ...JOBS.map((one) => `wheelseal-${one}`)])
      assert.match(output, new RegExp(`^${job}\\b`, "m"));
  },
};

const JOBS = ["build", "sign", "verify", "publish-signatures", "publish", "consume"];

const green: Check = {
  peers: ["gitlab-ci-local", "rsync"],
  does: "finds the component's schema valid and runs its six jobs green",
  run: async (world) => {
    const outcome = succeeded(await runPipeline(world, "1.0.0"));
    assert.match(outcome.output, /json schema validated/);
    assert.deepEqual(summary(outcome.output, "PASS"), JOBS);
  },
};

const refuses = (fault: Fault): Check => ({
  peers: ["gitlab-ci-local", "rsync"],
  does: `stops at ${fault.job} for ${fault.name}`,
  run: async (world) => {
    const { output, code } = await runPipeline(world, fault.version, fault);
    assert.notEqual(code, 0, output.slice(-4000));
    assert.deepEqual(summary(output, "FAIL"), [fault.job], output.slice(-4000));
    assert.match(output, new RegExp(`error\\[${fault.code}\\]`));
    assert.deepEqual(summary(output, "PASS"), JOBS.slice(0, JOBS.indexOf(fault.job)));
  },
});

/** Another file is in the registry already, under the name that the release's wheel will have. */
const occupy = async (world: World): Promise<void> => {
  const name = "wheelseal_greeter_ci-1.0.6-py3-none-any.whl";
  const form = new FormData();
  const content = await readFile(join(world.release.folder, world.release.wheel));
  form.set("content", new File([content], name));
  form.set("name", "wheelseal-greeter-ci");
  form.set("version", "1.0.6");
  form.set("sha256_digest", await sha256(content));
  const credentials = btoa(`gitlab-ci-token:${world.stack.jobToken}`);
  const headers = { authorization: `Basic ${credentials}` };
  const answer = await fetch(world.pypi, { method: "POST", body: form, headers });
  assert.equal(answer.status, 201, await answer.text());
};

const sha256 = async (content: Uint8Array<ArrayBuffer>): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", content)).toString("hex");

const FAULTS: readonly Fault[] = [
  {
    ...{ name: "a wheel that was tampered with", job: "verify", code: "DIST_ZIP" },
    version: "1.0.1",
    before: { job: "verify", commands: ["printf x >> dist/*.whl"] },
  },
  {
    ...{
      name: "another identity than expected",
      job: "sign",
      code: "(SIGN_SELF_CHECK|IDENTITY_MISMATCH)",
    },
    version: "1.0.2",
    inputs: [
      'certificate_identity: "https://gitlab.com/somebody/else//.gitlab-ci.yml@refs/heads/main"',
    ],
  },
  {
    ...{
      name: "another ref than the job's",
      job: "sign",
      code: "(SIGN_SELF_CHECK|IDENTITY_MISMATCH)",
    },
    version: "1.0.3",
    token: { ref: "feature" },
  },
  {
    ...{ name: "a missing signature", job: "verify", code: "EVIDENCE_MISSING" },
    version: "1.0.4",
    before: { job: "verify", commands: ["rm dist/*.whl.*"] },
  },
  {
    ...{ name: "an expired token", job: "sign", code: "TOKEN_EXPIRED" },
    version: "1.0.5",
    token: { lifetime: 1 },
  },
  {
    ...{ name: "an index with another digest", job: "publish", code: "UPLOAD_CONFLICT" },
    version: "1.0.6",
    prepare: occupy,
  },
  {
    ...{ name: "a job without an id_token", job: "sign", code: "TOKEN_MISSING" },
    version: "1.0.7",
    token: false,
  },
  {
    name: "a registry that is down",
    ...{ job: "publish-signatures", code: "NETWORK_UNREACHABLE" },
    version: "1.0.8",
    variables: { CI_API_V4_URL: "http://127.0.0.1:9/api/v4" },
  },
  {
    ...{ name: "an older release, replayed", job: "verify", code: "DIST_CHANGED" },
    version: "1.0.9",
    before: { job: "verify", commands: ['rm -r dist && cp -r "$OLDER_RELEASE" dist'] },
  },
  {
    ...{ name: "an empty dist folder", job: "verify", code: "BUILD_RECORD" },
    version: "1.0.10",
    before: { job: "verify", commands: ["rm dist/*"] },
  },
];

export const GITLAB_CI_LOCAL: readonly Check[] = [
  singleComponents,
  ownPipeline,
  green,
  ...FAULTS.map(refuses),
];
