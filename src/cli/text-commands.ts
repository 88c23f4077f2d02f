import { fail, ok, type Result } from "../formats/result.ts";
import { type CommandHelp, completionScript } from "./completion.ts";
import { ENTRIES } from "./entries.ts";
import { helpPage } from "./help-page.ts";
import { variablesOf } from "./settings.ts";

/** Words that are answered with text alone. */
export const TEXT_COMMANDS: readonly CommandHelp[] = [
  {
    name: "completion",
    operands: "<shell>",
    summary: "a completion script for bash, zsh or fish",
    options: [],
  },
  { name: "help", operands: "<command>", summary: "the page of a command", options: [] },
];

const ALL: readonly CommandHelp[] = [...ENTRIES, ...TEXT_COMMANDS];

/** The text of `wheelseal completion SHELL` and `wheelseal help COMMAND`; fails with USAGE. */
export const textCommand = (name: string, operand: string): Result<string> => {
  if (name === "completion") return completionScript(ALL, operand);
  const entry = ALL.find((one) => one.name === operand);
  if (entry === undefined) return fail("USAGE", `there is no command ${operand}`);
  return ok(helpPage(entry, variablesOf));
};
