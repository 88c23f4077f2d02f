import type { Command } from "./command.ts";
export const initCommand: Command = async () => 4;
