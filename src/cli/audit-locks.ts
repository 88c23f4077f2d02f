import { resolve } from "node:path";
import { credentialsLine } from "../consumer/lock-credentials.ts";
import { type ReadClosure, readClosure } from "../consumer/read-closure.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";
import { warnOfCredentials } from "./warn-credentials.ts";

/** A lock that is audited, and the one before it. */
export type Locks = { readonly lock: NamedLock; readonly since?: NamedLock };
export type NamedLock = ReadClosure & { readonly file: string };

const readLock = async (invocation: Invocation, file: string): Promise<Result<NamedLock>> => {
  const read = await readClosure(invocation.files, resolve(invocation.terminal.cwd, file));
  if (!read.ok) return read;
  const line = credentialsLine(read.value.bytes);
  // The archive would carry the password to whoever audits.
  if (line !== undefined && invocation.flags.export !== undefined) {
    return fail("LOCK_FORMAT", `${file}:${line} has a URL with a password: take it out first`);
  }
  warnOfCredentials(invocation, file, line);
  return ok({ ...read.value, file });
};

/** The lock that the command names, pylock.toml where it names none, and that of --since. */
export const readLocks = async (invocation: Invocation): Promise<Result<Locks>> => {
  const [file = "pylock.toml", ...more] = invocation.operands;
  if (more.length > 0) return fail("USAGE", "give one lock file");
  const lock = await readLock(invocation, file);
  if (!lock.ok) return lock;
  const { since } = invocation.flags;
  if (typeof since !== "string") return ok({ lock: lock.value });
  const before = await readLock(invocation, since);
  return before.ok ? ok({ lock: lock.value, since: before.value }) : before;
};
