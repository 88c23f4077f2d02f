import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readFile,
  realpath,
  rename,
  rm,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { BuildRecord } from "../formats/build-record.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { BUILD_SCRIPT } from "./build-script.ts";
import { buildTools } from "./build-tools.ts";
import { buildingEnvironment, type Environment, installingEnvironment } from "./environment.ts";
import { gitState } from "./git.ts";
import { hideEdit } from "./git-copy.ts";
import { lastLines, runProgram } from "./process.ts";
import { findPython, type Python, type PythonWish } from "./python.ts";
import { copySource, type SourceCopy } from "./source-copy.ts";
import { editProject, type MetadataSettings } from "./toml.ts";

export type BuildRequest = {
  /** The project's folder: only read. */
  readonly project: string;
  /** The output folder: neither copied nor written here. */
  readonly out: string;
  readonly reproducible: boolean;
  readonly metadata: MetadataSettings;
};

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
  build: async (request, onOutput) => {
    const project = await projectFolder(request.project);
    if (!project.ok) return project;
    const python = await findPython(wish);
    if (!python.ok) return python;
    const work = await realpath(await mkdtemp(join(tmpdir(), "wheelseal-build-")));
    const discard = () => rm(work, { recursive: true, force: true });
    try {
      const located = { ...request, project: project.value, out: await realFuture(request.out) };
      const built = await buildIn(work, located, python.value, wish.environment, onOutput);
      if (!built.ok) await discard();
      return built.ok ? ok({ ...built.value, discard }) : built;
    } catch (error) {
      await discard();
      throw error;
    }
  },
});

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
  const { project, out } = request;
  const state = await gitState(project, environment, out);
  if (!state.ok) return state;
  const tools = await buildTools(python, environment);
  if (!tools.ok) return tools;
  const target = join(work, "source");
  await mkdir(target);
  const copied = await copySource({ project, out, target, state: state.value, environment });
  if (!copied.ok) return copied;
  const edited = await editCopy(copied.value, request.metadata, target, environment);
  if (!edited.ok) return edited;
  const answer = await runScript(work, tools.value, copied.value, request, environment, onOutput);
  if (!answer.ok) return answer;
  const { sdist, wheel, backend, resolved } = answer.value;
  const { commitTime: _, top: __, ...origin } = state.value ?? { dirty: false, top: "" };
  const made = join(work, "out");
  return ok({
    filenames: [wheel, sdist],
    path: (filename) => join(made, filename),
    place: (filename, folder) => place(join(made, filename), folder, filename),
    source: { ...origin, sourceDateEpoch: copied.value.sourceDateEpoch },
    metadata: edited.value,
    backend,
    python: answer.value.python,
    resolved,
  });
};

/** Edits the pyproject.toml of the copy, where anything is to be set. */
const editCopy = async (
  copy: SourceCopy,
  settings: MetadataSettings,
  target: string,
  environment: Environment,
): Promise<Result<BuildRecord["settings"]["metadata"]>> => {
  if (Object.values(settings).every((value) => value === undefined)) return ok({});
  const path = join(copy.folder, "pyproject.toml");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    return fail("CONFIG", "the project has no pyproject.toml, so its metadata cannot be set");
  }
  const edited = editProject(text, settings);
  if (!edited.ok) return edited;
  if (edited.value.text === text) return ok({});
  await writeFile(path, edited.value.text);
  await utimes(path, copy.sourceDateEpoch, copy.sourceDateEpoch);
  const hidden = copy.inGit ? await hideEdit(target, path, environment) : ok(undefined);
  return hidden.ok ? ok(edited.value.changed) : hidden;
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
