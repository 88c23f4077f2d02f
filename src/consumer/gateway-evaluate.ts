import { type Failure, failure, ok, type Result } from "../formats/result.ts";
import type { EvidenceSource, ReleaseVerdict } from "../stages/release.ts";
import type { Expected } from "../verification/policy.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import { type Candidate, type Evaluation, evaluateFile, type Rules } from "./evaluate-file.ts";
import { describePublisher, identityOffered, lastingIdentity } from "./first-use.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";

/** Verifies a quarantined file against the policy or the project's first publisher. */
export const evaluate = (world: GatewayWorld, candidate: Candidate): Promise<Evaluation> => {
  const { trust, files, now } = world;
  const expect: Rules["expect"] = (one, [source]) => expectedOf(world, one, source);
  return evaluateFile({ expect, trust, files, now }, candidate);
};

/** The same, in a project that has a past: remembers who signed, and tells who did before. */
export const withPast = async (
  world: GatewayWorld,
  candidate: Candidate,
  evaluation: Evaluation,
): Promise<Evaluation> => {
  const { verdict, failure: failed } = evaluation;
  if (verdict?.failure !== undefined) {
    return { ...evaluation, failure: await explain(world, candidate, verdict.failure) };
  }
  if (failed !== undefined || verdict === undefined) return evaluation;
  const noted = await notePublisher(world, candidate, verdict);
  return noted.ok ? evaluation : { ...evaluation, failure: noted.error };
};

/** Whom to expect: the policy where it names the package, else the project's first publisher. */
const expectedOf = async (
  world: GatewayWorld,
  { project, listed }: Candidate,
  source: EvidenceSource,
): Promise<Result<Expected>> => {
  const { policy, config, state } = world;
  if (!config.trustOnFirstUse || policy.policy.packages.has(project)) return ok(policy);
  const pinned = await state.publisher(project);
  const offered =
    pinned === undefined ? await identityOffered(listed.filename, source) : ok(pinned);
  return offered.ok ? ok({ kind: "identity", anyOf: [offered.value] }) : offered;
};

/** What the same failure means in a project that was signed before. */
const explain = async (
  world: GatewayWorld,
  { project, listed }: Candidate,
  found: Failure,
): Promise<Failure> => {
  const before = await world.state.publisher(project);
  if (before === undefined || isOutage(found)) return found;
  const said = `${describePublisher(before)} signed ${project} before: ${found.message}`;
  if (found.code === "EVIDENCE_MISSING" || found.code === "ATTESTATION_EMPTY") {
    return failure("GATEWAY_ATTESTATION_LOST", said);
  }
  const named = world.policy.policy.packages.has(project);
  if (!found.code.startsWith("IDENTITY_") || named) return found;
  return failure("GATEWAY_IDENTITY_CHANGED", `${listed.filename}: ${said}`);
};

const publisherOf = (verdict: ReleaseVerdict): IdentityPolicy | undefined => {
  const proven = verdict.proofs.find((proof) => proof.verdict.verified)?.verdict;
  return proven?.verified === true ? lastingIdentity(proven.signer) : undefined;
};

/** Remembers who signed; another one than before is refused unless the policy names it. */
const notePublisher = async (
  world: GatewayWorld,
  { project, listed }: Candidate,
  verdict: ReleaseVerdict,
): Promise<Result<void>> => {
  const publisher = publisherOf(verdict);
  if (publisher === undefined) return ok(undefined);
  const before = await world.state.pinPublisher(project, publisher);
  if (JSON.stringify(before) === JSON.stringify(publisher)) return ok(undefined);
  const said = `${describePublisher(publisher)} signed ${listed.filename}, ${describePublisher(before)} signed ${project} before`;
  const changed = failure("GATEWAY_IDENTITY_CHANGED", said);
  if (!world.policy.policy.packages.has(project)) return { ok: false, error: changed };
  const { filename, sha256 } = listed;
  await tell(world, {
    kind: "alarm",
    project,
    filename,
    sha256,
    code: changed.code,
    message: said,
  });
  await world.state.replacePublisher(project, publisher);
  return ok(undefined);
};
