import { copyFile, mkdir, open, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { BUILD_SCRIPT } from "./build-script.ts";
import { type BuildInputs, type BuildRequest, prepareSource } from "./build-source.ts";
import { buildTools } from "./build-tools.ts";
import { buildingEnvironment, type Environment, installingEnvironment } from "./environment.ts";
import { lastLines, runProgram } from "./process.ts";
import { findPython, type Python, type PythonWish } from "./python.ts";
import type { SourceCopy } from "./source-copy.ts";
import { temporaryFolder } from "./temporary.ts";

/** What a backend made, in a temporary folder. */
export type Build = {
  /** Names as the backend chose them: not checked. */
  readonly filenames: readonly string[];
  /** The path of one of them. */
  path(filename: string): string;
  /** Copies one into a folder, so that a reader sees the whole file or none. */
  place(filename: string, folder: string): Promise<Result<void>>;
  /** Removes the temporary folder with everything in it. */
  discard(): Promise<void>;
  readonly source: BuildRecord["source"];
  readonly metadata: BuildRecord["settings"]["metadata"];
  readonly backend: BuildRecord["backend"];
  readonly python: BuildRecord["python"];
  readonly resolved: BuildRecord["resolved"];
};

export type Builder = {
  /** What `build` would start from now; makes nothing. Fails as `build` does. */
  inputs(request: BuildRequest): Promise<Result<BuildInputs>>;
  /**
   * Builds an sdist from a copy of the project and a wheel from that sdist, in isolated
   * environments. Fails with a BUILD_ code, CONFIG or FORMAT_TOML; `onOutput` is given what pip
   * and the backend print.
   */
  build(request: BuildRequest, onOutput: (text: string) => void): Promise<Result<Build>>;
};

const BUILD_TIME = 3_600_000;
const MAX_OUTPUT = 256 * 1024 * 1024;

type Answer =
  | { readonly ok: false; readonly step: string; readonly message: string }
  | ({
      readonly ok: true;
      readonly sdist: string;
      readonly wheel: string;
    } & Pick<BuildRecord, "backend" | "python" | "resolved">);

/** A builder on this machine. `wish.environment` is the environment of the tool itself. */
export const systemBuilder = (wish: PythonWish): Builder => ({
  inputs: async (request) => {
    const begun = await begin(request, wish);
    if (!begun.ok) return begun;
    const { work, located, python, discard } = begun.value;
    try {
      const prepared = await prepareSource(work, located, wish.environment);
      if (!prepared.ok) return prepared;
      const { version, implementation, system } = python;
      const { source, metadata } = prepared.value;
      return ok({ source, metadata, python: { version, implementation, platform: system } });
    } finally {
      await discard();
    }
  },
  build: async (request, onOutput) => {
    const begun = await begin(request, wish);
    if (!begun.ok) return begun;
    const { work, located, python, discard } = begun.value;
    try {
      const built = await buildIn(work, located, python, wish.environment, onOutput);
      if (!built.ok) await discard();
      return built.ok ? ok({ ...built.value, discard }) : built;
    } catch (error) {
      await discard();
      throw error;
    }
  },
});

type Begun = {
  /** A temporary folder that `discard` removes. */
  readonly work: string;
  /** The request with real paths. */
  readonly located: BuildRequest;
  readonly python: Python;
  readonly discard: () => Promise<void>;
};

const begin = async (request: BuildRequest, wish: PythonWish): Promise<Result<Begun>> => {
  const project = await projectFolder(request.project);
  if (!project.ok) return project;
  const python = await findPython(wish);
  if (!python.ok) return python;
  const located = { ...request, project: project.value, out: await realFuture(request.out) };
  const { path: work, discard } = await temporaryFolder("wheelseal-build-");
  return ok({ work, located, python: python.value, discard });
};

/** The real path that a folder will have once it is made. */
const realFuture = async (folder: string): Promise<string> => {
  const path = resolve(folder);
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realFuture(dirname(path)), basename(path));
};

/** A folder with a pyproject.toml, or with a setup.py as older projects have. */
const projectFolder = async (folder: string): Promise<Result<string>> => {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined) return fail("BUILD_PROJECT", `there is no folder ${folder}`);
  for (const name of ["pyproject.toml", "setup.py"]) {
    const present = await readFile(join(real, name)).catch(() => undefined);
    if (present !== undefined) return ok(real);
  }
  return fail("BUILD_PROJECT", `${folder} has no pyproject.toml`);
};

type BuildParts = Omit<Build, "discard">;

