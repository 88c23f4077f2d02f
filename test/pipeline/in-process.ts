import { parseArguments } from "../../src/cli/program.ts";
import { systemOutside } from "../../src/cli/world.ts";
import { systemFiles } from "../../src/clients/files.ts";
import type { Outside } from "../../src/clients/outside.ts";
import { plainEnvironment } from "../cli/shell.ts";

export type Said = { readonly code: number; readonly out: string; readonly err: string };

/** Runs a command line in this process: the same code as in one of its own, without its start. */
export const runHere = async (
  argv: readonly string[],
  given: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
    /** The real one where absent. */
    readonly outside?: Outside;
  },
): Promise<Said> => {
  const said = { out: "", err: "" };
  const parsed = parseArguments(argv);
  if (parsed.kind !== "run") throw new Error(`not a command: ${argv.join(" ")}`);
  const terminal = {
    out: (text: string) => {
      said.out += `${text}\n`;
    },
    err: (text: string) => {
      said.err += `${text}\n`;
    },
    env: { ...plainEnvironment(), ...given.env },
    cwd: given.cwd,
    live: false,
    colour: false,
    columns: 100,
  };
  const { name, operands, flags } = parsed;
  const command = await parsed.load();
  const outside = given.outside ?? systemOutside();
  const code = await command({ name, operands, flags, terminal, outside, files: systemFiles });
  return { code, ...said };
};

/** The code of `error[CODE]`, or that there was none. */
export const codeOf = ({ err }: Said): string => /^error\[([A-Z_]+)\]/m.exec(err)?.[1] ?? "none";
