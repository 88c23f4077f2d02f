import type { DistributionReport } from "../clients/archive.ts";
import { ok, type Result } from "../formats/result.ts";
import { concluded } from "./gateway-conclude.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import { compareSiblings, siblingsOf } from "./gateway-siblings.ts";
import type { GatewayEvent, KeptVerdict, Settlement } from "./gateway-state.ts";
import type { Quarantine } from "./gateway-store.ts";
import { announce, type GatewayWorld, isOutage, tell } from "./gateway-world.ts";
import { keepFile } from "./quarantined.ts";

/** A verdict, the event that tells of it, and what it rests on. */
export type Examined = Settlement & { readonly report?: DistributionReport };

/** Whether a verdict still stands: same file, same rules, in time. */
export const stands = (world: GatewayWorld, verdict: KeptVerdict, sha256: string): boolean =>
  verdict.sha256 === sha256 &&
  verdict.fingerprint === world.fingerprint &&
  world.now() < verdict.validUntil;

/**
 * Makes a verdict the one that holds for all replicas, unless one holds that came first. An
 * acceptance is compared with every other file of its release that is accepted by then.
 */
export const settle = async (
  world: GatewayWorld,
  listing: ProjectListing,
  examined: Examined,
  quarantine: Quarantine,
  compared: ReadonlySet<string> = new Set(),
): Promise<Result<KeptVerdict>> => {
  const { verdict, event, report } = examined;
  let held = verdict;
  let told: GatewayEvent | undefined;
  let siblings: KeptVerdict[] = [];
  await world.state.settle(verdict.project, (kept) => {
    const last = kept.get(verdict.filename);
    if (last !== undefined && stands(world, last, verdict.sha256) && outweighs(last, verdict)) {
      held = last;
      return undefined;
    }
    siblings = report === undefined ? [] : siblingsOf(report, [...kept.values()], world);
    siblings = siblings.filter(({ filename }) => !compared.has(filename));
    if (verdict.refusal === undefined && siblings.length > 0) return undefined;
    told = event;
    return { verdict, event };
  });
  if (told !== undefined) announce(world, told);
  if (told !== undefined || held !== verdict) return adopt(world, examined, held, quarantine);
  const agree = await compareSiblings(world, listing, report, siblings);
  if (!agree.ok && isOutage(agree.error)) return agree;
  const next = agree.ok ? examined : concluded(world, verdict, agree.error, event);
  const seen = new Set([...compared, ...siblings.map(({ filename }) => filename)]);
  return settle(world, listing, next, quarantine, seen);
};

/** Whether an earlier verdict under the same rules says all that a new one says. */
const outweighs = (last: KeptVerdict, { refusal, size }: KeptVerdict): boolean =>
  last.refusal === undefined || (last.refusal.code === refusal?.code && last.size === size);

/**
 * The verdict that holds, with its content in this replica's own store. Where the file was
 * accepted before, and now is refused because its evidence has gone, the bytes are still the
 * accepted ones; where other bytes came, there is nothing to serve.
 */
const adopt = async (
  world: GatewayWorld,
  { verdict, report, event }: Examined,
  held: KeptVerdict,
  quarantine: Quarantine,
): Promise<Result<KeptVerdict>> => {
  if (held === verdict || held.refusal !== undefined || verdict.refusal === undefined) {
    return ok(held);
  }
  if ((await world.store.sizeOf(held.sha256)) === held.size) return ok(held);
  const kept = await keepFile(world, quarantine.path(held.filename), held.sha256);
  if (!kept.ok) {
    const { kind, project, filename, sha256, message, code } = event;
    await tell(world, { kind, project, filename, sha256, message, ...(code && { code }) });
    return ok(verdict);
  }
  const metadata =
    report?.kind === "wheel" ? await world.store.keepBytes(report.metadataFile) : ok("");
  return metadata.ok ? ok(held) : metadata;
};
