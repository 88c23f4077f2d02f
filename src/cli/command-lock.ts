import { resolve } from "node:path";
import { findPython } from "../clients/python.ts";
import { fitnessOf } from "../clients/target-python.ts";
import { describeIdentity } from "../consumer/attestation-identity.ts";
import { publisherChanges, statedPublishers } from "../consumer/audit-changes.ts";
import { asStated, carryIdentities } from "../consumer/carry-identities.ts";
import { type Closure, MAX_LOCK_BYTES } from "../consumer/closure.ts";
import { type ClosureVerdict, failureOf, filesOf } from "../consumer/closure-verdict.ts";
import { verifyClosure } from "../consumer/closure-verify.ts";
import type { ClosureWorld } from "../consumer/closure-world.ts";
import { markersOf, type Need, neededBy } from "../consumer/install-closure.ts";
import {
  addIdentities,
  formatPylock,
  type LockAddition,
  missingIdentities,
  unprovenIdentity,
} from "../consumer/pylock-identities.ts";
import { type ReadClosure, readClosure } from "../consumer/read-closure.ts";
import { fromUtf8, utf8 } from "../formats/bytes.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { visible } from "../formats/visible.ts";
import { watchedVerification } from "./closure-progress.ts";
import { openClosureWorld } from "./closure-setup.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { pythonWish } from "./command-build.ts";
import { readLock } from "./read-lock.ts";
import { closureFields, countsLine, showClosure } from "./render-closure.ts";
import { readSettings, type Settings } from "./settings.ts";

const PYLOCK = /^pylock\.(?:[^.]+\.)?toml$/;

type Wish = {
  /** As it was typed. */
  readonly file: string;
  readonly path: string;
  /** Where the result goes; `undefined` with --check. */
  readonly out: string | undefined;
};

const wishOf = ({ operands, flags, terminal }: Invocation): Result<Wish> => {
  const [file, ...more] = operands;
  if (file === undefined || more.length > 0) return fail("USAGE", "give one lock file");
  const path = resolve(terminal.cwd, file);
  if (flags.check === true) {
    return flags.out === undefined
      ? ok({ file, path, out: undefined })
      : fail("USAGE", "--check writes nothing, so --out has no use");
  }
  const out = typeof flags.out === "string" ? resolve(terminal.cwd, flags.out) : path;
  const name = out.split(/[/\\]/).at(-1) ?? "";
  return PYLOCK.test(name)
    ? ok({ file, path, out })
    : fail("USAGE", `${name} is no name of a lock: give --out pylock.toml or pylock.NAME.toml`);
};

/** Files that nobody vouches for are listed, and refused where the policy says so. */
const unattestedFailure = (
  { expect }: ClosureWorld,
  verdict: ClosureVerdict,
): Failure | undefined => {
  if (expect?.kind !== "policy" || expect.policy.unattested !== "refuse") return undefined;
  const bare = filesOf(verdict).find(({ outcome }) => outcome === "unattested");
  return bare && failure("LOCK_UNATTESTED", `nobody vouches for ${bare.filename}`);
};

const editedLock = (
  { closure, bytes }: ReadClosure,
  verdict: ClosureVerdict,
  additions: readonly LockAddition[],
): Result<string> => {
  if (closure.format === "requirements") return ok(formatPylock(verdict));
  const text = fromUtf8(bytes);
  return text.ok ? addIdentities(text.value, additions) : text;
};

type Ended = {
  readonly verdict: ClosureVerdict;
  readonly additions: readonly LockAddition[];
  readonly written: string | undefined;
  readonly failed: Failure | undefined;
};

/** The lock before this one: that of --since, or the one that is about to be replaced. */
const earlierLock = async (
  { flags, terminal, files }: Invocation,
  { path, out }: Wish,
): Promise<Result<Closure | undefined>> => {
  const named = typeof flags.since === "string" ? resolve(terminal.cwd, flags.since) : undefined;
  const replaced = out === path ? undefined : out;
  const earlier = named ?? replaced;
  if (earlier === undefined) return ok(undefined);
  const there = named === undefined ? await files.readIfPresent(earlier, MAX_LOCK_BYTES) : ok(true);
  if (!there.ok || there.value === undefined) return there.ok ? ok(undefined) : there;
  const read = await readClosure(files, earlier);
  return read.ok ? ok(read.value.closure) : read;
};

