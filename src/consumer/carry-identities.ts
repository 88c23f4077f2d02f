import type { NormalizedName } from "../dists/name.ts";
import type { AttestationIdentity } from "./attestation-identity.ts";
import type { Closure } from "./closure.ts";
import type { ClosureVerdict } from "./closure-verdict.ts";

/** Whom a lock states, over all versions of a package. */
const statedBy = ({ entries }: Closure): Map<NormalizedName, AttestationIdentity[]> => {
  const stated = new Map<NormalizedName, AttestationIdentity[]>();
  for (const { name, identities } of entries) {
    stated.set(name, [...(stated.get(name) ?? []), ...identities]);
  }
  return stated;
};

/**
 * A lock in which packages that state nobody expect whom an earlier lock states: pip and uv make
 * locks anew, without identities, and whoever signed before must have signed again.
 */
export const carryIdentities = (closure: Closure, earlier: Closure): Closure => {
  const stated = statedBy(earlier);
  const entries = closure.entries.map((entry) =>
    entry.identities.length > 0 ? entry : { ...entry, identities: stated.get(entry.name) ?? [] },
  );
  return { ...closure, entries };
};

/** The verdict on such a lock as one on the lock itself, which states only what it states. */
export const asStated = (verdict: ClosureVerdict, closure: Closure): ClosureVerdict => ({
  ...verdict,
  closure,
  entries: verdict.entries.map((one, at) => ({ ...one, entry: closure.entries[at] ?? one.entry })),
});
