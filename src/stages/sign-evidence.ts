import type { Rekor } from "../clients/rekor.ts";
import type { TimestampAuthority } from "../clients/tsa.ts";
import { formatAttestation } from "../formats/attestation.ts";
import { formatBundle } from "../formats/bundle.ts";
import { formatCertificateFile, formatSignatureFile } from "../formats/detached.ts";
import { evidenceNames, PREDICATE } from "../formats/evidence.ts";
import { all, ok, type Result } from "../formats/result.ts";
import { formatStatement } from "../formats/statement.ts";
import type { NamedArtifact } from "./release.ts";
import { signMessage, signStatement } from "./sign-bundle.ts";
import type { SigningCertificate } from "./signing-certificate.ts";

/** The content of evidence files by their names. */
export type Evidence = ReadonlyMap<string, Uint8Array>;

export type EvidenceInput = {
  readonly artifact: NamedArtifact;
  readonly signing: SigningCertificate;
  readonly rekor: Rekor;
  /** Logs the bundle; the others are logged by `rekor`. */
  readonly bundleRekor: Rekor;
  readonly tsa: TimestampAuthority | undefined;
  /** The SLSA provenance predicate; no provenance is made where absent. */
  readonly provenance: unknown;
  /** The CycloneDX document, where there is one. */
  readonly sbom: unknown;
};

/**
 * Signs one distribution in all the ways that DESIGN's "What one signed file leaves" lists, and
 * logs each signature. Nothing is written.
 *
 * Fails with DIST_CHANGED where the file is no longer the artifact, and as the log and the
 * timestamp authority do.
 */
export const makeEvidence = async (input: EvidenceInput): Promise<Result<Evidence>> => {
  const names = evidenceNames(input.artifact.name);
  const attestations = [attest(input, names.publishAttestation, PREDICATE.publish, null)];
  if (input.provenance !== undefined) {
    const { provenance } = input;
    attestations.push(attest(input, names.provenanceAttestation, PREDICATE.provenance, provenance));
  }
  if (input.sbom !== undefined) {
    attestations.push(attest(input, names.sbomAttestation, PREDICATE.sbom, input.sbom));
  }
  const made = all(await Promise.all([signFile(input), ...attestations]));
  return made.ok ? ok(new Map(made.value.flat())) : made;
};

type NamedBytes = readonly [string, Uint8Array];

const signFile = async (input: EvidenceInput): Promise<Result<NamedBytes[]>> => {
  const { artifact, signing } = input;
  const bundle = await signMessage(artifact, { ...input, rekor: input.bundleRekor });
  if (!bundle.ok) return bundle;
  const names = evidenceNames(artifact.name);
  return ok([
    [names.signature, formatSignatureFile(bundle.value.content.signature)],
    [names.certificate, formatCertificateFile(signing.certificate)],
    [names.bundle, formatBundle(bundle.value)],
  ]);
};

const attest = async (
  { artifact, signing, rekor }: EvidenceInput,
  file: string,
  predicateType: string,
  predicate: unknown,
): Promise<Result<NamedBytes[]>> => {
  const statement = formatStatement([artifact], predicateType, predicate);
  // PEP 740 attestations have no place for a timestamp: the log's promise stands for the time.
  const bundle = await signStatement(statement, { signing, rekor });
  if (!bundle.ok) return bundle;
  const { entries, content } = bundle.value;
  const { certificate } = signing;
  const { signature } = content.envelope;
  return ok([[file, formatAttestation({ certificate, entries, statement, signature })]]);
};
