import { type DistributionReport, inspectDistribution } from "../clients/archive.ts";
import type { FileArtifact, Files } from "../clients/files.ts";
import type { IndexFile } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { compareIndex } from "../stages/compare-index.ts";
import { type EvidenceSource, type ReleaseVerdict, verifyRelease } from "../stages/release.ts";
import { evidenceSources } from "../stages/served-evidence.ts";
import type { Expected } from "../verification/policy.ts";
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

/** What the checks gave, whatever it was; no verdict and no failure where none was expected. */
export type Evaluation = {
  readonly report?: DistributionReport;
  readonly verdict?: ReleaseVerdict;
  readonly sources: readonly EvidenceSource[];
  readonly failure?: Failure;
};

/** By what a file is judged. */
export type Rules = {
  /**
   * Whom to expect; the file's own sources of evidence, at least one, may tell whom nobody else
   * names. `undefined`: it may go without evidence, and only what it holds is checked.
   */
  readonly expect: (
    candidate: Candidate,
    sources: readonly [EvidenceSource, ...EvidenceSource[]],
  ) => Promise<Result<Expected | undefined>>;
  readonly trust: () => Promise<Result<TrustedRoot>>;
  readonly files: Files;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/**
 * Verifies a quarantined file: by each source of evidence, then against what the index says about
 * it. The one path is `verifyRelease`.
 */
export const evaluateFile = async (rules: Rules, candidate: Candidate): Promise<Evaluation> => {
  const evaluated = await rules.files.hold(candidate.path, (artifact, content) =>
    evaluateHeld(rules, candidate, artifact, content),
  );
  return evaluated.ok ? evaluated.value : { sources: [], failure: evaluated.error };
};

/** @param content - all of the file where it is of usual size: what is digested is inspected */
const evaluateHeld = async (
  rules: Rules,
  candidate: Candidate,
  artifact: FileArtifact,
  content: Uint8Array | undefined,
): Promise<Evaluation> => {
  const { upstream, listed, path, project, version } = candidate;
  const inspected = inspectDistribution(path, content);
  const inspect = () => inspected;
  const report = await inspected;
  const known = report.ok ? { report: report.value } : {};
  const own = remembered(upstream.evidence(project, version));
  const sources = await evidenceSources(listed, { index: upstream.index, evidence: { get: own } });
  if (!sources.ok) return { ...known, sources: [], failure: sources.error };
  const verified = await verifyAll(rules, candidate, artifact, sources.value, inspect);
  if (!verified.ok) return { ...known, sources: sources.value, failure: verified.error };
  const verdict = verified.value;
  const judged = { ...known, ...(verdict && { verdict }), sources: sources.value };
  if (verdict?.failure !== undefined) return { ...judged, failure: verdict.failure };
  // Accepted without a report: a file of earlier times, whose digest stands for its name.
  const agrees = report.ok
    ? await compareIndex(listed, path, { index: upstream.index, inspect })
    : ok(undefined);
  return agrees.ok ? judged : { ...judged, failure: agrees.error };
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

const soundOrOld = (inspected: Result<DistributionReport>): Result<undefined> =>
  inspected.ok || inspected.error.code === "DIST_NAME" ? ok(undefined) : inspected;

const verifyAll = async (
  rules: Rules,
  candidate: Candidate,
  artifact: FileArtifact,
  sources: readonly EvidenceSource[],
  inspect: () => Promise<Result<DistributionReport>>,
): Promise<Result<ReleaseVerdict | undefined>> => {
  const { listed, upstream } = candidate;
  const [first, ...others] = sources;
  if (first === undefined)
    return fail("EVIDENCE_MISSING", `nothing vouches for ${listed.filename}`);
  const trust = await rules.trust();
  if (!trust.ok) return trust;
  const expect = await rules.expect(candidate, [first, ...others]);
  if (!expect.ok) return expect;
  if (expect.value === undefined) return soundOrOld(await inspect());
  let kept: ReleaseVerdict | undefined;
  for (const evidence of sources) {
    const verdict = await verifyRelease({
      artifact,
      evidence,
      inspect,
      expect: expect.value,
      trust: trust.value,
      now: rules.now(),
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
