import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";

export type Outcome = {
  /** `null` where it could not be started, or a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams, as a terminal would show them. */
  readonly output: string;
};

export type ExecOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Milliseconds until it and all it started are killed. */
  readonly timeout?: number;
  /** Also appends what it prints to this file. */
  readonly log?: string;
};

const DEFAULT_TIMEOUT = 120_000;

/** Runs a program without a shell, in a process group of its own, and waits for its end. */
export const exec = (
  program: string,
  args: readonly string[],
  options: ExecOptions = {},
): Promise<Outcome> =>
  new Promise((settle) => {
    const { cwd, env, input, timeout = DEFAULT_TIMEOUT } = options;
    const child = spawn(program, args, {
      cwd,
      env: env ?? process.env,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
    });
    const log = options.log === undefined ? undefined : createWriteStream(options.log);
    let stdout = "";
    let output = "";
    child.stdout?.on("data", (chunk) => {
      stdout += String(chunk);
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk) => {
        output += String(chunk);
        log?.write(chunk);
      });
    }
    const end = (code: number | null) => {
      clearTimeout(timer);
      log?.end();
      settle({ code, stdout, output });
    };
    const timer = setTimeout(() => {
      output += `\nended after ${timeout / 1000} s`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, timeout);
    child.on("error", (error) => {
      output += error.message;
      end(null);
    });
    child.on("close", end);
    child.stdin?.end(input);
  });
