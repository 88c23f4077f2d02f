import { systemFiles } from "../clients/files.ts";
import { failure } from "../formats/result.ts";
import { entryNamed } from "./entries.ts";
import { plainArguments } from "./plain-arguments.ts";
import { showFailure, withHelp } from "./render-failure.ts";
import { systemTerminal } from "./terminal.ts";
import { systemOutside } from "./world.ts";

const understand = async (argv: readonly string[]) => {
  const plain = plainArguments(argv);
  if (plain !== undefined) return plain;
  const { parseArguments } = await import("./program.ts");
  return parseArguments(argv);
};

/** Runs the command line and gives the exit code: the only place that knows all the parts. */
const run = async (argv: readonly string[]): Promise<number> => {
  const terminal = systemTerminal();
  const parsed = await understand(argv);
  switch (parsed.kind) {
    case "help":
      terminal.out(parsed.text);
      return 0;
    case "usage":
      return showFailure(
        terminal,
        withHelp(failure("USAGE", parsed.message), entryNamed(argv[0])?.name),
      );
    case "run": {
      const command = await parsed.load();
      const { name, operands, flags } = parsed;
      const world = { terminal, outside: systemOutside(), files: systemFiles };
      return command({ name, operands, flags, ...world });
    }
    default:
      return parsed satisfies never;
  }
};

/** Runs the command line of this process, and sets its exit code. */
export const runCommandLine = async (): Promise<void> => {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    // The name only: a message could hold a secret that the failing code was working with.
    const name = error instanceof Error ? error.name : "unknown error";
    process.exitCode = showFailure(systemTerminal(), failure("INTERNAL", `unexpected ${name}`));
    if (process.env.WHEELSEAL_DEBUG === "1" && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
};
