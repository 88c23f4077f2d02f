import { basename, resolve } from "node:path";
import { filesOf } from "../consumer/closure-verdict.ts";
import { foundPolicy } from "../consumer/found-policy.ts";
import { formatPolicy } from "../consumer/policy-toml.ts";
import { utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Expected } from "../verification/policy.ts";
import type { Done } from "./audit-export.ts";
import type { Invocation } from "./command.ts";

/** Where --write-policy writes to: a new file, so that no policy that somebody wrote is lost. */
export const policyTarget = async ({
  flags,
  terminal,
  files,
}: Invocation): Promise<Result<string | undefined>> => {
  const named = flags["write-policy"];
  if (typeof named !== "string") return ok(undefined);
  if (flags.shard !== undefined) {
    return fail("USAGE", "--write-policy is of a whole lock, not of a shard");
  }
  if (!named.endsWith(".toml")) return fail("USAGE", "--write-policy writes TOML: name it .toml");
  const path = resolve(terminal.cwd, named);
  const there = await files.readIfPresent(path, 1);
  return there.ok && there.value === undefined
    ? ok(path)
    : fail("USAGE", `${named} is there already: name a new file, and compare`);
};

/** Writes the policy that an audit amounts to, unless it refused anything. */
export const writeFoundPolicy = async (
  { terminal, files }: Invocation,
  path: string | undefined,
  expect: Expected | undefined,
  { audit, verdict }: Done,
): Promise<Result<void>> => {
  if (path === undefined || audit.error !== undefined) return ok(undefined);
  const { policy, added } = foundPolicy(verdict, expect);
  const names = new Map(filesOf(verdict).map(({ sha256, filename }) => [sha256, filename]));
  const head = [
    `Whom to expect, as wheelseal audit found it for ${audit.lock.file} (sha256:${audit.lock.sha256}).`,
    "Look through it: it expects whoever signed, and pins what nobody vouches for.",
  ];
  const text = formatPolicy(policy, names, head);
  if (!text.ok) return text;
  const written = await files.write(path, utf8(text.value));
  if (!written.ok) return written;
  terminal.err(
    `policy: ${basename(path)} names ${policy.packages.size} packages, ${added.length} of them new`,
  );
  return ok(undefined);
};
