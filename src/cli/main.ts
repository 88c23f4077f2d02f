import { systemFiles } from "../clients/files.ts";
import { failure } from "../formats/result.ts";
import { parseArguments } from "./program.ts";
import { showFailure } from "./render-failure.ts";
import { systemTerminal } from "./terminal.ts";
import { versionLine } from "./version.ts";
import { systemOutside } from "./world.ts";

/** Runs the command line and gives the exit code: the only place that knows all the parts. */
const run = async (argv: readonly string[]): Promise<number> => {
  const terminal = systemTerminal();
  const parsed = parseArguments(argv, versionLine());
  switch (parsed.kind) {
    case "help":
      terminal.out(parsed.text);
      return 0;
    case "usage":
      return showFailure(terminal, failure("USAGE", parsed.message));
    case "run": {
      const command = await parsed.load();
      const { operands, flags } = parsed;
      return command({ operands, flags, terminal, outside: systemOutside(), files: systemFiles });
    }
    default:
      return parsed satisfies never;
  }
};

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
