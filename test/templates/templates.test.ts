import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../../src/cli/version.ts";
import {
  COMPONENTS,
  expand,
  type Input,
  inputsTable,
  type Job,
  ownConfiguration,
  readComponent,
  usedInputs,
  withTables,
} from "./component.ts";

const TYPES = ["string", "number", "boolean", "array"];

const typeOf = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value);

const checkInput = (name: string, input: Input): void => {
  const type = input.type ?? "string";
  assert.ok(TYPES.includes(type), `${name}: type ${type}`);
  assert.match(input.description ?? "", /^[A-Z].*\.$/s, `${name} has no description`);
  const known = ["description", "type", "default", "options", "regex"];
  assert.deepEqual(
    Object.keys(input).filter((key) => !known.includes(key)),
    [],
  );
  if (input.regex !== undefined) assert.equal(type, "string", `${name}: a regex is for strings`);
  if (input.default === undefined) return;
  assert.equal(typeOf(input.default), type, `${name}: its default has another type`);
  // GitLab does not put inputs into the header.
  assert.doesNotMatch(JSON.stringify(input.default), /\$\[\[/, name);
  if (input.options !== undefined) assert.ok(input.options.includes(input.default), name);
  if (input.regex !== undefined) {
    assert.match(String(input.default), new RegExp(input.regex), name);
  }
};

const scriptOf = (job: Job): string => [...(job.before_script ?? []), ...(job.script ?? [])].join();

for (const name of COMPONENTS) {
  const component = readComponent(name);
  const jobs = Object.entries(expand(component)).filter(([job]) => !job.startsWith("."));

  test(`${name}: each input is typed, described, sound by its own rules, and used`, () => {
    for (const [input, spec] of Object.entries(component.inputs)) checkInput(input, spec);
    assert.deepEqual(
      [...usedInputs(component)].sort(),
      Object.keys(component.inputs).sort(),
      "declared and used inputs differ",
    );
    assert.doesNotMatch(JSON.stringify(expand(component)), /\$\[\[/);
  });

  test(`${name}: jobs need and extend what is there`, () => {
    const all = expand(component);
    for (const [job, spec] of jobs) {
      if (spec.extends !== undefined) assert.ok(spec.extends in all, `${job} extends nothing`);
      for (const needed of spec.needs ?? []) {
        assert.ok(needed in all || needed === "the-needs", `${job} needs ${needed}`);
      }
      assert.ok(scriptOf(spec) !== "", `${job} does nothing`);
    }
  });

  test(`${name}: a job with an identity installs nothing, and only it has one`, () => {
    for (const [job, spec] of jobs) {
      const signs = job.endsWith("-sign");
      assert.equal(spec.id_tokens !== undefined, signs, job);
      if (!signs) continue;
      assert.deepEqual(spec.id_tokens, { SIGSTORE_ID_TOKEN: { aud: "sigstore" } });
      assert.doesNotMatch(scriptOf(spec), /pip|npm|curl|wget|apt|python/);
      assert.doesNotMatch(JSON.stringify(spec.image), /python/);
    }
  });

  test(`${name}: names the version that it is released with`, () => {
    for (const spec of Object.values(component.inputs)) {
      const named = /wheelseal(?:==|\/wheelseal:)([\d.]+)/.exec(String(spec.default))?.[1];
      if (named !== undefined) assert.equal(named, VERSION);
    }
  });

  test(`${name}: docs/component.md shows its inputs`, () => {
    const page = readFileSync(new URL("../../docs/component.md", import.meta.url), "utf8");
    assert.ok(page.includes(inputsTable(name)), "run npm run docs:component");
    assert.equal(withTables(page), page);
  });
}

const pipeline = readComponent("pipeline");

test("pipeline: six jobs, in the order of the six stages", () => {
  const jobs = Object.keys(expand(pipeline, { job_prefix: "x" }));
  const stages = ["build", "sign", "verify", "publish-signatures", "publish", "consume"];
  assert.deepEqual(jobs, [".x", ...stages.map((stage) => `x-${stage}`)]);
});

test("pipeline: included twice with two prefixes, no job, group or report is shared", () => {
  const names = (prefix: string): string[] => {
    const jobs = Object.entries(expand(pipeline, { job_prefix: prefix }));
    return jobs.flatMap(([job, { artifacts, resource_group: group }]) => [
      job,
      ...(group === undefined ? [] : [group]),
      ...Object.values(artifacts?.reports ?? {}),
    ]);
  };
  const first = new Set(names("one"));
  assert.deepEqual(
    names("two").filter((name) => first.has(name)),
    [],
  );
});

test("pipeline: no unprotected ref and no merge request releases, whatever else is asked for", () => {
  const jobs = expand(pipeline);
  const [first, second] = jobs[".wheelseal"]?.rules ?? [];
  assert.deepEqual(first, { if: '$CI_COMMIT_REF_PROTECTED != "true"', when: "never" });
  assert.deepEqual(second, { if: '$CI_PIPELINE_SOURCE == "merge_request_event"', when: "never" });
  for (const [name, job] of Object.entries(jobs)) {
    if (name === ".wheelseal") continue;
    assert.equal(job.extends, ".wheelseal", name);
    assert.equal(job.rules, undefined, `${name} has rules of its own`);
  }
});

test("pipeline: the job that runs the project's build tells the others nothing but its artifacts", () => {
  const jobs = expand(pipeline);
  assert.equal(jobs["wheelseal-build"]?.artifacts?.reports, undefined);
  for (const [name, job] of Object.entries(jobs)) {
    if (name.startsWith(".") || name === "wheelseal-sign" || name === "wheelseal-build") continue;
    assert.ok(!job.needs?.includes("wheelseal-build"), `${name} takes what was not signed`);
    assert.ok(job.needs?.includes("wheelseal-sign"), `${name} is not held to the record`);
  }
});

test("pipeline: only the build sees the checkout, and caches inside a folder that it leaves out", () => {
  const jobs = expand(pipeline);
  assert.equal(jobs[".wheelseal"]?.variables?.GIT_STRATEGY, "empty");
  const strategies = Object.entries(jobs).filter(
    ([name, job]) => !name.startsWith(".") && job.variables?.GIT_STRATEGY !== undefined,
  );
  assert.deepEqual(
    strategies.map(([name]) => name),
    ["wheelseal-build"],
  );
  const cache = jobs["wheelseal-build"]?.variables?.PIP_CACHE_DIR;
  assert.equal(cache, "$CI_PROJECT_DIR/.wheelseal-cache/pip");
});

test("this repository's own pipeline is the component's, and gives an identity to no other job", () => {
  const keywords = ["include", "stages", "default", "variables"];
  const jobs = Object.entries(ownConfiguration()).filter(([name]) => !keywords.includes(name));
  const all = { ...expand(pipeline), ...Object.fromEntries(jobs) };
  for (const [name, job] of jobs) {
    // A job of such a name would be read as a setting of the whole pipeline.
    assert.ok(!["image", "services", "cache", "pages", "workflow"].includes(name), name);
    for (const needed of job.needs ?? []) assert.ok(needed in all, `${name} needs ${needed}`);
    if (!["npm-seal", "npm-publish"].includes(name)) assert.equal(job.id_tokens, undefined, name);
  }
  const { script = [], variables } = all["npm-seal"] ?? {};
  for (const command of [script].flat()) assert.match(command, /^wheelseal (sign|verify) /);
  assert.equal(variables?.GIT_STRATEGY, "none", "npm-seal has no project code");
  assert.deepEqual(all["wheelseal-sign"]?.needs, ["wheelseal-build", "tool-image"]);
});
