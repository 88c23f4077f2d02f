import { attestationToBundle, parseAttestation } from "../formats/attestation.ts";
import { type Bundle, parseBundle } from "../formats/bundle.ts";
import { hex } from "../formats/bytes.ts";
import { evidenceNames, PREDICATE, requiredEvidence } from "../formats/evidence.ts";
import { parseJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Expectation } from "../verification/verdict.ts";
import { verify } from "../verification/verify.ts";
import type { Batch, SignedDistribution } from "./2-sign.ts";
import { provenancePredicate, sameSource } from "./provenance.ts";
import { type EvidenceSource, type NamedArtifact, verifyRelease } from "./release.ts";
import { type Evidence, makeEvidence } from "./sign-evidence.ts";
import type { SigningCertificate } from "./signing-certificate.ts";

const MAX_EVIDENCE_BYTES = 16 * 1024 * 1024;
const MAX_SBOM_BYTES = 8 * 1024 * 1024;

/** Signs one distribution, unless it is signed already: evidence in memory, verified, written. */
export const signOne = async (
  batch: Batch,
  artifact: NamedArtifact,
): Promise<Result<SignedDistribution>> => {
  const sbom = await readSbom(batch, artifact);
  if (!sbom.ok) return sbom;
  const there = await keptEvidence(batch, artifact, sbom.value !== undefined);
  if (there !== undefined) return ok(outcome(artifact, there, true));
  const signing = await batch.certificates.current();
  if (!signing.ok) return signing;
  const provenance = provenanceOf(batch, signing.value);
  if (!provenance.ok) return provenance;
  const { rekor, bundleRekor = rekor, tsa } = batch.clients;
  const evidence = await makeEvidence({
    artifact,
    signing: signing.value,
    rekor,
    bundleRekor,
    tsa,
    provenance: provenance.value,
    sbom: sbom.value,
  });
  if (!evidence.ok) return evidence;
  const checked = await selfCheck(batch, artifact, evidence.value, signing.value);
  if (!checked.ok) return checked;
  const written = await writeAll(batch, evidence.value);
  if (!written.ok) return written;
  tell(batch, `${artifact.name}: signed as ${signing.value.job.san}`);
  return ok(outcome(artifact, [...evidence.value.keys()], false));
};

const tell = ({ clients }: Batch, message: string): void =>
  clients.report({ kind: "progress", stage: "sign", at: clients.now(), message });

const outcome = (
  artifact: NamedArtifact,
  evidence: readonly string[],
  kept: boolean,
): SignedDistribution => ({
  filename: artifact.name,
  sha256: hex(artifact.sha256),
  size: artifact.size,
  evidence,
  kept,
});

/** A CycloneDX document beside the file, named after it, is attested too. */
const readSbom = async (
  { input, clients }: Batch,
  artifact: NamedArtifact,
): Promise<Result<unknown>> => {
  const path = `${input.folder}/${artifact.name}.cdx.json`;
  const bytes = await clients.files.readIfPresent(path, MAX_SBOM_BYTES);
  if (!bytes.ok) return bytes;
  return bytes.value === undefined ? ok(undefined) : parseJson(bytes.value, MAX_SBOM_BYTES, path);
};

const provenanceOf = (batch: Batch, signing: SigningCertificate): Result<unknown> => {
  if (batch.record === undefined) return ok(undefined);
  const { record, sha256 } = batch.record;
  const { job } = signing;
  const same = sameSource({ record, job });
  return same.ok ? ok(provenancePredicate({ record, recordSha256: sha256, job })) : same;
};

/** The names of evidence that is there and verifies in whole; `undefined` if it must be made. */
const keptEvidence = async (
  batch: Batch,
  artifact: NamedArtifact,
  withSbom: boolean,
): Promise<readonly string[] | undefined> => {
  const { input, clients, expectKept } = batch;
  if (expectKept === undefined) return undefined;
  const names = evidenceNames(artifact.name);
  const source: EvidenceSource = (name) =>
    clients.files.readIfPresent(`${input.folder}/${name}`, MAX_EVIDENCE_BYTES);
  if (withSbom) {
    const sbom = await source(names.sbomAttestation);
    if (!sbom.ok || sbom.value === undefined) return undefined;
  }
  const checked = await checkEvidence(batch, artifact, source, expectKept);
  if (!checked.ok) return undefined;
  tell(batch, `${artifact.name}: signed already`);
  const made = requiredEvidence(artifact.name).filter(
    (name) => batch.record !== undefined || name !== names.provenanceAttestation,
  );
  return withSbom ? [...made, names.sbomAttestation] : made;
};

/** Verifies what was made from its bytes, by the one path that consumers take. */
const selfCheck = async (
  batch: Batch,
  artifact: NamedArtifact,
  evidence: Evidence,
  signing: SigningCertificate,
): Promise<Result<void>> => {
  const source: EvidenceSource = async (name) => ok(evidence.get(name));
  const expect = batch.input.expect ?? signing.expect;
  const checked = await checkEvidence(batch, artifact, source, expect);
  if (checked.ok) return checked;
  const { code, message } = checked.error;
  return fail("SIGN_SELF_CHECK", `${code}: ${message}`);
};

const checkEvidence = async (
  batch: Batch,
  artifact: NamedArtifact,
  evidence: EvidenceSource,
  expect: Expectation,
): Promise<Result<void>> => {
  const { trust } = batch.input;
  const now = batch.clients.now();
  if (batch.record === undefined) return checkWithoutProvenance(batch, artifact, evidence, expect);
  const inspect = async () => ok({ findings: [] });
  const verdict = await verifyRelease({ artifact, evidence, inspect, expect, trust, now });
  return verdict.failure === undefined ? ok(undefined) : { ok: false, error: verdict.failure };
};

/** What has no build record has no provenance, so it can be no release: its parts are verified. */
const checkWithoutProvenance = async (
  batch: Batch,
  artifact: NamedArtifact,
  evidence: EvidenceSource,
  expect: Expectation,
): Promise<Result<void>> => {
  const names = evidenceNames(artifact.name);
  const parts = [
    { file: names.bundle, parse: parseBundle, accepted: {} },
    {
      file: names.publishAttestation,
      parse: attestedBundle,
      accepted: { predicateTypes: [PREDICATE.publish] },
    },
  ];
  for (const { file, parse, accepted } of parts) {
    const bytes = await evidence(file);
    if (!bytes.ok) return bytes;
    if (bytes.value === undefined) return fail("EVIDENCE_MISSING", `there is no ${file}`);
    const bundle = parse(bytes.value);
    if (!bundle.ok) return bundle;
    const { trust } = batch.input;
    const now = batch.clients.now();
    const verdict = await verify({
      artifact,
      bundle: bundle.value,
      trust,
      expect,
      now,
      ...accepted,
    });
    if (!verdict.verified) return { ok: false, error: verdict.failure };
  }
  return ok(undefined);
};

const attestedBundle = (bytes: Uint8Array): Result<Bundle> => {
  const attestation = parseAttestation(bytes);
  return attestation.ok ? ok(attestationToBundle(attestation.value)) : attestation;
};

/** All files of one distribution, or none: what was written before a failure is taken back. */
const writeAll = async ({ input, clients }: Batch, evidence: Evidence): Promise<Result<void>> => {
  const paths = [...evidence.keys()].map((name) => `${input.folder}/${name}`);
  for (const [name, content] of evidence) {
    const written = await clients.files.write(`${input.folder}/${name}`, content);
    if (written.ok) continue;
    for (const path of paths) await clients.files.remove(path);
    return written;
  }
  return ok(undefined);
};
