import { looseRelease, parseDistributionFilename } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { appliesTo, type Policy, type Waivable, type Waiver } from "./policy-format.ts";
import type { Expectation } from "./verdict.ts";
import type { WitnessDemand } from "./witness.ts";

/** What a policy asks of one package. */
export type Demand = {
  readonly expect: Expectation;
  readonly tlogThreshold: number;
  /** All that are about this package and version, also those that are over. */
  readonly waivers: readonly Waiver[];
  /** Files that are accepted as they are; lower-case hex of SHA-256. */
  readonly pins?: readonly string[];
  /** Who must vouch for every checkpoint; nobody where absent. */
  readonly witnesses?: WitnessDemand;
};

/** Whom to expect, said once for all files or by a policy for each package. */
export type Expected =
  | (Expectation & { readonly witnesses?: WitnessDemand })
  | {
      readonly kind: "policy";
      readonly policy: Policy;
      /** Where the policy was read from, as text for people and as the URI of a summary. */
      readonly from: string;
      /** Lower-case hexadecimal digest of the document that was read. */
      readonly sha256: string;
    };

/**
 * What a distribution must show, by its file name where a policy decides.
 *
 * @returns `IDENTITY_MISSING`, and as {@link parseDistributionFilename} does
 */
export const demandOf = (expected: Expected, filename: string): Result<Demand> => {
  if (expected.kind !== "policy") {
    const { witnesses, ...expect } = expected;
    return ok({ expect, tlogThreshold: 1, waivers: [], ...(witnesses && { witnesses }) });
  }
  const parsed = parseDistributionFilename(filename);
  if (!parsed.ok) return demandOfPins(expected.policy, filename) ?? parsed;
  return decide(expected.policy, parsed.value.name, parsed.value.version);
};

/** A name that is not in normal form proves nothing, but the file may be pinned by its digest. */
const demandOfPins = (policy: Policy, filename: string): Result<Demand> | undefined => {
  const release = looseRelease(filename);
  const pins = release.ok ? policy.packages.get(release.value.name)?.pins : undefined;
  if (pins === undefined) return undefined;
  return ok({ expect: { kind: "identity", anyOf: [] }, tlogThreshold: 1, waivers: [], pins });
};

/**
 * Decides by a policy what a package must show. A waiver changes nothing of that: it only excuses
 * what is missing, see {@link excuse}.
 *
 * @param version - `undefined` where it is not known; then only waivers for every version apply
 * @returns `IDENTITY_MISSING` for a package that the policy does not know
 */
export const decide = (
  policy: Policy,
  name: NormalizedName,
  version: Version | undefined,
): Result<Demand> => {
  const demanded = policy.packages.get(name);
  if (demanded === undefined) {
    return fail("IDENTITY_MISSING", `the policy expects nobody for ${name}`);
  }
  const { identities, tlogThreshold, pins } = demanded;
  const waivers = policy.waivers.filter((waiver) => appliesTo(waiver, name, version));
  const expect = { kind: "identity" as const, anyOf: identities };
  const { witnesses } = policy;
  return ok({
    ...{ expect, tlogThreshold, waivers },
    ...(pins === undefined ? {} : { pins }),
    ...(witnesses === undefined ? {} : { witnesses }),
  });
};

/** Whether a waiver holds no more; it holds through its last day. `now` is ms since 1970. */
export const isOver = ({ endsAt }: Waiver, now: number): boolean => now >= endsAt;

/**
 * The waiver that excuses evidence for being absent. Evidence that is there and does not verify
 * is excused by nothing, so ask only when there is none.
 *
 * @param now - milliseconds since 1970
 * @returns `undefined` where no waiver speaks of it; `POLICY_WAIVER_EXPIRED` where one did
 */
export const excuse = (
  waivers: readonly Waiver[],
  missing: Waivable,
  now: number,
): Result<Waiver | undefined> => {
  const about = waivers.filter(({ waives }) => waives.includes(missing));
  const current = about.find((waiver) => !isOver(waiver, now));
  const [expired] = about;
  return current === undefined && expired !== undefined
    ? fail("POLICY_WAIVER_EXPIRED", `${describeWaiver(expired)} is over`)
    : ok(current);
};

/** One line that says what is waived, by whom and until when. */
export const describeWaiver = (waiver: Waiver): string => {
  const what =
    waiver.version === undefined ? waiver.package : `${waiver.package} ${waiver.version}`;
  const parts = waiver.waives.join(" and ");
  return `waiver of ${parts} for ${what} until ${waiver.expires} by ${waiver.owner} (${waiver.reason})`;
};
