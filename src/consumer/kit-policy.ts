import { sha256 } from "../crypto/hash.ts";
import { looseRelease } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import { hex } from "../formats/bytes.ts";
import { canonicalJson } from "../formats/jcs.ts";
import { parseJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Expected } from "../verification/policy.ts";
import { type Policy, readPolicy } from "../verification/policy-format.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import { identityJson, policyJson } from "./policy-json.ts";

const MAX_POLICY = 16 * 1024 * 1024;

/** One identity said for all files, as the policy of each of these packages. */
const spread = (
  expect: Exclude<Expected, { kind: "policy" }>,
  names: readonly NormalizedName[],
): Policy => {
  const identities = expect.kind === "identity" ? expect.anyOf : [];
  const packages = new Map(names.map((name) => [name, { identities, tlogThreshold: 1 }]));
  return { packages, waivers: [], ...(expect.witnesses && { witnesses: expect.witnesses }) };
};

/** The part of a policy that is about these packages. */
const narrow = (
  { packages, waivers, ...rest }: Policy,
  names: readonly NormalizedName[],
): Policy => ({
  ...rest,
  packages: new Map([...packages].filter(([name]) => names.includes(name))),
  waivers: waivers.filter((waiver) => names.includes(waiver.package)),
});

/** Whom a lock states for packages that no policy names. */
export type Stated = ReadonlyMap<NormalizedName, readonly IdentityPolicy[]>;

const withStated = (policy: Policy, stated: Stated): Policy => {
  const packages = new Map(policy.packages);
  for (const [name, identities] of stated) {
    if (!packages.has(name)) packages.set(name, { identities, tlogThreshold: 1 });
  }
  return { ...policy, packages };
};

/** Whom to expect of these packages as a policy: one, or one identity of all of them. */
export const policyOf = (
  expect: Expected | undefined,
  names: readonly NormalizedName[],
): Policy => {
  if (expect === undefined) return { packages: new Map(), waivers: [] };
  return expect.kind === "policy" ? expect.policy : spread(expect, names);
};

/**
 * Whom was expected for the packages in a kit, as a policy file of its own (JSON), and the name and
 * digest of the document that said so.
 */
export const kitPolicy = (
  expect: Expected | undefined,
  filenames: readonly string[],
  stated: Stated = new Map(),
): { readonly document: Uint8Array; readonly from: string; readonly sha256: string } => {
  const releases = filenames.map(looseRelease);
  const names = [...new Set(releases.flatMap((one) => (one.ok ? [one.value.name] : [])))].sort();
  const document = canonicalJson(
    policyJson(withStated(narrow(policyOf(expect, names), names), stated)),
  );
  if (expect?.kind === "policy") return { document, from: expect.from, sha256: expect.sha256 };
  const from = expect === undefined ? "the lock" : "the command line";
  return { document, from, sha256: hex(sha256(document)) };
};

/** The document that says whom to expect, by name and digest; of what was typed, its digest. */
export const policyNamed = (
  expect: Expected,
): { readonly from: string; readonly sha256: string } => {
  if (expect.kind === "policy") return { from: expect.from, sha256: expect.sha256 };
  const said = expect.kind === "key" ? hex(expect.key.keyId) : expect.anyOf.map(identityJson);
  return { from: "the command line", sha256: hex(sha256(canonicalJson(said))) };
};

/** The policy that a kit carries, for who has its digest from elsewhere. */
export const readKitPolicy = (document: Uint8Array): Result<Expected> => {
  const value = parseJson(document, MAX_POLICY, "the kit's policy");
  if (!value.ok) return fail("KIT_POLICY", value.error.message);
  const policy = readPolicy(value.value);
  if (!policy.ok) return fail("KIT_POLICY", policy.error.message);
  const digest = hex(sha256(document));
  return ok({ kind: "policy", policy: policy.value, from: "the kit's policy", sha256: digest });
};
