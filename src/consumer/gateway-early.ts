import type { IndexFile } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import type { Version } from "../dists/version.ts";
import { evidenceNames } from "../formats/evidence.ts";
import type { EvidenceSource } from "../stages/release.ts";
import type { Upstream } from "./upstreams.ts";

/**
 * The same upstream, asked for all evidence of a file right away and at the same time: it comes
 * while the file does. What was asked for is asked for once.
 */
export const askEarly = (
  upstream: Upstream,
  project: NormalizedName,
  version: Version,
  listed: IndexFile,
): Upstream => {
  const source = upstream.evidence(project, version);
  const answers = new Map<string, ReturnType<EvidenceSource>>();
  const once: EvidenceSource = (name) => {
    const answer = answers.get(name) ?? source(name);
    answers.set(name, answer);
    return answer;
  };
  const provenance = upstream.index.provenance(listed);
  const early = [...Object.values(evidenceNames(listed.filename)).map(once), provenance];
  // Who needs one sees it fail; until then nobody does.
  for (const answer of early) answer.catch(() => undefined);
  return {
    ...upstream,
    index: { ...upstream.index, provenance: () => provenance },
    evidence: () => once,
  };
};
