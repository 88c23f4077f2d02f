import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { main, plainEnvironment } from "../cli/shell.ts";

export type Ended = {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type Running = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

export type Started = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed; 300,000 where absent. */
  readonly patience?: number;
  /** Given each line of stderr as it comes. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
};

/** Far longer than any command takes, so that one that hangs is a failure and not a hung suite. */
const PATIENCE = 300_000;

/** Starts the command line in a process of its own. */
export const startCommand = (args: readonly string[], given: Started = {}): Running => {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    cwd: given.cwd ?? tmpdir(),
    env: { ...plainEnvironment(), ...given.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: given.patience ?? PATIENCE,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  createInterface(child.stderr).on("line", (line) => {
    stderr += `${line}\n`;
    given.onLine?.(line, child);
  });
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  return { child, ended };
};

/** Runs a command to its end. */
export const runCommand = (args: readonly string[], given: Started = {}): Promise<Ended> =>
  startCommand(args, given).ended;

/** A folder that `remove` takes away. */
export const temporary = (): { readonly path: string; readonly remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), "wheelseal-pipeline-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
};
