import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { failure } from "../formats/result.ts";
import { type Command, refuse } from "./command.ts";
import { readSettings } from "./settings.ts";
import { localTrustConfig } from "./stack.ts";

const MAX_TRUST_FILE = 4 * 1024 * 1024;

/** `wheelseal trust export [DIR]`: copies what the local stack tells others to trust. */
export const trustCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const [action, folder = "."] = operands;
  if (action !== "export") {
    return refuse(invocation, failure("USAGE", `trust has no action ${action ?? ""}`));
  }
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const config = await localTrustConfig(invocation, settings.value);
  if (!config.ok) return refuse(invocation, config.error);
  const source = dirname(config.value);
  const written: string[] = [];
  for (const name of (await readdir(source)).toSorted()) {
    const content = await files.read(join(source, name), MAX_TRUST_FILE);
    if (!content.ok) return refuse(invocation, content.error);
    const target = resolve(terminal.cwd, folder, name);
    const copied = await files.write(target, content.value);
    if (!copied.ok) return refuse(invocation, copied.error);
    written.push(target);
  }
  if (flags.json === true) terminal.out(JSON.stringify({ ok: true, files: written }, null, 2));
  else for (const path of written) terminal.out(path);
  return 0;
};
