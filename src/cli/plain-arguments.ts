import { parseArgs } from "node:util";
import type { Command } from "./command.ts";
import { entryNamed } from "./entries.ts";
import type { Entry } from "./entry.ts";

/** A command to run, as it was typed. */
export type Call = {
  readonly kind: "run";
  readonly name: string;
  readonly load: () => Promise<Command>;
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean>>;
};

/** `--out <dir>` takes a value, `--json` none. */
const optionsOf = ({ options }: Entry) =>
  Object.fromEntries(
    options.map(([flag]) => [
      flag.split(" ")[0]?.slice("--".length) ?? flag,
      { type: flag.includes("<") ? ("string" as const) : ("boolean" as const) },
    ]),
  );

/** `[files...]` takes any number of operands, `<file>` one, `[dir]` at most one. */
const fits = ({ operands }: Entry, given: number): boolean => {
  const words = operands === "" ? [] : operands.split(" ");
  const needed = words.filter((word) => word.startsWith("<")).length;
  const most = operands.includes("...") ? Number.POSITIVE_INFINITY : words.length;
  return given >= needed && given <= most;
};

/**
 * Understands arguments that leave no question. Help, mistakes and everything unusual give
 * `undefined`: then the whole parser is asked, which takes longer to load than a verification
 * runs. What is understood here, it understands in the same way.
 */
export const plainArguments = (argv: readonly string[]): Call | undefined => {
  const [name, ...args] = argv;
  const entry = entryNamed(name);
  if (entry === undefined) return undefined;
  try {
    const parsed = parseArgs({ args, options: optionsOf(entry), allowPositionals: true });
    if (!fits(entry, parsed.positionals.length)) return undefined;
    const flags: Record<string, string | boolean> = {};
    for (const [flag, value] of Object.entries(parsed.values)) flags[flag] = value ?? true;
    return { kind: "run", name: entry.name, load: entry.load, operands: parsed.positionals, flags };
  } catch {
    return undefined;
  }
};
