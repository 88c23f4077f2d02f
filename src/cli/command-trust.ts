import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { failure } from "../formats/result.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { readSettings, type Settings } from "./settings.ts";
import { localTrustConfig, rotateKeys, stateFolder } from "./stack.ts";
import { trustOf } from "./trust.ts";
import { showTrust } from "./trust-show.ts";
import type { Refreshing } from "./trust-tuf.ts";

const MAX_TRUST_FILE = 4 * 1024 * 1024;

/** `wheelseal trust show|refresh|export [DIR]|rotate` */
export const trustCommand: Command = async (invocation) => {
  const { operands, flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const [action] = operands;
  switch (action) {
    case "show":
      return show(invocation, settings.value, "when-due");
    case "refresh":
      return refresh(invocation, settings.value);
    case "export":
      return exportTrust(invocation, settings.value);
    case "rotate":
      return rotate(invocation, settings.value);
    default:
      return refuse(
        invocation,
        failure("USAGE", "say trust show, refresh, export [DIR] or rotate"),
      );
  }
};

/** Whom the same options would make `verify` trust. */
const show = async (
  invocation: Invocation,
  settings: Settings,
  refreshing: Refreshing,
): Promise<number> => {
  const { terminal, outside, flags } = invocation;
  const trust = await trustOf(invocation, settings, refreshing);
  if (!trust.ok) return refuse(invocation, trust.error);
  showTrust(terminal, trust.value, outside.now(), flags.json === true);
  return 0;
};

/** Asks the TUF repository now, whatever is kept, and fails where it does not answer well. */
const refresh = async (invocation: Invocation, settings: Settings): Promise<number> =>
  settings.on("offline")
    ? refuse(invocation, failure("USAGE", "trust refresh needs the network"))
    : show(invocation, settings, "now");

/** New keys for the local stack; clients follow from the TUF root that they have. */
const rotate = async (invocation: Invocation, settings: Settings): Promise<number> => {
  const { flags, terminal } = invocation;
  const list = typeof flags.key === "string" ? flags.key : "tuf";
  const rotated = await rotateKeys(stateFolder(invocation, settings), list);
  if (!rotated.ok) return refuse(invocation, rotated.error);
  const { folder, keys } = rotated.value;
  if (flags.json === true) terminal.out(JSON.stringify({ ok: true, state: folder, keys }, null, 2));
  else terminal.out(`The stack in ${folder} has new keys: ${keys.join(", ")}.`);
  return 0;
};

/** Copies what the local stack tells others to trust. */
const exportTrust = async (invocation: Invocation, settings: Settings): Promise<number> => {
  const { operands, flags, terminal, files } = invocation;
  const config = await localTrustConfig(invocation, settings);
  if (!config.ok) return refuse(invocation, config.error);
  const source = dirname(config.value);
  const written: string[] = [];
  for (const name of (await readdir(source)).toSorted()) {
    const content = await files.read(join(source, name), MAX_TRUST_FILE);
    if (!content.ok) return refuse(invocation, content.error);
    const target = resolve(terminal.cwd, operands[1] ?? ".", name);
    const copied = await files.write(target, content.value);
    if (!copied.ok) return refuse(invocation, copied.error);
    written.push(target);
  }
  if (flags.json === true) terminal.out(JSON.stringify({ ok: true, files: written }, null, 2));
  else for (const path of written) terminal.out(path);
  return 0;
};
