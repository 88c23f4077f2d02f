import { mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { interpreterIn } from "../clients/build-tools.ts";
import { plainEnvironment } from "../clients/environment.ts";
import { checkTarget } from "../clients/install-target.ts";
import { INSTALLERS, type InstallerName, installOffline } from "../clients/offline-install.ts";
import { lastLines, runProgram } from "../clients/process.ts";
import { findPython, type PythonWish } from "../clients/python.ts";
import { type Fitness, fitnessOf } from "../clients/target-python.ts";
import type { Closure } from "../consumer/closure.ts";
import type { ClosureVerdict } from "../consumer/closure-verdict.ts";
import { verifyClosure } from "../consumer/closure-verify.ts";
import type { ClosureWorld } from "../consumer/closure-world.ts";
import {
  allowsUnattested,
  installRefusal,
  markersOf,
  neededBy,
  releasesOf,
} from "../consumer/install-closure.ts";
import { readClosure } from "../consumer/read-closure.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { watchedVerification } from "./closure-progress.ts";
import { openClosureWorld } from "./closure-setup.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { pythonWish } from "./command-build.ts";
import { closureFields, countsLine, showClosure } from "./render-closure.ts";
import { readSettings, type Settings } from "./settings.ts";

const VENV_TIME = 300_000;

/** What is installed into. */
type Destination = {
  /** An interpreter that runs now and is like the one installed into. */
  readonly probe: string;
  /** That of the environment. */
  readonly python: string;
  readonly target?: string;
  /** An environment that is made when everything has verified. */
  readonly fresh?: string;
  /** For people. */
  readonly shown: string;
};

type Wish = {
  readonly lock: string;
  readonly installer: InstallerName;
  readonly sdists: boolean;
  readonly unattested: boolean;
};

const wishOf = ({ operands, flags, terminal }: Invocation): Result<Wish> => {
  const named = [...operands, ...(typeof flags.lock === "string" ? [flags.lock] : [])];
  const [lock, ...more] = named;
  if (lock === undefined || more.length > 0) return fail("USAGE", "give one lock file, by --lock");
  const wanted = flags.installer ?? "pip";
  const installer = INSTALLERS.find((one) => one === wanted);
  if (installer === undefined) return fail("USAGE", "--installer must be pip or uv");
  return ok({
    lock: resolve(terminal.cwd, lock),
    installer,
    sdists: flags["allow-sdists"] === true,
    unattested: flags["allow-unattested"] === true,
  });
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** --venv, --target or --python; else the environment that is active. */
const destinationOf = async (
  { flags, terminal }: Invocation,
  settings: Settings,
): Promise<Result<Destination>> => {
  const { venv, target, python } = flags;
  if (typeof venv === "string" && typeof target === "string") {
    return fail("USAGE", "give --venv or --target, not both");
  }
  const active = terminal.env.VIRTUAL_ENV;
  const chosen = typeof venv === "string" ? resolve(terminal.cwd, venv) : undefined;
  const folder = chosen ?? (python === undefined && target === undefined ? active : undefined);
  if (folder !== undefined && folder !== "") {
    const interpreter = interpreterIn(folder);
    if (await isThere(interpreter)) {
      return ok({ probe: interpreter, python: interpreter, shown: folder });
    }
  }
  if (chosen === undefined && python === undefined && target === undefined) {
    return fail("USAGE", "say where to install: --venv, --target or --python");
  }
  const found = await findPython(pythonWish(settings));
  if (!found.ok) return found;
  const { path } = found.value;
  if (chosen !== undefined) {
    return ok({ probe: path, python: interpreterIn(chosen), fresh: chosen, shown: chosen });
  }
  if (typeof target !== "string") return ok({ probe: path, python: path, shown: path });
  const place = resolve(terminal.cwd, target);
  return ok({ probe: path, python: path, target: place, shown: place });
};

/** Makes the environment, with nothing in it: pip comes from outside. */
const makeFresh = async (
  { terminal }: Invocation,
  { probe, fresh, target }: Destination,
): Promise<Result<void>> => {
  if (target !== undefined) await mkdir(target, { recursive: true });
  if (fresh === undefined) return ok(undefined);
  const ended = await runProgram(
    {
      program: probe,
      args: ["-I", "-m", "venv", "--without-pip", fresh],
      env: plainEnvironment(terminal.env),
      timeout: VENV_TIME,
    },
    "INSTALL_FAILED",
  );
  if (!ended.ok) return ended;
  return ended.value.exitCode === 0
    ? ok(undefined)
    : fail("INSTALL_FAILED", lastLines(ended.value.tail, 6));
};

/** Whose pip installs, where the environment has none. */
const pipFor = async (
  { fresh, probe }: Destination,
  { pip }: Fitness,
  wish: PythonWish,
): Promise<Result<string | undefined>> => {
  if (pip) return ok(fresh === undefined ? undefined : probe);
  const found = await findPython(wish);
  return found.ok ? ok(found.value.path) : found;
};

/** Gives on whole lines of what comes in pieces. */
const lines = (print: (line: string) => void) => {
  let begun = "";
  return {
    take: (text: string): void => {
      const whole = (begun + text).split(/\r?\n/);
      begun = whole.pop() ?? "";
      for (const line of whole) print(visible(line));
    },
    end: (): void => {
      if (begun !== "") print(visible(begun));
    },
  };
};

type Ended = {
  readonly verdict: ClosureVerdict;
  readonly failed: Failure | undefined;
  /** Whether the installer was let at the files. */
  readonly begun: boolean;
};

type Given = {
  readonly closure: Closure;
  readonly world: ClosureWorld;
  readonly settings: Settings;
};

/** Verifies, and only where nothing is wrong with any file lets the installer at them. */
const installWith = async (
  invocation: Invocation,
  wish: Wish,
  into: Destination,
  { closure, world, settings }: Given,
): Promise<Result<Ended>> => {
  const { terminal } = invocation;
  const fitness = await fitnessOf(into.probe, markersOf(closure), terminal.env);
  if (!fitness.ok) return fitness;
  const need = neededBy(closure, fitness.value, wish.sdists);
  if (!need.ok) return need;
  const { wanted } = need.value;
  const verified = await watchedVerification(invocation, (report) =>
    verifyClosure(need.value.closure, { ...world, wanted, report }),
  );
  if (!verified.ok) return verified;
  const verdict = verified.value;
  const failed = installRefusal(verdict, allowsUnattested(world, wish.unattested));
  if (failed !== undefined) return ok({ verdict, failed, begun: false });
  const free = into.target === undefined ? ok(undefined) : await checkTarget(into.target);
  if (!free.ok) return ok({ verdict, failed: free.error, begun: false });
  const pip = await pipFor(into, fitness.value, pythonWish(settings));
  if (!pip.ok) return pip;
  const made = await makeFresh(invocation, into);
  if (!made.ok) return made;
  const printed = lines(terminal.err);
  const installed = await installOffline({
    ...{ installer: wish.installer, python: into.python, sdists: wish.sdists },
    ...(pip.value === undefined ? {} : { pip: pip.value }),
    ...(into.target === undefined ? {} : { target: into.target }),
    releases: releasesOf(verdict, world, fitness.value),
    environment: terminal.env,
    onOutput: printed.take,
  });
  printed.end();
  return ok({ verdict, failed: installed.ok ? undefined : installed.error, begun: true });
};

const show = (
  invocation: Invocation,
  wish: Wish,
  into: Destination,
  { verdict, failed, begun }: Ended,
): number => {
  const { terminal, flags } = invocation;
  const { shown: place } = into;
  if (flags.json === true) {
    const installed = failed === undefined ? { into: place, by: wish.installer } : null;
    terminal.out(JSON.stringify({ ...closureFields(verdict, failed), installed }, null, 2));
  } else {
    showClosure(terminal, verdict);
    terminal.out(countsLine(verdict));
    if (failed === undefined) terminal.out(`installed by ${wish.installer} into ${place}`);
    else if (!begun) terminal.out("nothing was installed");
  }
  return failed === undefined ? 0 : refuse({ ...invocation, flags: {} }, failed);
};

/** `wheelseal install --lock FILE`: verifies what a lock names, then lets pip or uv install it. */
export const installCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const wish = wishOf(invocation);
  if (!wish.ok) return refuse(invocation, wish.error);
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const read = await readClosure(files, wish.value.lock);
  if (!read.ok) return refuse(invocation, read.error);
  const into = await destinationOf(invocation, settings.value);
  if (!into.ok) return refuse(invocation, into.error);
  const opened = await openClosureWorld(invocation, settings.value, read.value.closure);
  if (!opened.ok) return refuse(invocation, opened.error);
  try {
    const given = { ...read.value, ...opened.value, settings: settings.value };
    const ended = await installWith(invocation, wish.value, into.value, given);
    if (!ended.ok) return refuse(invocation, ended.error);
    return show(invocation, wish.value, into.value, ended.value);
  } finally {
    await opened.value.close();
  }
};
