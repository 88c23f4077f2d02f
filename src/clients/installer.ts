import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import { interpreterIn, keptPip } from "./build-tools.ts";
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

/** An environment without any package, for one wheel; it must be discarded in the end. */
export type EmptyEnvironment = {
  /**
   * Installs one verified wheel, without index, dependencies and build, and imports it there.
   *
   * The package's code runs here for the first time, with an empty home and no token in its
   * environment. Fails with INSTALL_FAILED or IMPORT_FAILED.
   */
  install(request: InstallRequest): Promise<Result<Installed>>;
  discard(): Promise<void>;
};

export type Installer = {
  /** Makes a fresh environment; nothing of a package is needed for it. Fails with BUILD_PYTHON or INSTALL_FAILED. */
  prepare(onOutput?: (text: string) => void): Promise<Result<EmptyEnvironment>>;
};

const INSTALL_TIME = 300_000;
const IMPORT_TIME = 120_000;

type Place = {
  readonly work: string;
  readonly python: Python;
  /** The interpreter of the fresh environment. */
  readonly interpreter: string;
  /** Runs the kept pip, which is much faster to have than one in the environment. */
  readonly pip: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
};

/** An installer on this machine, with the interpreter that `wish` describes. */
export const systemInstaller = (wish: PythonWish): Installer => ({
  prepare: async (onOutput = () => {}) => {
    const python = await findPython(wish);
    if (!python.ok) return python;
    const { path: work, discard } = await temporaryFolder("wheelseal-install-");
    await mkdir(join(work, "home"));
    const env = {
      ...plainEnvironment(wish.environment),
      HOME: join(work, "home"),
      USERPROFILE: join(work, "home"),
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const interpreter = interpreterIn(join(work, "venv"));
    const pip = await keptPip(python.value, wish.environment);
    const place = { work, python: python.value, interpreter, pip, env, onOutput };
    const made = await makeEnvironment(place);
    if (!made.ok) {
      await discard();
      return made;
    }
    const install = async (request: InstallRequest) => {
      const installed = await installWheel(place, request);
      return installed.ok ? importModules(place, request) : installed;
    };
    return ok({ install, discard });
  },
});

const makeEnvironment = (place: Place): Promise<Result<void>> => {
  const without = place.pip === undefined ? [] : ["--without-pip"];
  const args = ["-I", "-m", "venv", "--clear", ...without, join(place.work, "venv")];
  return step(place, place.python.path, args);
};

/** Whether pip itself broke down, as one of which files are missing does. */
const brokeDown = ({ error }: { readonly error: Failure }): boolean =>
  /\b(?:ModuleNotFoundError|ImportError): /.test(error.message);

/**
 * pip is the kept one where there is one, and else the interpreter's own copy: no index is asked
 * either way.
 */
const installWheel = async (place: Place, request: InstallRequest): Promise<Result<void>> => {
  const { work, interpreter, pip } = place;
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
  const installed = await step(place, interpreter, [
    ...["-I", ...(pip === undefined ? ["-m", "pip"] : [pip])],
    ...["--isolated", "install", "--quiet", "--no-input"],
    ...["--disable-pip-version-check", "--no-cache-dir", "--no-index", "--no-deps"],
    ...["--only-binary", ":all:", "--require-hashes", "--requirement", listed],
  ]);
  if (installed.ok || pip === undefined || !brokeDown(installed)) return installed;
  const own = { ...place, pip: undefined };
  const made = await makeEnvironment(own);
  return made.ok ? installWheel(own, request) : made;
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
