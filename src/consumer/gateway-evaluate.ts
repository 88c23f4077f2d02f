import { type DistributionReport, inspectDistribution } from "../clients/archive.ts";
import type { IndexFile } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { compareIndex } from "../stages/compare-index.ts";
import { type EvidenceSource, type ReleaseVerdict, verifyRelease } from "../stages/release.ts";
import { evidenceSources } from "../stages/served-evidence.ts";
import type { Expected } from "../verification/policy.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import { describePublisher, identityOffered, lastingIdentity } from "./first-use.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";
import type { Upstream } from "./upstreams.ts";

/** A file in quarantine, with all that is known about it. */
export type Candidate = {
  readonly project: NormalizedName;
  readonly version: Version;
  readonly upstream: Upstream;
  readonly listed: IndexFile & { readonly sha256: string };
  /** Its path, under its own name. */
  readonly path: string;
};

/** What the checks gave, whatever it was. */
export type Evaluation = {
  readonly report?: DistributionReport;
  readonly verdict?: ReleaseVerdict;
  readonly sources: readonly EvidenceSource[];
  readonly failure?: Failure;
};

/**
 * Verifies a quarantined file: by each source of evidence, against the policy or the project's
 * first publisher, then against what the index says about it. The one path is `verifyRelease`.
 */
export const evaluate = async (world: GatewayWorld, candidate: Candidate): Promise<Evaluation> => {
  const { upstream, listed, path, project, version } = candidate;
  const inspected = inspectDistribution(path);
  const inspect = () => inspected;
  const report = await inspected;
  const known = report.ok ? { report: report.value } : {};
  const own = remembered(upstream.evidence(project, version));
  const sources = await evidenceSources(listed, { index: upstream.index, evidence: { get: own } });
  if (!sources.ok) return { ...known, sources: [], failure: sources.error };
  const verified = await verifyAll(world, candidate, sources.value, inspect);
  if (!verified.ok) return { ...known, sources: sources.value, failure: verified.error };
  const verdict = verified.value;
  if (verdict.failure !== undefined) {
    return {
      ...known,
      verdict,
      sources: sources.value,
      failure: explain(world, candidate, verdict.failure),
    };
  }
  // Accepted without a report: a pinned file whose name is not in normal form.
  const agrees = report.ok
    ? await compareIndex(listed, path, { index: upstream.index, inspect })
    : ok(undefined);
  const refused = agrees.ok ? notePublisher(world, candidate, verdict) : agrees;
  return {
    ...known,
    verdict,
    sources: sources.value,
    ...(refused.ok ? {} : { failure: refused.error }),
  };
};

/** Asks for each evidence file once, so that all checks, and what is served, see the same bytes. */
const remembered = (source: EvidenceSource): EvidenceSource => {
  const answers = new Map<string, ReturnType<EvidenceSource>>();
  return (name) => {
    const answer = answers.get(name) ?? source(name);
    answers.set(name, answer);
    return answer;
  };
};

/** Whom to expect: the policy where it names the package, else the project's first publisher. */
const expectedOf = async (
  world: GatewayWorld,
  { project, listed }: Candidate,
  source: EvidenceSource,
): Promise<Result<Expected>> => {
  const { policy, config, state } = world;
  if (!config.trustOnFirstUse || policy.policy.packages.has(project)) return ok(policy);
  const pinned = state.publisher(project);
  const offered =
    pinned === undefined ? await identityOffered(listed.filename, source) : ok(pinned);
  return offered.ok ? ok({ kind: "identity", anyOf: [offered.value] }) : offered;
};

const verifyAll = async (
  world: GatewayWorld,
  candidate: Candidate,
  sources: readonly EvidenceSource[],
  inspect: () => Promise<Result<DistributionReport>>,
): Promise<Result<ReleaseVerdict>> => {
  const { path, listed, upstream } = candidate;
  const [first] = sources;
  if (first === undefined)
    return fail("EVIDENCE_MISSING", `nothing vouches for ${listed.filename}`);
  const trust = await world.trust();
  if (!trust.ok) return trust;
  const expect = await expectedOf(world, candidate, first);
  if (!expect.ok) return expect;
  const artifact = await world.files.artifact(path);
  if (!artifact.ok) return artifact;
  let kept: ReleaseVerdict | undefined;
  for (const evidence of sources) {
    const verdict = await verifyRelease({
      artifact: artifact.value,
      evidence,
      inspect,
      expect: expect.value,
      trust: trust.value,
      now: world.now(),
      demands: upstream.config.demands,
    });
    if (verdict.failure !== undefined) return ok(verdict);
    kept ??= verdict;
  }
  if (kept === undefined) return fail("EVIDENCE_MISSING", `nothing vouches for ${listed.filename}`);
  return kept.sha256 === listed.sha256 && kept.filename === listed.filename
    ? ok(kept)
    : fail("DIST_CHANGED", `${listed.filename} is not the file that was downloaded`);
};

/** What the same failure means in a project that was signed before. */
const explain = (world: GatewayWorld, { project, listed }: Candidate, found: Failure): Failure => {
  const before = world.state.publisher(project);
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
const notePublisher = (
  world: GatewayWorld,
  { project, listed }: Candidate,
  verdict: ReleaseVerdict,
): Result<void> => {
  const publisher = publisherOf(verdict);
  if (publisher === undefined) return ok(undefined);
  const before = world.state.pinPublisher(project, publisher);
  if (JSON.stringify(before) === JSON.stringify(publisher)) return ok(undefined);
  const said = `${describePublisher(publisher)} signed ${listed.filename}, ${describePublisher(before)} signed ${project} before`;
  const changed = failure("GATEWAY_IDENTITY_CHANGED", said);
  if (!world.policy.policy.packages.has(project)) return { ok: false, error: changed };
  const { filename, sha256 } = listed;
  tell(world, { kind: "alarm", project, filename, sha256, code: changed.code, message: said });
  world.state.replacePublisher(project, publisher);
  return ok(undefined);
};
