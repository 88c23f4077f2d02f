import { fail, ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";
import { type NamedLock, readLock } from "./read-lock.ts";

/** A lock that is audited, and the one before it. */
export type Locks = { readonly lock: NamedLock; readonly since?: NamedLock };

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