const buildIn = async (
  work: string,
  request: BuildRequest,
  python: Python,
  environment: Environment,
  onOutput: (text: string) => void,
): Promise<Result<BuildParts>> => {
  const tools = await buildTools(python, environment);
  if (!tools.ok) return tools;
  const prepared = await prepareSource(work, request, environment);
  if (!prepared.ok) return prepared;
  const { copy, source, metadata } = prepared.value;
  const answer = await runScript(work, tools.value, copy, request, environment, onOutput);
  if (!answer.ok) return answer;
  const { sdist, wheel, backend, resolved } = answer.value;
  const made = join(work, "out");
  return ok({
    filenames: [wheel, sdist],
    path: (filename) => join(made, filename),
    place: (filename, folder) => place(join(made, filename), folder, filename),
    source,
    metadata,
    backend,
    python: answer.value.python,
    resolved,
  });
};

/** Same path, hash seed and flags in every build: what compilers put into their output. */
const settledVariables = (work: string, env: Readonly<Record<string, string>>) => {
  const flags = `-g0 -ffile-prefix-map=${work}=.`;
  const withFlags = (name: string) => [env[name], flags].filter(Boolean).join(" ");
  return { PYTHONHASHSEED: "0", CFLAGS: withFlags("CFLAGS"), CXXFLAGS: withFlags("CXXFLAGS") };
};

const backendVariables = (
  work: string,
  copy: SourceCopy,
  reproducible: boolean,
  environment: Environment,
): Record<string, string> => {
  const env = buildingEnvironment(environment);
  const home = environment.HOME;
  // An empty home: what a user keeps there neither leaks into a build nor changes it.
  const rust =
    home === undefined
      ? {}
      : { CARGO_HOME: join(home, ".cargo"), RUSTUP_HOME: join(home, ".rustup") };
  return {
    ...rust,
    ...env,
    HOME: join(work, "home"),
    USERPROFILE: join(work, "home"),
    TMPDIR: join(work, "tmp"),
    TEMP: join(work, "tmp"),
    TMP: join(work, "tmp"),
    SOURCE_DATE_EPOCH: String(copy.sourceDateEpoch),
    PYTHONNOUSERSITE: "1",
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONUNBUFFERED: "1",
    PYTHONUTF8: "1",
    ...(reproducible ? settledVariables(work, env) : {}),
  };
};

const runScript = async (
  work: string,
  interpreter: string,
  copy: SourceCopy,
  request: BuildRequest,
  environment: Environment,
  onOutput: (text: string) => void,
): Promise<Result<Answer & { ok: true }>> => {
  for (const name of ["home", "tmp", "environments", "out"]) await mkdir(join(work, name));
  const script = join(work, "build-script.py");
  const answerFile = join(work, "answer.json");
  await writeFile(script, BUILD_SCRIPT);
  const input = {
    source: copy.folder,
    work: join(work, "environments"),
    out: join(work, "out"),
    answer: answerFile,
    epoch: copy.sourceDateEpoch,
    reproducible: request.reproducible,
    installing: installingEnvironment(environment),
  };
  const ended = await runProgram(
    {
      program: interpreter,
      args: ["-I", script],
      env: backendVariables(work, copy, request.reproducible, environment),
      cwd: work,
      timeout: BUILD_TIME,
      input: `${JSON.stringify(input)}\n`,
      lifeline: true,
      maxOutput: MAX_OUTPUT,
      onOutput,
    },
    "BUILD_FAILED",
  );
  if (!ended.ok) return ended;
  const text = await readFile(answerFile, "utf8").catch(() => undefined);
  const answer: Answer = text === undefined ? NO_ANSWER : JSON.parse(text);
  return answer.ok ? ok(answer) : refusal(answer, ended.value.tail);
};

const NO_ANSWER = { ok: false, step: "backend", message: "the build ended early" } as const;

const refusal = (answer: Answer & { ok: false }, tail: string): Result<never> => {
  const said = lastLines(tail, 12);
  const message = said === "" ? answer.message : `${answer.message}\n${said}`;
  switch (answer.step) {
    case "environment":
      return fail("BUILD_ENVIRONMENT", message);
    case "output":
      return fail("BUILD_OUTPUT", answer.message);
    default:
      return fail("BUILD_FAILED", message);
  }
};

let placed = 0;

const place = async (from: string, folder: string, filename: string): Promise<Result<void>> => {
  placed += 1;
  const temporary = join(folder, `.${filename}.${process.pid}.${placed}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    await copyFile(from, temporary);
    const file = await open(temporary, "r+");
    try {
      await file.chmod(0o644);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, filename));
    return ok(undefined);
  } catch (error) {
    await rm(temporary, { force: true });
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    return fail("FILE_UNWRITABLE", `${join(folder, filename)}: ${code}`);
  }
};
