import { type Attestation, parseAttestation } from "../formats/attestation.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { formatProvenance, type Publisher } from "../formats/provenance-object.ts";
import { ok, type Result } from "../formats/result.ts";
import type { EvidenceSource, ReleaseVerdict } from "../stages/release.ts";
import { lastingIdentity } from "./first-use.ts";

/** The publisher by the verified certificate, never by what an upstream says. */
const publisherOf = (verdict: ReleaseVerdict): Publisher | undefined => {
  const proven = verdict.proofs.find(({ kind }) => kind === "publish")?.verdict;
  if (proven?.verified !== true || proven.signer.kind !== "certificate") return undefined;
  const identity = lastingIdentity(proven.signer);
  const environment = proven.signer.claims["23"];
  switch (identity?.kind) {
    case "gitlab": {
      const { project: repository, configPath: workflowFilepath = ".gitlab-ci.yml" } = identity;
      return { kind: "GitLab", repository, workflowFilepath, environment };
    }
    case "github": {
      const { repository, workflow } = identity;
      return { kind: "GitHub", repository, workflow, environment };
    }
    case "email":
      return { kind: "Google", email: identity.email };
    default:
      return { kind: "other", name: proven.signer.issuer };
  }
};

/**
 * The PEP 740 provenance object of a verified file: its publish attestation and its provenance,
 * as they verified. `undefined` where it has none.
 */
export const provenanceFor = async (
  filename: string,
  sources: readonly EvidenceSource[],
  verdict: ReleaseVerdict,
): Promise<Result<Uint8Array | undefined>> => {
  const names = evidenceNames(filename);
  const publisher = publisherOf(verdict);
  const source = sources[0];
  if (publisher === undefined || source === undefined) return ok(undefined);
  const attestations: Attestation[] = [];
  for (const name of [names.publishAttestation, names.provenanceAttestation]) {
    const bytes = await source(name);
    if (!bytes.ok) return bytes;
    if (bytes.value === undefined) continue;
    const attestation = parseAttestation(bytes.value);
    if (!attestation.ok) return attestation;
    attestations.push(attestation.value);
  }
  if (attestations.length === 0) return ok(undefined);
  return ok(formatProvenance({ bundles: [{ publisher, attestations }] }));
};
