import { type ChildProcess, spawn } from "node:child_process";
import { fail, ok, type Result } from "../formats/result.ts";

export type ProgramRun = {
  readonly program: string;
  /** Never a secret: every user of the machine can read it. */
  readonly args: readonly string[];
  /** The whole environment of the program: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until the program and all it started are killed. */
  readonly timeout: number;
  /** Given on standard input. */
  readonly input?: string;
  /** Keeps standard input open after `input`: its closing tells the program that we are gone. */
  readonly lifeline?: boolean;
  /** Output as it comes, both streams mixed: whole characters, not whole lines. */
  readonly onOutput?: (text: string) => void;
  /** Bytes of standard output that are kept; 1 MiB where absent. More is a failure. */
  readonly maxOutput?: number;
};

export type ProgramEnd = {
  /** 128 and the signal's number where a signal ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  /** The last lines of both streams, at most 4,000 characters. */
  readonly tail: string;
};

const MAX_OUTPUT = 1024 * 1024;
const TAIL = 4000;

/**
 * Runs a program without a shell, in a process group of its own, and waits for its end. Any exit
 * code is an answer.
 *
 * Fails with `code` (and a message that names the program) when it cannot be started, runs out of
 * time or prints more than `maxOutput` bytes.
 */
export const runProgram = (
  run: ProgramRun,
  code:
    | "BUILD_PYTHON"
    | "BUILD_ENVIRONMENT"
    | "BUILD_FAILED"
    | "BUILD_SOURCE"
    | "INSTALL_FAILED"
    | "IMPORT_FAILED",
): Promise<Result<ProgramEnd>> =>
  new Promise((settle) => {
    const child = spawn(run.program, run.args, {
      cwd: run.cwd,
      env: { ...run.env },
      stdio: [run.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    follow(child);
    const stdout: Buffer[] = [];
    let size = 0;
    let tail = "";
    let broken: string | undefined;
    const stop = (reason: string): void => {
      broken ??= reason;
      killGroup(child.pid);
    };
    const clock = setTimeout(() => stop(`did not end within ${run.timeout / 1000} s`), run.timeout);
    const show = (text: string): void => {
      tail = (tail + text).slice(-TAIL);
      run.onOutput?.(text);
    };
    const limit = run.maxOutput ?? MAX_OUTPUT;
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) stop(`printed more than ${limit} bytes`);
      else stdout.push(chunk);
    });
    for (const stream of [child.stdout, child.stderr]) {
      const decoder = new TextDecoder();
      stream?.on("data", (chunk: Buffer) => show(decoder.decode(chunk, { stream: true })));
    }
    // A program may end without reading its input: that is not our failure.
    child.stdin?.on("error", () => {});
    child.stdin?.write(run.input ?? "");
    if (run.lifeline !== true) child.stdin?.end();
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(clock);
      settle(fail(code, `${run.program} cannot be started: ${error.code ?? error.name}`));
    });
    child.on("exit", () => child.stdin?.destroy());
    child.on("close", (exit, signal) => {
      clearTimeout(clock);
      if (broken !== undefined) return settle(fail(code, `${run.program} ${broken}`));
      const exitCode = exit ?? 128 + (signal === "SIGKILL" ? 9 : 15);
      settle(ok({ exitCode, stdout: Buffer.concat(stdout).toString("utf8"), tail }));
    });
  });

/** Programs that run now: none may outlive this process, where it exits by itself. */
const running = new Set<number>();

const endAll = (): void => {
  for (const pid of running) killGroup(pid);
};

const follow = (child: ChildProcess): void => {
  const { pid } = child;
  if (pid === undefined) return;
  if (!process.listeners("exit").includes(endAll)) process.prependListener("exit", endAll);
  running.add(pid);
  child.once("close", () => running.delete(pid));
};

/** A negative id is the whole group; there are none on Windows. */
const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
};

/** The last `count` lines that say something, for a message. */
export const lastLines = (text: string, count: number): string =>
  text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
    .join("\n");
