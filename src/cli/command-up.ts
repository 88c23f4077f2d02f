import { fail, ok, type Result } from "../formats/result.ts";
import { type Command, refuse } from "./command.ts";
import { openStackConsole } from "./console-stack.ts";
import { readSettings } from "./settings.ts";
import { startLocalStack, stateFolder } from "./stack.ts";

const readPort = (text: string | boolean | undefined): Result<number | undefined> => {
  if (typeof text !== "string") return ok(undefined);
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port < 65536
    ? ok(port)
    : fail("USAGE", "--port must be a number from 0 to 65535");
};

/** `wheelseal up`: runs the local stack until SIGINT or SIGTERM. */
export const upCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const port = readPort(flags.port);
  if (!port.ok) return refuse(invocation, port.error);
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const folder = stateFolder(invocation, settings.value);
  const ended = new Promise<void>((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  const pages = openStackConsole(invocation, settings.value);
  const stack = await startLocalStack(folder, port.value, pages);
  if (!stack.ok) return refuse(invocation, stack.error);
  const { urls, trustConfig, close } = stack.value;
  const page = `${urls.gitlab}/console/`;
  if (flags.json === true)
    terminal.out(JSON.stringify({ ok: true, urls, console: page, trustConfig, pid: process.pid }));
  else {
    for (const [name, url] of Object.entries(urls)) terminal.out(`${name.padEnd(8)} ${url}`);
    terminal.out(`${"console".padEnd(8)} ${page}`);
    terminal.out(`${"trust".padEnd(8)} ${trustConfig}`);
    terminal.err("The local stack is up; Ctrl-C stops it. Its state is kept.");
  }
  await ended;
  await close();
  return 0;
};
