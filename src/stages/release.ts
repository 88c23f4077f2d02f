import { sha256 } from "../crypto/hash.ts";
import type { Artifact } from "../formats/artifact.ts";
import { type Attestation, attestationToBundle, parseAttestation } from "../formats/attestation.ts";
import { type Bundle, parseBundle } from "../formats/bundle.ts";
import { equal, hex } from "../formats/bytes.ts";
import { parseCertificateFile, parseSignatureFile } from "../formats/detached.ts";
import { evidenceNames, PREDICATE } from "../formats/evidence.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { compareProvenance, compareSources } from "../verification/claims.ts";
import { type Demand, demandOf, type Expected, excuse, isOver } from "../verification/policy.ts";
import type { Waivable, Waiver } from "../verification/policy-format.ts";
import type { Verdict } from "../verification/verdict.ts";
import { verify } from "../verification/verify.ts";
import { readOnce } from "./read-once.ts";

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
  readonly expect: Expected;
  readonly trust: TrustedRoot;
  /** Milliseconds since 1970. */
  readonly now: number;
  /**
   * `release` where absent: all that signing leaves. `attested`: a publish attestation, as PEP 740
   * indexes have; whatever else is there must be good too.
   */
  readonly demands?: "release" | "attested";
};

export const PROOFS = ["bundle", "publish", "provenance", "sbom"] as const;
export type ProofKind = (typeof PROOFS)[number];

/** One piece of evidence and what its verification gave. */
export type Proof = {
  readonly kind: ProofKind;
  /** Name of the evidence file. */
  readonly file: string;
  /** Lower-case hexadecimal digest of that file. */
  readonly sha256: string;
  readonly verdict: Verdict;
};

/** A waiver of the policy that is about this file, whether it was needed or not. */
export type WaiverNote = {
  readonly waiver: Waiver;
  /** Whether its last day is past; such a one excuses nothing. */
  readonly over: boolean;
  /** What is absent from the evidence and was excused by it. */
  readonly excused: readonly Waivable[];
};

/** The verdict over one file of a release. */
export type ReleaseVerdict = {
  readonly filename: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  readonly proofs: readonly Proof[];
  readonly findings: readonly Finding[];
  /** Every waiver that is about this file: print them each time. */
  readonly waivers: readonly WaiverNote[];
  /** The policy pins this very digest, so no evidence was asked for. */
  readonly pinned?: true;
  /** Absent when the file is verified as this release. */
  readonly failure?: Failure;
};

/** One verification on its way: what is asked, and what was found so far. */
type Trial = ReleaseInput & {
  readonly demand: Demand;
  readonly proofs: Proof[];
  readonly excused: { readonly waiver: Waiver; readonly what: Waivable }[];
};

/**
 * Verifies one distribution as a release: its own consistency, its signature bundle, the detached
 * files beside it, the publish attestation that binds its name, and the provenance. All of them
 * must be good, and there unless a waiver of the policy excuses their absence; the first that is
 * not is the failure. DESIGN rule 4.
 */
export const verifyRelease = async (input: ReleaseInput): Promise<ReleaseVerdict> => {
  const { artifact } = input;
  const base = { filename: artifact.name, sha256: hex(artifact.sha256), size: artifact.size };
  const demand = demandOf(input.expect, artifact.name);
  if (!demand.ok) return { ...base, proofs: [], findings: [], waivers: [], failure: demand.error };
  const evidence = readOnce(input.evidence);
  const trial: Trial = { ...input, evidence, demand: demand.value, proofs: [], excused: [] };
  const inspected = await input.inspect();
  const pinned = demand.value.pins?.includes(base.sha256) === true;
  const proven = inspected.ok && !pinned ? await prove(trial) : inspected;
  const compared = proven.ok ? compareSources(trial.proofs.map(({ verdict }) => verdict)) : proven;
  // The pin stands for the name of a file from before there was a normal form of names.
  const unnamed = pinned && !inspected.ok && inspected.error.code === "DIST_NAME";
  const outcome = unnamed ? ok(undefined) : compared;
  return {
    ...base,
    ...(pinned ? { pinned } : {}),
    proofs: trial.proofs,
    findings: inspected.ok ? inspected.value.findings : unnamed ? [notInspected(artifact)] : [],
    waivers: notes(trial),
    ...(outcome.ok ? {} : { failure: outcome.error }),
  };
};

const notInspected = ({ name }: NamedArtifact): Finding => ({
  kind: "name",
  path: name,
  detail: "the file name is not in normal form, so the content was not inspected",
});

const notes = ({ demand, excused, now }: Trial): WaiverNote[] =>
  demand.waivers.map((waiver) => ({
    waiver,
    over: isOver(waiver, now),
    excused: excused.filter((one) => one.waiver === waiver).map(({ what }) => what),
  }));

const prove = async (trial: Trial): Promise<Result<void>> => {
  const names = evidenceNames(trial.artifact.name);
  const { pins, expect } = trial.demand;
  if (pins !== undefined && expect.kind === "identity" && expect.anyOf.length === 0) {
    const digest = hex(trial.artifact.sha256);
    return fail(
      "POLICY_PIN",
      `${trial.artifact.name} has the digest ${digest}, which no pin names`,
    );
  }
  const signed = await proveSigned(trial);
  if (!signed.ok) return signed;
  // Here nothing else may be left to prove the file, so no waiver counts.
  const publish =
    trial.demands === "attested"
      ? await attested(trial, "publish", names.publishAttestation)
      : await proveAttested(trial, "publish", names.publishAttestation);
  if (!publish.ok) return publish;
  const provenance = await proveAttested(trial, "provenance", names.provenanceAttestation);
  if (!provenance.ok) return provenance;
  const claims = provenance.value && compareProvenance(provenance.value);
  if (claims?.ok === false) return claims;
  const sbom = await trial.evidence(names.sbomAttestation);
  if (!sbom.ok) return sbom;
  if (sbom.value === undefined) return ok(undefined);
  const listed = await attested(trial, "sbom", names.sbomAttestation);
  return listed.ok ? ok(undefined) : listed;
};

