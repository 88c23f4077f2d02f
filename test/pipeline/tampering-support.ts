import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { unwrap } from "../../src/formats/result.ts";
import { type Stack, startStack } from "../../src/services/server.ts";
import { ownBackend, write } from "../stages/build-support.ts";
import { temporary } from "./command.ts";
import { codeOf, runHere, type Said } from "./in-process.ts";

export const WHEEL = "tiny_pkg-1.0-py3-none-any.whl";
export const SDIST = "tiny_pkg-1.0.tar.gz";
export const RECORD = "wheelseal-build.json";

const place = temporary();
export const folder = (name: string): string => join(place.path, name);
let stack: Stack;

const local = () => ["--profile", "local", "--state", folder("state")];
export const cli = (...argv: string[]): Promise<Said> =>
  runHere([...argv, ...local()], { cwd: place.path });

export const expectOk = async (said: Promise<Said>): Promise<void> => {
  const { code, err } = await said;
  assert.equal(code, 0, err);
};

/** Two releases of one project; the second and its evidence are what others are swapped for. */
const release = async (version: string, greeting: string, name: string): Promise<void> => {
  const files = ownBackend();
  const pyproject = files["pyproject.toml"]?.replace('"1.0"', `"${version}"`) ?? "";
  write(folder(`${name}-project`), {
    ...files,
    "pyproject.toml": pyproject,
    "tiny_pkg.py": `GREETING = "${greeting}"\n`,
  });
  const built = folder(`${name}-built`);
  const build = ["build", folder(`${name}-project`), "--out", built, "--reproducible"];
  await expectOk(runHere(build, { cwd: place.path }));
  cpSync(built, folder(name), { recursive: true });
  await expectOk(cli("sign", folder(name)));
};

/** The wheel of the other release. */
export const OTHER = "tiny_pkg-2.0-py3-none-any.whl";

/**
 * Starts a stack and signs the releases, for the tests of one file: folder `one`; `evil`, the same
 * name and version with other content; `two`, another version. `one-built` is not signed.
 */
export const withReleases = (): void => {
  before(async () => {
    stack = unwrap(await startStack({ folder: folder("state") }));
    await release("1.0", "hello", "one");
    await release("1.0", "evil", "evil");
    await release("2.0", "hello", "two");
  });

  after(async () => {
    await stack.close();
    place.remove();
  });
};

/** The command ends with exit code 1 and this code. */
export const refuses = async (said: Promise<Said>, code: string): Promise<void> => {
  const answer = await said;
  assert.equal(codeOf(answer), code, answer.err);
  assert.equal(answer.code, 1);
};
