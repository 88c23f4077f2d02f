import type { Artifact } from "../formats/artifact.ts";
import { type Attestation, attestationToBundle, parseAttestation } from "../formats/attestation.ts";
import { type Bundle, parseBundle } from "../formats/bundle.ts";
import { equal, hex } from "../formats/bytes.ts";
import { parseCertificateFile, parseSignatureFile } from "../formats/detached.ts";
import { evidenceNames, PREDICATE } from "../formats/evidence.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { compareProvenance } from "../verification/claims.ts";
import type { Expectation, Verdict } from "../verification/verdict.ts";
import { verify } from "../verification/verify.ts";

/** A file with its name, as a release has it. */
export type NamedArtifact = Artifact & { readonly name: string; readonly size: number };

/** What is reported about a distribution's content without being refused. */
export type Finding = { readonly kind: string; readonly path: string; readonly detail: string };

/** Gives the evidence file of that name, or `undefined` where there is none. */
export type EvidenceSource = (name: string) => Promise<Result<Uint8Array | undefined>>;

export type ReleaseInput = {
  readonly artifact: NamedArtifact;
  readonly evidence: EvidenceSource;
  /** Checks the distribution itself: archive, metadata, RECORD, names. */
  readonly inspect: () => Promise<Result<{ readonly findings: readonly Finding[] }>>;
  readonly expect: Expectation;
  readonly trust: TrustedRoot;
  /** Milliseconds since 1970. */
  readonly now: number;
};

export const PROOFS = ["bundle", "publish", "provenance", "sbom"] as const;
export type ProofKind = (typeof PROOFS)[number];

/** One piece of evidence and what its verification gave. */
export type Proof = {
  readonly kind: ProofKind;
  /** Name of the evidence file. */
  readonly file: string;
  readonly verdict: Verdict;
};

/** The verdict over one file of a release. */
export type ReleaseVerdict = {
  readonly filename: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  readonly proofs: readonly Proof[];
  readonly findings: readonly Finding[];
  /** Absent when the file is verified as this release. */
  readonly failure?: Failure;
};

/**
 * Verifies one distribution as a release: its own consistency, its signature bundle, the detached
 * files beside it, the publish attestation that binds its name, and the provenance. All of them
 * must be there and good; the first that is not is the failure. DESIGN rule 4.
 */
export const verifyRelease = async (input: ReleaseInput): Promise<ReleaseVerdict> => {
  const { artifact } = input;
  const base = { filename: artifact.name, sha256: hex(artifact.sha256), size: artifact.size };
  const proofs: Proof[] = [];
  const inspected = await input.inspect();
  const findings = inspected.ok ? inspected.value.findings : [];
  const outcome = inspected.ok ? await prove(input, proofs) : inspected;
  return outcome.ok
    ? { ...base, proofs, findings }
    : { ...base, proofs, findings, failure: outcome.error };
};

const prove = async (input: ReleaseInput, proofs: Proof[]): Promise<Result<void>> => {
  const names = evidenceNames(input.artifact.name);
  const bundle = await required(input, names.bundle, parseBundle);
  if (!bundle.ok) return bundle;
  const signed = await judge(input, proofs, "bundle", names.bundle, bundle.value);
  if (!signed.ok) return signed;
  const detached = await compareDetached(input, bundle.value);
  if (!detached.ok) return detached;
  const publish = await attested(input, proofs, "publish", names.publishAttestation);
  if (!publish.ok) return publish;
  const provenance = await attested(input, proofs, "provenance", names.provenanceAttestation);
  if (!provenance.ok) return provenance;
  const claims = compareProvenance(provenance.value);
  if (!claims.ok) return claims;
  return optionalSbom(input, proofs, names.sbomAttestation);
};

const optionalSbom = async (
  input: ReleaseInput,
  proofs: Proof[],
  name: string,
): Promise<Result<void>> => {
  const present = await input.evidence(name);
  if (!present.ok) return present;
  if (present.value === undefined) return ok(undefined);
  const sbom = await attested(input, proofs, "sbom", name);
  return sbom.ok ? ok(undefined) : sbom;
};

const required = async <T>(
  input: ReleaseInput,
  name: string,
  parse: (bytes: Uint8Array) => Result<T>,
): Promise<Result<T>> => {
  const bytes = await input.evidence(name);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) {
    return fail("EVIDENCE_MISSING", `${input.artifact.name} has no ${name}`);
  }
  const parsed = parse(bytes.value);
  return parsed.ok ? parsed : fail(parsed.error.code, `${name}: ${parsed.error.message}`);
};

const PREDICATES: Record<Exclude<ProofKind, "bundle">, string> = {
  publish: PREDICATE.publish,
  provenance: PREDICATE.provenance,
  sbom: PREDICATE.sbom,
};

const attested = async (
  input: ReleaseInput,
  proofs: Proof[],
  kind: Exclude<ProofKind, "bundle">,
  name: string,
): Promise<Result<Verdict & { verified: true }>> => {
  const attestation = await required<Attestation>(input, name, parseAttestation);
  if (!attestation.ok) return attestation;
  return judge(input, proofs, kind, name, attestationToBundle(attestation.value));
};

const judge = async (
  input: ReleaseInput,
  proofs: Proof[],
  kind: ProofKind,
  file: string,
  bundle: Bundle,
): Promise<Result<Verdict & { verified: true }>> => {
  const { artifact, trust, expect, now } = input;
  const dsse = bundle.content.kind === "dsse";
  if (dsse !== (kind !== "bundle")) {
    return fail("BUNDLE_MATERIAL", `${file} does not hold what its name says`);
  }
  const predicate = kind === "bundle" ? {} : { predicateTypes: [PREDICATES[kind]] };
  const verdict = await verify({ artifact, bundle, trust, expect, now, ...predicate });
  proofs.push({ kind, file, verdict });
  if (verdict.verified) return ok(verdict);
  const { code, message } = verdict.failure;
  return { ok: false, error: failure(code, `${file}: ${message}`) };
};

/** The detached files say nothing of their own: they must be the bundle's signature and certificate. */
const compareDetached = async (input: ReleaseInput, bundle: Bundle): Promise<Result<void>> => {
  const names = evidenceNames(input.artifact.name);
  const signature = await required(input, names.signature, parseSignatureFile);
  if (!signature.ok) return signature;
  const certificate = await required(input, names.certificate, parseCertificateFile);
  if (!certificate.ok) return certificate;
  const { content, material } = bundle;
  if (content.kind !== "message-signature" || !equal(content.signature, signature.value)) {
    return fail("DETACHED_MISMATCH", `${names.signature} is not the signature in ${names.bundle}`);
  }
  if (material.kind !== "certificate" || !equal(material.certificate.der, certificate.value.der)) {
    return fail(
      "DETACHED_MISMATCH",
      `${names.certificate} is not the certificate in ${names.bundle}`,
    );
  }
  return ok(undefined);
};
