import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, ok, type Result } from "../formats/result.ts";
import { interpreterIn, presentTools } from "./build-tools.ts";
import { plainEnvironment } from "./environment.ts";
import { IMPORT_SCRIPT } from "./import-script.ts";
import { lastLines, runProgram } from "./process.ts";
import { findPython, type Python, type PythonWish } from "./python.ts";
import { temporaryFolder } from "./temporary.ts";

export type InstallRequest = {
  /** A wheel that was verified; its file name must be a wheel's. */
  readonly wheelPath: string;
  /** Lower-case hexadecimal digest of the verified bytes: pip refuses any others. */
  readonly sha256: string;
  /** The distribution's name. */
  readonly name: string;
  /** Modules to import instead of the top-level ones that RECORD lists. */
  readonly importNames?: readonly string[];
};

export type Installed = {
  /** As the installed metadata says. */
  readonly version: string;
  /** Modules that were imported. */
  readonly imported: readonly string[];
  /** Modules whose import needs a dependency, which is not installed here. */
  readonly skipped: readonly { readonly module: string; readonly missing: string }[];
  /** Version of the interpreter, for example `3.12.1`. */
  readonly python: string;
};

export type Installer = {
  /**
   * Installs one verified wheel, without index, dependencies and build, into a fresh environment,
   * imports it there and removes the environment.
   *
   * The package's code runs here for the first time, with an empty home and no token in its
   * environment. Fails with BUILD_PYTHON, INSTALL_FAILED or IMPORT_FAILED.
   */
  install(request: InstallRequest, onOutput?: (text: string) => void): Promise<Result<Installed>>;
};

const INSTALL_TIME = 300_000;
const IMPORT_TIME = 120_000;

type Place = {
  readonly work: string;
  readonly python: Python;
  /** The interpreter of the fresh environment. */
  readonly interpreter: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
};

/** An installer on this machine, with the interpreter that `wish` describes. */
export const systemInstaller = (wish: PythonWish): Installer => ({
  install: async (request, onOutput = () => {}) => {
    const python = await findPython(wish);
    if (!python.ok) return python;
    const { path: work, discard } = await temporaryFolder("wheelseal-install-");
    try {
      await mkdir(join(work, "home"));
      const env = {
        ...plainEnvironment(wish.environment),
        HOME: join(work, "home"),
        USERPROFILE: join(work, "home"),
        PYTHONDONTWRITEBYTECODE: "1",
      };
      const interpreter = interpreterIn(join(work, "venv"));
      const place = { work, python: python.value, interpreter, env, onOutput };
      const tools = await presentTools(python.value, wish.environment);
      const installed = await installWheel(place, tools, request);
      return installed.ok ? await importModules(place, request) : installed;
    } finally {
      await discard();
    }
  },
});

/**
 * pip comes from the kept tools where there are any, which is much faster, and else from the
 * interpreter's own copy: no index is asked either way.
 */
const installWheel = async (
  place: Place,
  tools: string | undefined,
  request: InstallRequest,
): Promise<Result<void>> => {
  const { work, interpreter } = place;
  // A private copy: what pip digests and what it unpacks is the same file, whoever owns the first.
  const wheel = join(work, basename(request.wheelPath));
  const copied = await copyFile(request.wheelPath, wheel).then(
    () => true,
    () => false,
  );
  if (!copied) return fail("FILE_UNREADABLE", `${request.wheelPath} cannot be read`);
  const listed = join(work, "requirements.txt");
  const url = pathToFileURL(wheel).href;
  await writeFile(listed, `${request.name} @ ${url} --hash=sha256:${request.sha256}\n`);
  const withoutPip = tools === undefined ? [] : ["--without-pip"];
  const made = await step(place, place.python.path, [
    ...["-I", "-m", "venv", ...withoutPip, join(work, "venv")],
  ]);
  if (!made.ok) return made;
  const from = tools === undefined ? [] : ["--python", interpreter];
  return step(place, tools ?? interpreter, [
    ...["-I", "-m", "pip", ...from, "--isolated", "install", "--quiet", "--no-input"],
    ...["--disable-pip-version-check", "--no-cache-dir", "--no-index", "--no-deps"],
    ...["--only-binary", ":all:", "--require-hashes", "--requirement", listed],
  ]);
};

const step = async (
  place: Place,
  program: string,
  args: readonly string[],
): Promise<Result<void>> => {
  const { work: cwd, env, onOutput } = place;
  const run = { program, args, env, cwd, timeout: INSTALL_TIME, onOutput };
  const ended = await runProgram(run, "INSTALL_FAILED");
  if (!ended.ok) return ended;
  if (ended.value.exitCode === 0) return ok(undefined);
  return fail("INSTALL_FAILED", lastLines(ended.value.tail, 6));
};

type Answer = Omit<Installed, "python"> & {
  readonly failed?: { readonly module: string; readonly message: string };
};

const importModules = async (place: Place, request: InstallRequest): Promise<Result<Installed>> => {
  const script = join(place.work, "import-script.py");
  const answerFile = join(place.work, "imported.json");
  await writeFile(script, IMPORT_SCRIPT);
  const ended = await runProgram(
    {
      program: place.interpreter,
      args: ["-I", "-B", script, request.name, answerFile, ...(request.importNames ?? [])],
      env: place.env,
      cwd: join(place.work, "home"),
      timeout: IMPORT_TIME,
      onOutput: place.onOutput,
    },
    "IMPORT_FAILED",
  );
  if (!ended.ok) return ended;
  const text = await readFile(answerFile, "utf8").catch(() => undefined);
  if (ended.value.exitCode !== 0 || text === undefined) {
    const { exitCode, tail } = ended.value;
    return fail("IMPORT_FAILED", `the interpreter ended with ${exitCode}: ${lastLines(tail, 6)}`);
  }
  const answer: Answer = JSON.parse(text);
  if (answer.failed !== undefined) {
    return fail("IMPORT_FAILED", `import ${answer.failed.module}: ${answer.failed.message}`);
  }
  const { version, imported, skipped } = answer;
  return ok({ version, imported, skipped, python: place.python.version });
};
