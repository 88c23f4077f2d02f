import type { Rekor } from "../clients/rekor.ts";
import type { Artifact } from "../formats/artifact.ts";
import { attestationToBundle, parseAttestation } from "../formats/attestation.ts";
import { type Bundle, parseBundle, type TlogEntry } from "../formats/bundle.ts";
import {
  parseCertificateFile,
  parseCosignBundle,
  parseSignatureFile,
} from "../formats/detached.ts";
import { PREDICATE } from "../formats/evidence.ts";
import { formatPem } from "../formats/pem.ts";
import { parseProvenance } from "../formats/provenance-object.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { readSummary } from "../verification/summary.ts";
import type { Expectation, Verdict } from "../verification/verdict.ts";
import { verify } from "../verification/verify.ts";
import type { WitnessDemand } from "../verification/witness.ts";

/** Evidence that was named on its own, as the bytes of its files. */
export type GivenEvidence =
  | { readonly kind: "bundle"; readonly bytes: Uint8Array }
  | { readonly kind: "attestation"; readonly bytes: Uint8Array }
  | {
      readonly kind: "detached";
      readonly signature: Uint8Array;
      /** Absent for a managed key. */
      readonly certificate: Uint8Array | undefined;
    };

export type SingleInput = {
  readonly artifact: Artifact;
  readonly evidence: GivenEvidence;
  readonly expect: Expectation;
  /** Predicate types accepted of statements; any where absent. */
  readonly predicateTypes?: readonly string[];
  /** Distinct log entries that must verify; 1 where absent. */
  readonly tlogThreshold?: number;
  /** Witnesses that must vouch for every checkpoint; none where absent. */
  readonly witnesses?: WitnessDemand;
  readonly trust: TrustedRoot;
  /** Asked for the entry of a detached signature; absent when offline. */
  readonly rekor?: Rekor;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/**
 * Verifies one artifact against evidence that was named on its own: at least one bundle, and
 * every one of them. A detached signature has no proof that it was logged; the log is asked for
 * its entry, and offline it is refused (TLOG_MISSING). A verification summary that does not say
 * PASSED is refused (SUMMARY_FAILED).
 */
export const verifySingle = async (input: SingleInput): Promise<Result<Verdict[]>> => {
  const bundles = await bundlesOf(input);
  if (!bundles.ok) return bundles;
  const verdicts: Verdict[] = [];
  for (const bundle of bundles.value) verdicts.push(await judge(input, bundle));
  if (verdicts.length === 0) return fail("ATTESTATION_EMPTY", "the evidence holds no attestation");
  return ok(verdicts);
};

const judge = async (input: SingleInput, bundle: Bundle): Promise<Verdict> => {
  const { artifact, expect, trust, now, predicateTypes, tlogThreshold = 1, witnesses } = input;
  const accepted = predicateTypes === undefined ? {} : { predicateTypes };
  const verdict = await verify({
    artifact,
    bundle,
    expect,
    trust,
    now,
    tlogThreshold,
    ...accepted,
    ...(witnesses === undefined ? {} : { witnesses }),
  });
  if (!verdict.verified || verdict.predicateType !== PREDICATE.summary) return verdict;
  const summary = readSummary(verdict);
  return summary.ok ? verdict : { verified: false, failure: summary.error, checks: verdict.checks };
};

const bundlesOf = async (input: SingleInput): Promise<Result<Bundle[]>> => {
  const { evidence } = input;
  switch (evidence.kind) {
    case "bundle":
      return anyBundle(evidence.bytes);
    case "attestation":
      return attestationBundles(evidence.bytes);
    case "detached": {
      const bundle = await detachedBundle(input, evidence.signature, evidence.certificate);
      return bundle.ok ? ok([bundle.value]) : bundle;
    }
    default:
      return evidence satisfies never;
  }
};

/** A Sigstore bundle, or the JSON that cosign 2 writes with --bundle. */
const anyBundle = (bytes: Uint8Array): Result<Bundle[]> => {
  const bundle = parseBundle(bytes);
  if (bundle.ok) return ok([bundle.value]);
  const legacy = parseCosignBundle(bytes);
  return legacy.ok ? ok([legacy.value]) : bundle;
};

/** A PEP 740 attestation, or a provenance object with several. */
const attestationBundles = (bytes: Uint8Array): Result<Bundle[]> => {
  const attestation = parseAttestation(bytes);
  if (attestation.ok) return ok([attestationToBundle(attestation.value)]);
  const provenance = parseProvenance(bytes);
  if (!provenance.ok) {
    return provenance.error.code === "ATTESTATION_EMPTY" ? provenance : attestation;
  }
  const attestations = provenance.value.bundles.flatMap((each) => each.attestations);
  return ok(attestations.map(attestationToBundle));
};

const detachedBundle = async (
  input: SingleInput,
  signatureFile: Uint8Array,
  certificateFile: Uint8Array | undefined,
): Promise<Result<Bundle>> => {
  const signature = parseSignatureFile(signatureFile);
  if (!signature.ok) return signature;
  const content = {
    kind: "message-signature",
    digest: undefined,
    signature: signature.value,
  } as const;
  const parts = { version: "0.3", timestamps: [], content } as const;
  if (certificateFile === undefined) {
    const material = { kind: "public-key", hint: "" } as const;
    const entries = await findEntries(input, signature.value, managedKey(input.expect));
    return entries.ok ? ok({ ...parts, material, entries: entries.value }) : entries;
  }
  const certificate = parseCertificateFile(certificateFile);
  if (!certificate.ok) return certificate;
  const entries = await findEntries(
    input,
    signature.value,
    formatPem("CERTIFICATE", certificate.value.der),
  );
  if (!entries.ok) return entries;
  const material = { kind: "certificate", certificate: certificate.value, chain: [] } as const;
  return ok({ ...parts, material, entries: entries.value });
};

const managedKey = (expect: Expectation): string | undefined =>
  expect.kind === "key" ? formatPem("PUBLIC KEY", expect.key.spki) : undefined;

const findEntries = async (
  input: SingleInput,
  signature: Uint8Array,
  verifier: string | undefined,
): Promise<Result<TlogEntry[]>> => {
  if (verifier === undefined)
    return fail("KEY_MISSING", "a signature was given without certificate");
  if (input.rekor === undefined) {
    return fail(
      "TLOG_MISSING",
      "a detached signature has no log proof, and offline none can be had",
    );
  }
  const { sha256 } = input.artifact;
  const found = await input.rekor.find({ kind: "hashedrekord", sha256, signature, verifier });
  if (!found.ok) return found;
  return found.value.length === 0
    ? fail("TLOG_MISSING", "the log has no entry for this signature")
    : found;
};