/** The signature bundle, and the detached files beside it. */
const proveSigned = async (trial: Trial): Promise<Result<void>> => {
  const names = evidenceNames(trial.artifact.name);
  if (trial.demands === "attested") {
    const absent = await areAbsent(trial, [names.bundle, names.signature, names.certificate]);
    if (!absent.ok) return absent;
    if (absent.value) return ok(undefined);
  }
  const bundle = await required(trial, names.bundle, parseBundle);
  if (!bundle.ok) return bundle;
  const signed = await judge(trial, "bundle", names.bundle, bundle.value);
  if (!signed.ok) return signed;
  return proveDetached(trial, bundle.value.content);
};

const areAbsent = async (trial: Trial, names: readonly string[]): Promise<Result<boolean>> => {
  for (const name of names) {
    const found = await trial.evidence(name);
    if (!found.ok) return found;
    if (found.value !== undefined) return ok(false);
  }
  return ok(true);
};

/** Whether all these files are absent and that is allowed; a waiver is put on record. */
const isExcused = async (
  trial: Trial,
  what: Waivable,
  names: readonly string[],
): Promise<Result<boolean>> => {
  const absent = await areAbsent(trial, names);
  if (!absent.ok || !absent.value || trial.demands === "attested") return absent;
  const waiver = excuse(trial.demand.waivers, what, trial.now);
  if (!waiver.ok) return waiver;
  if (waiver.value !== undefined) trial.excused.push({ waiver: waiver.value, what });
  return ok(waiver.value !== undefined);
};

const proveAttested = async (
  trial: Trial,
  kind: "publish" | "provenance",
  name: string,
): Promise<Result<(Verdict & { verified: true }) | undefined>> => {
  const excused = await isExcused(trial, kind, [name]);
  if (!excused.ok) return excused;
  return excused.value ? ok(undefined) : attested(trial, kind, name);
};

const proveDetached = async (trial: Trial, bundle: Bundle): Promise<Result<void>> => {
  const names = evidenceNames(trial.artifact.name);
  const excused = await isExcused(trial, "detached", [names.signature, names.certificate]);
  if (!excused.ok) return excused;
  return excused.value ? ok(undefined) : compareDetached(trial, bundle);
};

/** A piece of evidence, parsed, and the digest of its bytes. */
type Read<T> = { readonly content: T; readonly sha256: string };

const required = async <T>(
  input: ReleaseInput,
  name: string,
  parse: (bytes: Uint8Array) => Result<T>,
): Promise<Result<Read<T>>> => {
  const bytes = await input.evidence(name);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) {
    return fail("EVIDENCE_MISSING", `${input.artifact.name} has no ${name}`);
  }
  const parsed = parse(bytes.value);
  return parsed.ok
    ? ok({ content: parsed.value, sha256: hex(sha256(bytes.value)) })
    : fail(parsed.error.code, `${name}: ${parsed.error.message}`);
};

const PREDICATES: Record<Exclude<ProofKind, "bundle">, string> = {
  publish: PREDICATE.publish,
  provenance: PREDICATE.provenance,
  sbom: PREDICATE.sbom,
};

const attested = async (
  trial: Trial,
  kind: Exclude<ProofKind, "bundle">,
  name: string,
): Promise<Result<Verdict & { verified: true }>> => {
  const attestation = await required<Attestation>(trial, name, parseAttestation);
  if (!attestation.ok) return attestation;
  const { content, sha256: digest } = attestation.value;
  return judge(trial, kind, name, { content: attestationToBundle(content), sha256: digest });
};

const judge = async (
  trial: Trial,
  kind: ProofKind,
  file: string,
  { content: bundle, sha256: digest }: Read<Bundle>,
): Promise<Result<Verdict & { verified: true }>> => {
  const { artifact, trust, now } = trial;
  const { expect, tlogThreshold, witnesses } = trial.demand;
  const dsse = bundle.content.kind === "dsse";
  if (dsse !== (kind !== "bundle")) {
    return fail("BUNDLE_MATERIAL", `${file} does not hold what its name says`);
  }
  const predicate = kind === "bundle" ? {} : { predicateTypes: [PREDICATES[kind]] };
  const verdict = await verify({
    artifact,
    bundle,
    trust,
    expect,
    now,
    tlogThreshold,
    ...predicate,
    ...(witnesses && { witnesses }),
  });
  trial.proofs.push({ kind, file, sha256: digest, verdict });
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
  if (content.kind !== "message-signature" || !equal(content.signature, signature.value.content)) {
    return fail("DETACHED_MISMATCH", `${names.signature} is not the signature in ${names.bundle}`);
  }
  if (
    material.kind !== "certificate" ||
    !equal(material.certificate.der, certificate.value.content.der)
  ) {
    return fail(
      "DETACHED_MISMATCH",
      `${names.certificate} is not the certificate in ${names.bundle}`,
    );
  }
  return ok(undefined);
};
