import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { VERSION } from "../../src/cli/version.ts";
import { openShell } from "./shell.ts";

const PYPROJECT = `# kept as it is
[project]
name   =   "My.Package"   # odd spacing
dynamic = ["version"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
`;

const COMPONENT = `$CI_SERVER_FQDN/wheelseal/wheelseal/pipeline@${VERSION}`;

const project = (at = ".") => {
  const shell = openShell();
  const folder = join(shell.folder, at);
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(shell.folder, ".git"));
  writeFileSync(join(folder, "pyproject.toml"), PYPROJECT);
  return {
    ...shell,
    pyproject: () => readFileSync(join(folder, "pyproject.toml"), "utf8"),
    ci: join(shell.folder, ".gitlab-ci.yml"),
  };
};

test("init writes the include and the table, and nothing the second time", () => {
  const { run, pyproject, ci } = project();
  const { output, code } = run("wheelseal init");
  assert.equal(code, 0, output);
  assert.match(output, /^my-package \(version from the backend\), built by hatchling\.build$/m);
  assert.match(output, /Protected tags/);
  assert.deepEqual(parse(readFileSync(ci, "utf8")), { include: [{ component: COMPONENT }] });
  assert.equal(pyproject(), `${PYPROJECT}\n[tool.wheelseal]\nreproducible = true\n`);
  const again = JSON.parse(run("wheelseal init --json").output);
  assert.deepEqual([again.wrote, again.add], [[], []]);
});

test("init in a package of a repository includes it from the repository's root", () => {
  const { run, ci } = project("packages/one");
  assert.equal(run("wheelseal init packages/one").code, 0);
  const inputs = { project: "packages/one", job_prefix: "my-package" };
  assert.deepEqual(parse(readFileSync(ci, "utf8")), {
    include: [{ component: COMPONENT, inputs }],
  });
});

test("init shows what to add to a CI configuration that is there, and leaves it", () => {
  const { run, ci } = project();
  writeFileSync(ci, "# mine\n");
  const { output } = run("wheelseal init");
  assert.match(output, /^add to DIR\/\.gitlab-ci\.yml:$/m);
  assert.ok(output.includes(`  - component: ${COMPONENT}`));
  assert.equal(readFileSync(ci, "utf8"), "# mine\n");
});

test("init --dry-run writes nothing", () => {
  const { run, pyproject, ci } = project();
  assert.match(run("wheelseal init --dry-run").output, /^would write DIR\/\.gitlab-ci\.yml$/m);
  assert.equal(pyproject(), PYPROJECT);
  assert.ok(!existsSync(ci));
});

for (const [name, text, error] of [
  ["no project table", "[build-system]\n", "BUILD_PROJECT"],
  ["a name that is none", '[project]\nname = "-"\n', "DIST_NAME"],
  ["no TOML", "[project\n", "FORMAT_TOML"],
] as const) {
  test(`init refuses a pyproject.toml with ${name}`, () => {
    const { run, folder } = project();
    writeFileSync(join(folder, "pyproject.toml"), text);
    const { output, code } = run("wheelseal init");
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`error\\[${error}\\]`));
    assert.ok(!existsSync(join(folder, ".gitlab-ci.yml")));
  });
}
