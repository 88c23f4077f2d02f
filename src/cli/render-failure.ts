import { exitCodeOf } from "../formats/exit-code.ts";
import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { paint, type Terminal } from "./terminal.ts";

/** The same failure; where the words of a command were wrong, its hint is that command's page. */
export const withHelp = (failure: Failure, command: string | undefined): Failure =>
  failure.code === "USAGE" && command !== undefined
    ? { ...failure, hint: `Run wheelseal help ${command}.` }
    : failure;

/** Prints `error[CODE]: what` and `hint: what to do`; gives the exit code. */
export const showFailure = (terminal: Terminal, failure: Failure): number => {
  terminal.err(`${paint(terminal, "red", `error[${failure.code}]:`)} ${visible(failure.message)}`);
  terminal.err(`${paint(terminal, "cyan", "hint:")} ${failure.hint}`);
  return exitCodeOf(failure.code);
};

/** The one JSON document of a failed command. */
export const failureDocument = (failure: Failure): string =>
  JSON.stringify({ ok: false, error: failure }, null, 2);
