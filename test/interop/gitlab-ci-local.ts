import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Check } from "./check.ts";
import {
  type Fault,
  greeter,
  list,
  makeProject,
  REPOSITORY,
  runPipeline,
} from "./component-run.ts";
import { succeeded, type World } from "./world.ts";

const summary = (output: string, verdict: "PASS" | "FAIL"): string[] =>
  [...output.matchAll(new RegExp(`^\\s*${verdict}\\s+wheelseal-([a-z-]+)`, "gm"))].map(
    ([, job = ""]) => job,
  );

const SINGLE = `include:
  - { local: templates/sign/template.yml, inputs: { needs: make } }
  - local: templates/verify/template.yml
    inputs: { needs: wheelseal-sign, stage: deploy, certificate_identity: "https://gitlab.com/a/b//c@refs/tags/v1", shards: 3 }
  - local: templates/audit/template.yml
    inputs:
      releases: ["one==1.0", "two==2.0"]
      index_url: "https://gitlab.com/api/v4/projects/1/packages/pypi/simple"
      certificate_identity: "https://gitlab.com/a/b//c@refs/tags/v1"
  - local: templates/audit-lock/template.yml
    inputs: { shards: 2, index_url: "https://gitlab.com/api/v4/projects/1/packages/pypi/simple" }
make: { script: ["true"], artifacts: { paths: [dist/] } }
`;

const singleComponents: Check = {
  peers: ["gitlab-ci-local", "rsync"],
  does: "finds the components sign, verify, audit and audit-lock valid, with shards and a matrix",
  run: async (world) => {
    const output = await list(world, await makeProject(world, greeter("1.0.0"), SINGLE));
    for (const job of [
      "wheelseal-sign",
      "wheelseal-verify-shard: [3/3]",
      "wheelseal-verify",
      "wheelseal-audit-lock-shard: [2/2]",
    ]) {
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
      greeter("1.0.0"),
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
    const outcome = succeeded(await runPipeline(world, greeter("1.0.0")));
    assert.match(outcome.output, /json schema validated/);
    assert.deepEqual(summary(outcome.output, "PASS"), JOBS);
  },
};

/** A project of somebody else, as its sdist has it. */
const real = (requirement: string, backend: string): Check => ({
  peers: ["gitlab-ci-local", "rsync", "pip"],
  does: `runs the component green on ${requirement.replace("==", " ")}, which ${backend} builds`,
  run: async (world) => {
    const [name = ""] = requirement.split("==");
    const fetched = join(world.folder, "sdist");
    const wanted = ["--no-deps", "--no-binary", name, "--dest", fetched, requirement];
    const quiet = ["--quiet", "--disable-pip-version-check"];
    succeeded(await world.run(world.program("pip"), ["download", ...quiet, ...wanted]));
    const outcome = await runPipeline(world, async (folder) => {
      const [archive = ""] = await readdir(fetched);
      const unpacked = join(world.folder, "unpacked");
      await mkdir(unpacked);
      succeeded(await world.run("tar", ["-xzf", join(fetched, archive), "-C", unpacked]));
      const [root = ""] = await readdir(unpacked);
      await cp(join(unpacked, root), folder, { recursive: true });
    });
    assert.deepEqual(summary(succeeded(outcome).output, "PASS"), JOBS);
  },
});

const refuses = (fault: Fault): Check => ({
  peers: ["gitlab-ci-local", "rsync"],
  does: `stops at ${fault.job} for ${fault.name}`,
  run: async (world) => {
    const { output, code } = await runPipeline(world, greeter(fault.version), fault);
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

export const GITLAB_CI_LOCAL: readonly Check[] = [singleComponents, ownPipeline, green];

/** Whole pipelines, each with one fault or on a project of somebody else: minutes of them. */
export const COMPONENT: readonly Check[] = [
  real("packaging==25.0", "flit"),
  real("six==1.17.0", "setuptools"),
  ...FAULTS.map(refuses),
];
