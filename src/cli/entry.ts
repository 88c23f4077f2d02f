import type { Command } from "./command.ts";
import type { OptionHelp } from "./options.ts";

/** A command of the tool: its words, and where its code is loaded from when it is called. */
export type Entry = {
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
  readonly options: readonly OptionHelp[];
  readonly load: () => Promise<Command>;
};
