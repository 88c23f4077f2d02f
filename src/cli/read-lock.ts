import { resolve } from "node:path";
import { credentialsLine } from "../consumer/lock-credentials.ts";
import { type ReadClosure, readClosure } from "../consumer/read-closure.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import type { Invocation } from "./command.ts";

/** A lock, and the name that it was given by. */
export type NamedLock = ReadClosure & { readonly file: string };

/**
 * Reads a lock that a command names. A password in it, which is not to be committed, is told; with
 * --export it is refused, since the archive would carry it to whoever audits.
 *
 * @returns as `readClosure` does; LOCK_FORMAT
 */
export const readLock = async (
  { terminal, flags, files }: Invocation,
  file: string,
): Promise<Result<NamedLock>> => {
  const read = await readClosure(files, resolve(terminal.cwd, file));
  if (!read.ok) return read;
  const line = credentialsLine(read.value.bytes);
  if (line === undefined) return ok({ ...read.value, file });
  if (flags.export !== undefined) {
    return fail("LOCK_FORMAT", `${file}:${line} has a URL with a password: take it out first`);
  }
  terminal.err(
    `warning: ${visible(file)}:${line} has a URL with a password: take it out, and replace the password`,
  );
  return ok({ ...read.value, file });
};
