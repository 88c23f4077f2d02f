import { visible } from "../formats/visible.ts";
import type { Invocation } from "./command.ts";

/** Says that a lock has a password in it, which is not to be committed. */
export const warnOfCredentials = (
  { terminal }: Invocation,
  file: string,
  line: number | undefined,
): void => {
  if (line === undefined) return;
  terminal.err(
    `warning: ${visible(file)}:${line} has a URL with a password: take it out, and replace the password`,
  );
};
