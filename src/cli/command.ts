import type { Files } from "../clients/files.ts";
import type { Outside } from "../clients/outside.ts";
import type { Failure } from "../formats/result.ts";
import { failureDocument, showFailure, withHelp } from "./render-failure.ts";
import type { Flags } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** One invocation of a command: what was typed, and the world to act in. */
export type Invocation = {
  /** The command's name, for a hint where its help is; nothing else depends on it. */
  readonly name?: string;
  readonly operands: readonly string[];
  readonly flags: Flags;
  readonly terminal: Terminal;
  readonly outside: Outside;
  readonly files: Files;
};

/** Runs a command and gives its exit code. */
export type Command = (invocation: Invocation) => Promise<number>;

/** Ends a command that failed: lines for a person, or the one JSON document. */
export const refuse = (invocation: Invocation, failure: Failure): number => {
  const hinted = withHelp(failure, invocation.name);
  if (invocation.flags.json === true) invocation.terminal.out(failureDocument(hinted));
  return showFailure(invocation.terminal, hinted);
};
