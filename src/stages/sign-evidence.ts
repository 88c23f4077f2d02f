import type { ProposedEntry, Rekor } from "../clients/rekor.ts";
import type { TimestampAuthority } from "../clients/tsa.ts";
import { hasher, sha256 } from "../crypto/hash.ts";
import { sign, streamSigner } from "../crypto/sign.ts";
import { formatAttestation } from "../formats/attestation.ts";
import { type Bundle, type Envelope, formatBundle } from "../formats/bundle.ts";
import { equal } from "../formats/bytes.ts";
import { formatCertificateFile, formatSignatureFile } from "../formats/detached.ts";
import { envelopeJson, envelopePae, IN_TOTO_PAYLOAD_TYPE } from "../formats/dsse.ts";
import { evidenceNames, PREDICATE } from "../formats/evidence.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { formatStatement } from "../formats/statement.ts";
import type { NamedArtifact } from "./release.ts";
import type { SigningCertificate } from "./signing-certificate.ts";

/** The content of evidence files by their names. */
export type Evidence = ReadonlyMap<string, Uint8Array>;

export type EvidenceInput = {
  readonly artifact: NamedArtifact;
  readonly signing: SigningCertificate;
  readonly rekor: Rekor;
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
  const made = all(await Promise.all([signMessage(input), ...attestations]));
  return made.ok ? ok(new Map(made.value.flat())) : made;
};

type NamedBytes = readonly [string, Uint8Array];

const signMessage = async (input: EvidenceInput): Promise<Result<NamedBytes[]>> => {
  const { artifact, signing, rekor, tsa } = input;
  const signed = await signStream(artifact, signing);
  if (!signed.ok) return signed;
  const signature = signed.value;
  const entry = await rekor.create({
    kind: "hashedrekord",
    sha256: artifact.sha256,
    signature,
    verifier: signing.pem,
  });
  if (!entry.ok) return entry;
  const stamp = tsa === undefined ? undefined : await tsa.stamp(sha256(signature));
  if (stamp !== undefined && !stamp.ok) return stamp;
  const bundle: Bundle = {
    version: "0.3",
    material: { kind: "certificate", certificate: signing.certificate, chain: [] },
    entries: [entry.value],
    timestamps: stamp === undefined ? [] : [stamp.value],
    content: {
      kind: "message-signature",
      digest: { algorithm: "SHA2_256", bytes: artifact.sha256 },
      signature,
    },
  };
  const names = evidenceNames(artifact.name);
  return ok([
    [names.signature, formatSignatureFile(signature)],
    [names.certificate, formatCertificateFile(signing.certificate)],
    [names.bundle, formatBundle(bundle)],
  ]);
};

/** The file is read once more; what is signed must be what was digested before. */
const signStream = async (
  artifact: NamedArtifact,
  { key }: SigningCertificate,
): Promise<Result<Uint8Array>> => {
  const signer = streamSigner(key, "sha256");
  const digest = hasher("sha256");
  try {
    for await (const chunk of artifact.open?.() ?? []) {
      signer.update(chunk);
      digest.update(chunk);
    }
  } catch {
    return fail("FILE_UNREADABLE", `${artifact.name} cannot be read any more`);
  }
  if (equal(digest.digest(), artifact.sha256)) return ok(signer.sign());
  return fail("DIST_CHANGED", `${artifact.name} changed while it was being signed`);
};

const attest = async (
  { artifact, signing, rekor }: EvidenceInput,
  file: string,
  predicateType: string,
  predicate: unknown,
): Promise<Result<NamedBytes[]>> => {
  const payload = formatStatement([artifact], predicateType, predicate);
  const unsigned = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, keyid: "" };
  const signature = sign(
    signing.key,
    "sha256",
    envelopePae({ ...unsigned, signature: new Uint8Array() }),
  );
  const entry = await rekor.create(proposed({ ...unsigned, signature }, signing.pem));
  if (!entry.ok) return entry;
  const { certificate } = signing;
  const attestation = { certificate, entries: [entry.value], statement: payload, signature };
  return ok([[file, formatAttestation(attestation)]]);
};

const proposed = (envelope: Envelope, verifier: string): ProposedEntry => ({
  kind: "dsse",
  envelope: JSON.stringify(envelopeJson(envelope)),
  verifier,
});
