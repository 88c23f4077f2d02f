/** The names of the files that one signed distribution leaves beside it. */
export const evidenceNames = (filename: string) => ({
  signature: `${filename}.sig`,
  certificate: `${filename}.crt`,
  bundle: `${filename}.sigstore.json`,
  publishAttestation: `${filename}.publish.attestation`,
  provenanceAttestation: `${filename}.provenance.attestation`,
  sbomAttestation: `${filename}.sbom.attestation`,
});

/** Those that signing always writes, in the order they are published. */
export const requiredEvidence = (filename: string): readonly string[] => {
  const names = evidenceNames(filename);
  return [
    names.signature,
    names.certificate,
    names.bundle,
    names.publishAttestation,
    names.provenanceAttestation,
  ];
};

/** Predicate types that a standard fixes. */
export const PREDICATE = {
  publish: "https://docs.pypi.org/attestations/publish/v1",
  provenance: "https://slsa.dev/provenance/v1",
  sbom: "https://cyclonedx.org/bom",
  summary: "https://slsa.dev/verification_summary/v1",
} as const;

/** A signature, a certificate, a bundle or an attestation is never larger. */
export const MAX_EVIDENCE_BYTES = 16 * 1024 * 1024;