/** A lock that states others itself does not answer for it that they are not those of before. */
const movedFailure = (earlier: Closure | undefined, verdict: ClosureVerdict): Failure | undefined =>
  earlier &&
  publisherChanges(statedPublishers(earlier), verdict).find((change) => change.failure)?.failure;

/** What of a lock is verified: all of it, or with --python what that one can use. */
const needOf = async (
  { flags, terminal }: Invocation,
  settings: Settings,
  closure: Closure,
): Promise<Result<Need>> => {
  if (typeof flags.python !== "string") return ok({ closure, wanted: () => true });
  const found = await findPython(pythonWish(settings));
  if (!found.ok) return found;
  const fitness = await fitnessOf(found.value.path, markersOf(closure), terminal.env);
  return fitness.ok ? neededBy(closure, fitness.value, true) : fitness;
};

const lockWith = async (
  invocation: Invocation,
  wish: Wish,
  read: ReadClosure,
  { world, settings }: { readonly world: ClosureWorld; readonly settings: Settings },
): Promise<Result<Ended>> => {
  const need = await needOf(invocation, settings, read.closure);
  if (!need.ok) return need;
  const { closure, wanted } = need.value;
  const earlier = await earlierLock(invocation, wish);
  if (!earlier.ok) return earlier;
  const expected = earlier.value === undefined ? closure : carryIdentities(closure, earlier.value);
  const verified = await watchedVerification(invocation, (report) =>
    verifyClosure(expected, { ...world, wanted, report }),
  );
  if (!verified.ok) return verified;
  const verdict = asStated(verified.value, closure);
  const additions = missingIdentities(verdict);
  const failed =
    failureOf(verdict) ??
    unprovenIdentity(verdict) ??
    movedFailure(earlier.value, verdict) ??
    unattestedFailure(world, verdict);
  if (failed !== undefined) return ok({ verdict, additions, written: undefined, failed });
  const [first] = additions;
  if (wish.out === undefined) {
    const stale =
      first &&
      failure(
        "LOCK_STALE",
        `the lock does not state ${describeIdentity(first.identity)} for ${first.entry.name}`,
      );
    return ok({ verdict, additions, written: undefined, failed: stale });
  }
  const text = editedLock(read, verdict, additions);
  if (!text.ok) return text;
  const content = utf8(text.value);
  const same = wish.out === wish.path && additions.length === 0;
  const written = same ? ok(undefined) : await invocation.files.write(wish.out, content);
  if (!written.ok) return written;
  return ok({ verdict, additions, written: same ? undefined : wish.out, failed: undefined });
};

const show = (invocation: Invocation, ended: Ended): number => {
  const { terminal, flags } = invocation;
  const { verdict, additions, written, failed } = ended;
  if (flags.json === true) {
    const added = additions.map(({ entry: { name, version }, identity: { kind, fields } }) => ({
      ...{ name, version },
      identity: { kind, ...fields },
    }));
    const fields = { ...closureFields(verdict, failed), missing: added, written: written ?? null };
    terminal.out(JSON.stringify(fields, null, 2));
  } else {
    showClosure(terminal, verdict);
    for (const { entry, identity } of additions) {
      const verb = written === undefined ? "missing" : "added";
      terminal.out(
        `${verb}: ${entry.name} ${entry.version}: ${visible(describeIdentity(identity))}`,
      );
    }
    terminal.out(countsLine(verdict));
    if (written !== undefined) terminal.out(`wrote ${written}`);
    else if (failed === undefined) terminal.out("nothing to add");
  }
  return failed === undefined ? 0 : refuse({ ...invocation, flags: {} }, failed);
};

/** `wheelseal lock FILE`: states in a lock who signed its files, as verified. */
export const lockCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const wish = wishOf(invocation);
  if (!wish.ok) return refuse(invocation, wish.error);
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const read = await readLock(invocation, wish.value.file);
  if (!read.ok) return refuse(invocation, read.error);
  const opened = await openClosureWorld(invocation, settings.value, read.value.closure);
  if (!opened.ok) return refuse(invocation, opened.error);
  try {
    const ended = await lockWith(invocation, wish.value, read.value, {
      world: opened.value.world,
      settings: settings.value,
    });
    return ended.ok ? show(invocation, ended.value) : refuse(invocation, ended.error);
  } finally {
    await opened.value.close();
  }
};
