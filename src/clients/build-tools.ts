import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fail, ok, type Result } from "../formats/result.ts";
import { type Environment, installingEnvironment, plainEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";
import type { Python } from "./python.ts";

/** Exact pins with the digests of their wheels: the index can choose nothing here. */
const PINS = `\
build==1.6.1 --hash=sha256:ecd351a4be9d35a9eaaba244a7687143c9c7d4aea6ac964e7e7ddab20cbcf4e7
packaging==26.3 --hash=sha256:d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c
pip==26.3 --hash=sha256:f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13
pyproject_hooks==1.3.3 --hash=sha256:5fc53fdac9f7bd63fbcdc868fb5f90b4784d78a53a3d3388cd738b807441a20b
tomli==2.5.0 ; python_version < "3.11" --hash=sha256:32a7b79ac57a2e83670ce329ccf675798bc5a2094783a63676866b70503f2e2b
colorama==0.4.6 ; os_name == "nt" --hash=sha256:4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6
`;

const MAKE_TIME = 300_000;
const CHECK_TIME = 30_000;

/** Prints the pinned versions that are importable: a half-made environment cannot. */
const CHECK =
  "import build.env,pip,pyproject_hooks;from importlib.metadata import version as v;" +
  "print(v('build'),v('packaging'),v('pip'),v('pyproject_hooks'))";
const CHECKED = "1.6.1 26.3 26.3 1.3.3";

/** The interpreter inside an environment made by `venv`. */
export const interpreterIn = (environment: string): string =>
  process.platform === "win32"
    ? join(environment, "Scripts", "python.exe")
    : join(environment, "bin", "python");

/** Where things that can be made again are kept for this user. */
const cacheFolder = (environment: Environment): string => {
  const home = environment.HOME ?? homedir();
  const base =
    environment.XDG_CACHE_HOME ??
    (process.platform === "win32"
      ? (environment.LOCALAPPDATA ?? join(home, "AppData", "Local"))
      : join(home, ".cache"));
  return join(base, "wheelseal");
};

/**
 * The interpreter of an environment with pinned `build` and `pip`, made once for each Python
 * version and kept in the user's cache. It is made beside its place and renamed into it, so that
 * several runs at once and killed runs do no harm; one that no longer works is made again.
 *
 * Fails with BUILD_ENVIRONMENT.
 */
export const buildTools = async (
  python: Python,
  environment: Environment,
): Promise<Result<string>> => {
  const place = placeOf(python, environment);
  if (await works(place, environment)) return ok(interpreterIn(place));
  try {
    await mkdir(dirname(place), { recursive: true });
    const made = await mkdtemp(`${place}.`);
    const result = await make(made, python, environment);
    const settled = result.ok ? await moveInto(made, place, environment) : result;
    await rm(made, { recursive: true, force: true });
    return settled;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return fail("BUILD_ENVIRONMENT", `the build tools cannot be kept in ${place}: ${code}`);
  }
};

const placeOf = (python: Python, environment: Environment): string =>
  join(
    cacheFolder(environment),
    "tools",
    `python${python.version}-${python.platform}-build1.6.1-pip26.3`,
  );

/**
 * The script by which another interpreter of the same version runs the kept pip, as `pip --python`
 * does; `undefined` where none is kept, without making it.
 */
export const keptPip = async (
  python: Python,
  environment: Environment,
): Promise<string | undefined> => {
  const [major, minor] = python.version.split(".");
  const library = process.platform === "win32" ? ["Lib"] : ["lib", `python${major}.${minor}`];
  const place = placeOf(python, environment);
  const runner = join(place, ...library, "site-packages", "pip", "__pip-runner__.py");
  return access(runner).then(
    () => runner,
    () => undefined,
  );
};

const works = async (place: string, environment: Environment): Promise<boolean> => {
  const ended = await runProgram(
    {
      program: interpreterIn(place),
      args: ["-I", "-c", CHECK],
      env: plainEnvironment(environment),
      timeout: CHECK_TIME,
    },
    "BUILD_ENVIRONMENT",
  );
  return ended.ok && ended.value.exitCode === 0 && ended.value.stdout.trim() === CHECKED;
};

const make = async (
  place: string,
  python: Python,
  environment: Environment,
): Promise<Result<void>> => {
  const listed = join(place, "pins.txt");
  await writeFile(listed, PINS);
  const steps: readonly [program: string, args: readonly string[]][] = [
    [python.path, ["-I", "-m", "venv", place]],
    [
      interpreterIn(place),
      [
        ...["-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"],
        ...["--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", listed],
      ],
    ],
  ];
  const env = { ...plainEnvironment(environment), ...installingEnvironment(environment) };
  for (const [program, args] of steps) {
    const ended = await runProgram({ program, args, env, timeout: MAKE_TIME }, "BUILD_ENVIRONMENT");
    if (!ended.ok) return ended;
    if (ended.value.exitCode !== 0) {
      return fail(
        "BUILD_ENVIRONMENT",
        `the build tools cannot be installed: ${lastLines(ended.value.tail, 6)}`,
      );
    }
  }
  return ok(undefined);
};

const moveInto = async (
  made: string,
  place: string,
  environment: Environment,
): Promise<Result<string>> => {
  const moved = await rename(made, place).then(
    () => true,
    () => false,
  );
  if (moved || (await works(place, environment))) return ok(interpreterIn(place));
  // What is there is broken, or another run is replacing it: put it aside and try once more.
  await rename(place, `${made}.old`).catch(() => {});
  await rm(`${made}.old`, { recursive: true, force: true });
  await rename(made, place).catch(() => {});
  return (await works(place, environment))
    ? ok(interpreterIn(place))
    : fail("BUILD_ENVIRONMENT", `the build tools in ${place} do not work`);
};
