import { type Audit, auditOf, partOf, unitOf } from "../consumer/audit.ts";
import {
  type AuditChange,
  type EarlierPublishers,
  publisherChanges,
  statedPublishers,
  unknownPublishers,
  unstatedBefore,
  verifiedPublishers,
  versionChanges,
} from "../consumer/audit-changes.ts";
import type { Closure } from "../consumer/closure.ts";
import type { ClosureVerdict } from "../consumer/closure-verdict.ts";
import { verifyClosure } from "../consumer/closure-verify.ts";
import type { ClosureWorld } from "../consumer/closure-world.ts";
import { policyNamed } from "../consumer/kit-policy.ts";
import { sha256 } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import { formatTrustedRoot } from "../formats/trusted-root.ts";
import { parseShard, type Shard } from "../stages/shard.ts";
import { type Done, exportEvidence } from "./audit-export.ts";
import { type Locks, readLocks } from "./audit-locks.ts";
import { policyTarget, writeFoundPolicy } from "./audit-policy.ts";
import { type OpenClosureWorld, openClosureWorld } from "./closure-setup.ts";
import { type Command, type Invocation, refuse } from "./command.ts";
import { concludeAudit } from "./conclude-audit.ts";
import type { NamedLock } from "./read-lock.ts";
import { readSettings, type Settings } from "./settings.ts";

/** The part that --shard asks for: I/N, or auto for this job's of CI_NODE_TOTAL. */
const shardOf = ({ flags }: Invocation, { env }: Settings): Result<Shard | undefined> => {
  const { shard } = flags;
  if (typeof shard !== "string") return ok(undefined);
  if (shard !== "auto") return parseShard(shard);
  return parseShard(`${env.CI_NODE_INDEX || "1"}/${env.CI_NODE_TOTAL || "1"}`);
};

type Earlier = {
  readonly publishers: EarlierPublishers;
  readonly unknown: readonly AuditChange[];
};

/** Who signed the earlier lock's packages: as it states, else as its files of then verify now. */
const earlierPublishers = async (
  before: Closure,
  part: Closure,
  world: ClosureWorld,
): Promise<Result<Earlier>> => {
  const entries = unstatedBefore(before, part);
  const stated = statedPublishers(before);
  if (entries.length === 0) return ok({ publishers: stated, unknown: [] });
  const verified = await verifyClosure(
    { ...before, entries, unverifiable: [] },
    { ...world, expect: undefined },
  );
  if (!verified.ok) return verified;
  const publishers = new Map([...verifiedPublishers(verified.value), ...stated]);
  return ok({ publishers, unknown: unknownPublishers(verified.value) });
};

const changesOf = async (
  { lock, since }: Locks,
  verdict: ClosureVerdict,
  world: ClosureWorld,
): Promise<Result<AuditChange[]>> => {
  if (since === undefined) return ok([]);
  const before = await earlierPublishers(since.closure, verdict.closure, world);
  if (!before.ok) return before;
  return ok([
    ...versionChanges(since.closure, lock.closure),
    ...publisherChanges(before.value.publishers, verdict),
    ...before.value.unknown,
  ]);
};

const nameOf = ({ file, bytes }: NamedLock) => ({ file, sha256: hex(sha256(bytes)) });

const unattestedOf = ({ flags }: Invocation, { expect }: ClosureWorld): Audit["unattested"] => {
  if (flags["refuse-unattested"] === true) return "refuse";
  return (expect?.kind === "policy" && expect.policy.unattested) || "allow";
};

const auditWith = async (
  invocation: Invocation,
  locks: Locks,
  shard: Shard | undefined,
  { world, trust }: OpenClosureWorld,
): Promise<Result<Done>> => {
  const part = partOf(locks.lock.closure, shard);
  const verified = await verifyClosure(part, world);
  if (!verified.ok) return verified;
  const verdict = verified.value;
  const changes = await changesOf(locks, verdict, world);
  if (!changes.ok) return changes;
  const of = locks.lock.closure.entries.map(unitOf);
  const audit = auditOf({
    ...(shard === undefined ? {} : { shard: { ...shard, of } }),
    lock: nameOf(locks.lock),
    ...(locks.since === undefined ? {} : { since: nameOf(locks.since) }),
    ...(world.expect === undefined ? {} : { policy: policyNamed(world.expect) }),
    trust: hex(sha256(formatTrustedRoot(trust.root))),
    unattested: unattestedOf(invocation, world),
    verdict,
    changes: changes.value,
  });
  return ok({ audit, verdict });
};

/** `wheelseal audit [LOCK]`: who published every file of a lock, and what changed. */
export const auditCommand: Command = async (invocation) => {
  const { flags, terminal, files } = invocation;
  const settings = await readSettings({ flags, env: terminal.env, project: terminal.cwd, files });
  if (!settings.ok) return refuse(invocation, settings.error);
  const locks = await readLocks(invocation);
  if (!locks.ok) return refuse(invocation, locks.error);
  const shard = shardOf(invocation, settings.value);
  if (!shard.ok) return refuse(invocation, shard.error);
  const target = await policyTarget(invocation);
  if (!target.ok) return refuse(invocation, target.error);
  const { closure } = locks.value.lock;
  const opened = await openClosureWorld(invocation, settings.value, closure);
  if (!opened.ok) return refuse(invocation, opened.error);
  try {
    const done = await auditWith(invocation, locks.value, shard.value, opened.value);
    if (!done.ok) return refuse(invocation, done.error);
    const exported = await exportEvidence(invocation, settings.value, locks.value, {
      ...opened.value,
      ...done.value,
    });
    if (!exported.ok) return refuse(invocation, exported.error);
    const { expect } = opened.value.world;
    const written = await writeFoundPolicy(invocation, target.value, expect, done.value);
    if (!written.ok) return refuse(invocation, written.error);
    return await concludeAudit(invocation, done.value.audit);
  } finally {
    await opened.value.close();
  }
};
