import { Command as Commander, CommanderError } from "commander";
import { ENTRIES } from "./entries.ts";
import type { Call } from "./plain-arguments.ts";
import { TEXT_COMMANDS, textCommand } from "./text-commands.ts";
import { versionLine } from "./version.ts";

/** What was typed, understood: the command to run, or text to show with an exit code. */
export type Parsed =
  | Call
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "usage"; readonly message: string };

const kebab = (flags: Record<string, string | boolean>): Record<string, string | boolean> =>
  Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );

/** Reads the arguments; prints nothing and never ends the process. */
export const parseArguments = (argv: readonly string[]): Parsed => {
  let parsed: Parsed | undefined;
  let printed = "";
  const program = new Commander("wheelseal")
    .description(
      "Takes a Python package from source to a verified install, and lets anyone prove it.",
    )
    .option("-V", "print the version")
    .helpCommand(false)
    .showHelpAfterError(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: () => undefined,
    });
  for (const entry of ENTRIES) {
    const command = program.command(entry.name).summary(entry.summary).description(entry.summary);
    if (entry.operands !== "") command.arguments(entry.operands);
    for (const [flag, help] of entry.options) command.option(flag, help);
    command.action(() => {
      const flags = kebab(command.opts<Record<string, string | boolean>>());
      const { name, load } = entry;
      parsed = { kind: "run", name, load, operands: command.args, flags };
    });
  }
  for (const { name, operands, summary } of TEXT_COMMANDS) {
    const command = program.command(name).summary(summary).description(summary);
    command.arguments(operands).action((operand: string) => {
      const text = textCommand(name, operand);
      parsed = text.ok
        ? { kind: "help", text: text.value }
        : { kind: "usage", message: text.error.message };
    });
  }
  try {
    if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
      return { kind: "help", text: versionLine() };
    }
    if (argv.length === 0) return { kind: "help", text: program.helpInformation().trimEnd() };
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "help", text: printed.trimEnd() };
    return { kind: "usage", message: error.message.replace(/^error: /, "") };
  }
  return parsed ?? { kind: "usage", message: "no command was given" };
};
