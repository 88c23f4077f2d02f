import type { NormalizedName } from "../dists/name.ts";
import type { Expected } from "../verification/policy.ts";
import type { PackagePolicy, Policy } from "../verification/policy-format.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import type { ClosureVerdict, FileVerdict } from "./closure-verdict.ts";
import { lastingIdentity } from "./first-use.ts";
import { policyOf } from "./kit-policy.ts";
import { identityJson } from "./policy-json.ts";

/** Whoever signed any of the files, each once. */
const signersOf = (files: readonly FileVerdict[]): IdentityPolicy[] => {
  const signers = new Map<string, IdentityPolicy>();
  for (const { signer } of files) {
    const identity = signer && lastingIdentity(signer);
    if (identity !== undefined) signers.set(JSON.stringify(identityJson(identity)), identity);
  }
  return [...signers.values()];
};

const packageOf = (files: readonly FileVerdict[]): PackagePolicy => {
  const pins = files.flatMap(({ outcome, sha256 }) => (outcome === "unattested" ? [sha256] : []));
  const identities = signersOf(files);
  return { identities, tlogThreshold: 1, ...(pins.length === 0 ? {} : { pins }) };
};

/**
 * A policy by which all files of a lock are accepted that were: packages that nobody had said
 * anything about are expected from whom their evidence named, and what nobody vouches for is
 * pinned by its digest. What was said before stays as it was.
 *
 * @param verdict - of files of which none was refused
 */
export const foundPolicy = (
  { entries }: ClosureVerdict,
  expect: Expected | undefined,
): { readonly policy: Policy; readonly added: readonly NormalizedName[] } => {
  const files = Map.groupBy(
    entries.flatMap((one) => one.files),
    ({ name }) => name,
  );
  const said = policyOf(expect, [...files.keys()]);
  const added = [...files.keys()].filter((name) => !said.packages.has(name)).sort();
  const packages = new Map(said.packages);
  for (const name of added) packages.set(name, packageOf(files.get(name) ?? []));
  return { policy: { ...said, packages }, added };
};
