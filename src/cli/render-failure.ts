import { exitCodeOf } from "../formats/exit-code.ts";
import type { Failure } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { paint, type Terminal } from "./terminal.ts";

/** Prints `error[CODE]: what` and `hint: what to do`; gives the exit code. */
export const showFailure = (terminal: Terminal, failure: Failure): number => {
  terminal.err(`${paint(terminal, "red", `error[${failure.code}]:`)} ${visible(failure.message)}`);
  terminal.err(`${paint(terminal, "cyan", "hint:")} ${failure.hint}`);
  return exitCodeOf(failure.code);
};

/** The one JSON document of a failed command. */
export const failureDocument = (failure: Failure): string =>
  JSON.stringify({ ok: false, error: failure }, null, 2);
