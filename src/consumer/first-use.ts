import { parseAttestation } from "../formats/attestation.ts";
import { parseBundle } from "../formats/bundle.ts";
import type { Certificate } from "../formats/certificate.ts";
import { evidenceNames } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { EvidenceSource } from "../stages/release.ts";
import { checkIdentity } from "../verification/identity.ts";
import { signerOf } from "../verification/signer.ts";
import type { IdentityPolicy, Signer } from "../verification/verdict.ts";

type Certified = Extract<Signer, { kind: "certificate" }>;

/** The forms of identity that stay the same from release to release, the most telling first. */
const candidates = (signer: Certified): IdentityPolicy[] => {
  const { san, issuer, claims, sanKind } = signer;
  const found: IdentityPolicy[] = [];
  const github = /^https:\/\/[^/]+\/([^/]+\/[^/]+)\/\.github\/workflows\/([^@]+)@/.exec(san) ?? [];
  const [, repository, workflow] = github;
  if (repository !== undefined && workflow !== undefined) {
    found.push({ kind: "github", issuer, repository, workflow });
  }
  const [, path, configPath] = /^https:\/\/[^/]+\/(.+?)\/\/([^@]+)@/.exec(san) ?? [];
  const project = URL.parse(claims["12"] ?? "")?.pathname.slice(1);
  if (path !== undefined && configPath !== undefined && project !== undefined) {
    const { "15": projectId, "17": namespaceId } = claims;
    found.push({
      kind: "gitlab",
      issuer,
      project: path.endsWith(project) ? path : project,
      configPath,
      ...(projectId === undefined ? {} : { projectId }),
      ...(namespaceId === undefined ? {} : { namespaceId }),
    });
  }
  if (sanKind === "email") found.push({ kind: "email", email: san, issuer });
  return [...found, { kind: "exact", san, issuer }];
};

/** Who signs a project, without what changes with each release: the ref and the commit. */
export const lastingIdentity = (signer: Signer): IdentityPolicy | undefined =>
  signer.kind === "certificate"
    ? candidates(signer).find((policy) => checkIdentity([policy], signer).result.ok)
    : undefined;

/** The certificate that a file's evidence offers first; nothing of it is verified yet. */
const offered = async (
  filename: string,
  evidence: EvidenceSource,
): Promise<Result<Certificate | undefined>> => {
  const names = evidenceNames(filename);
  const bundleBytes = await evidence(names.bundle);
  if (!bundleBytes.ok) return bundleBytes;
  if (bundleBytes.value !== undefined) {
    const bundle = parseBundle(bundleBytes.value);
    if (!bundle.ok) return bundle;
    const { material } = bundle.value;
    return ok(material.kind === "certificate" ? material.certificate : undefined);
  }
  const bytes = await evidence(names.publishAttestation);
  if (!bytes.ok || bytes.value === undefined) return bytes.ok ? ok(undefined) : bytes;
  const attestation = parseAttestation(bytes.value);
  return attestation.ok ? ok(attestation.value.certificate) : attestation;
};

/**
 * Whom a file's own evidence names, to be expected when nobody else is: it must still verify.
 * @returns EVIDENCE_MISSING where there is none, and as the parsers do
 */
export const identityOffered = async (
  filename: string,
  evidence: EvidenceSource,
): Promise<Result<IdentityPolicy>> => {
  const certificate = await offered(filename, evidence);
  if (!certificate.ok) return certificate;
  if (certificate.value === undefined) {
    return fail("EVIDENCE_MISSING", `${filename} has no signature, and nobody is expected for it`);
  }
  const signer = signerOf(certificate.value);
  if (!signer.ok) return signer;
  const identity = lastingIdentity(signer.value);
  return identity === undefined
    ? fail("IDENTITY_MISSING", `the signer of ${filename} cannot be pinned`)
    : ok(identity);
};

/** One line that names an identity. */
export const describePublisher = (identity: IdentityPolicy): string => {
  switch (identity.kind) {
    case "gitlab":
      return `GitLab project ${identity.project} (${identity.configPath ?? ".gitlab-ci.yml"}) by ${identity.issuer}`;
    case "github":
      return `GitHub repository ${identity.repository} (${identity.workflow})`;
    case "email":
      return `${identity.email} by ${identity.issuer}`;
    case "exact":
      return `${identity.san} by ${identity.issuer}`;
    default:
      return identity satisfies never;
  }
};
