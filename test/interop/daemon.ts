import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { ExecOptions } from "./exec.ts";

const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 5_000;
const PAUSE = 100;
/** Characters of what a server said that a failure is told with. */
const TAIL = 3000;

/** A port on loopback that is free now. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
};

export type Daemon = {
  readonly program: string;
  readonly args: readonly string[];
  /** It is up when this answers, whatever it answers; or when a function says so. */
  readonly url: string | (() => Promise<boolean>);
  readonly options: ExecOptions;
};

/** Runs a server while `work` lasts, from when it is up. */
export const withDaemon = async <T>(daemon: Daemon, work: () => Promise<T>): Promise<T> => {
  const { program, args, options } = daemon;
  const { cwd, env } = options;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += String(chunk);
    });
  }
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  child.on("error", (error) => {
    output += error.message;
  });
  try {
    const deadline = Date.now() + START_TIMEOUT;
    const { url } = daemon;
    while (!(await (typeof url === "string" ? answers(url) : url()))) {
      if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline) {
        throw new Error(`${program} did not start:\n${output.slice(-4000)}`);
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
    return await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\n--- ${program} said at last:\n${output.slice(-TAIL)}`);
  } finally {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT);
    await ended;
    clearTimeout(late);
  }
};

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
