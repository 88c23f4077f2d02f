import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { appliesTo, type Policy, type Waiver } from "./policy-format.ts";
import type { Expectation } from "./verdict.ts";

/** What a policy asks for one package. */
export type Decision =
  | {
      readonly kind: "verify";
      readonly expect: Expectation;
      readonly tlogThreshold: number;
    }
  /** Accepted unverified. Print the waiver each time: it is the only thing that speaks for the file. */
  | { readonly kind: "waived"; readonly waiver: Waiver };

/**
 * Decides by a policy what a package must show. A waiver holds through its last day; once it has
 * expired, the package is verified if the policy has identities for it, else refused.
 *
 * @param version - `undefined` where it is not known; then only waivers for every version apply
 * @param now - milliseconds since 1970
 * @returns `IDENTITY_MISSING` for a package that the policy does not know,
 * `POLICY_WAIVER_EXPIRED`
 */
export const decide = (
  policy: Policy,
  name: NormalizedName,
  version: Version | undefined,
  now: number,
): Result<Decision> => {
  const waivers = policy.waivers.filter((waiver) => appliesTo(waiver, name, version));
  const current = waivers.find(({ endsAt }) => now < endsAt);
  if (current !== undefined) return ok({ kind: "waived", waiver: current });
  const demanded = policy.packages.get(name);
  if (demanded !== undefined) {
    const { identities, tlogThreshold } = demanded;
    return ok({ kind: "verify", expect: { kind: "identity", anyOf: identities }, tlogThreshold });
  }
  const [expired] = waivers;
  return expired === undefined
    ? fail("IDENTITY_MISSING", `the policy expects nobody for ${name}`)
    : fail("POLICY_WAIVER_EXPIRED", `${describeWaiver(expired)} is over`);
};

/** One line that says what is waived, by whom and until when. */
export const describeWaiver = (waiver: Waiver): string => {
  const what =
    waiver.version === undefined ? waiver.package : `${waiver.package} ${waiver.version}`;
  return `waiver for ${what} until ${waiver.expires} by ${waiver.owner} (${waiver.reason})`;
};
