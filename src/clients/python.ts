import { fail, ok, type Result } from "../formats/result.ts";
import { type Environment, plainEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";

/** An interpreter that runs and is recent enough. */
export type Python = {
  /** The program as it is to be started. */
  readonly path: string;
  /** For example `3.12.1`. */
  readonly version: string;
  readonly implementation: string;
  /** `sysconfig`'s name of the platform, for example `linux-x86_64`. */
  readonly platform: string;
  /** `platform.platform()`, as a build record states it. */
  readonly system: string;
};

export type PythonWish = {
  /** From --python: a path or a command name; nothing else is tried. */
  readonly python?: string;
  /** From PYTHON_VERSION: `3.10` or `3.10.14`; any other interpreter is refused. */
  readonly pythonVersion?: string;
  readonly environment: Environment;
};

const OLDEST_MINOR = 10;
const PROBE_TIME = 20_000;

const PROBE =
  "import json,platform,sys,sysconfig;print(json.dumps([sys.executable," +
  "platform.python_version(),platform.python_implementation(),sysconfig.get_platform()," +
  "platform.platform()," +
  "list(sys.version_info[:2])]))";

type Probe = { readonly python: Python; readonly minor: number };

const probe = async (path: string, environment: Environment): Promise<Result<Probe>> => {
  const ended = await runProgram(
    {
      program: path,
      args: ["-I", "-c", PROBE],
      env: plainEnvironment(environment),
      timeout: PROBE_TIME,
    },
    "BUILD_PYTHON",
  );
  if (!ended.ok) return ended;
  if (ended.value.exitCode !== 0) {
    return fail("BUILD_PYTHON", `${path} does not run: ${lastLines(ended.value.tail, 1)}`);
  }
  return parseProbe(path, ended.value.stdout);
};

const parseProbe = (path: string, printed: string): Result<Probe> => {
  try {
    const [executable, version, implementation, platform, system, [major, minor]] =
      JSON.parse(printed);
    if (major !== 3) return fail("BUILD_PYTHON", `${path} is Python ${version}`);
    return ok({
      python: {
        ...{ version, implementation, platform, system },
        path: executable === "" ? path : executable,
      },
      minor,
    });
  } catch {
    return fail("BUILD_PYTHON", `${path} is not a Python interpreter`);
  }
};

/** `3.10` matches 3.10.x, `3.10.14` only itself; a prefix of a number is no match. */
const matches = (version: string, wanted: string): boolean =>
  version === wanted || version.startsWith(`${wanted}.`);

const candidates = (wish: PythonWish): string[] => {
  if (wish.python !== undefined) return [wish.python];
  const short = wish.pythonVersion?.split(".").slice(0, 2).join(".");
  return [...(short === undefined ? [] : [`python${short}`]), "python3", "python"];
};

/**
 * The first interpreter that runs, is Python 3.10 or later and is the version asked for.
 *
 * Fails with BUILD_PYTHON and says of each candidate why it was not taken.
 */
export const findPython = async (wish: PythonWish): Promise<Result<Python>> => {
  const wanted = wish.pythonVersion;
  if (wanted !== undefined && !/^3\.\d+(\.\d+)?$/.test(wanted)) {
    return fail("BUILD_PYTHON", `PYTHON_VERSION "${wanted}" is not like 3.10 or 3.10.14`);
  }
  const reasons: string[] = [];
  for (const path of candidates(wish)) {
    const found = await probe(path, wish.environment);
    if (!found.ok) {
      reasons.push(found.error.message);
      continue;
    }
    const { python, minor } = found.value;
    if (minor < OLDEST_MINOR) reasons.push(`${path} is Python ${python.version}, older than 3.10`);
    else if (wanted !== undefined && !matches(python.version, wanted))
      reasons.push(`${path} is Python ${python.version}, not ${wanted}`);
    else return ok(python);
  }
  return fail("BUILD_PYTHON", `no suitable Python: ${reasons.join("; ")}`);
};
