/** The library: verify what others signed, and sign, by the same code as the command line. */
export type { KeyAlgorithm, PublicKey } from "./crypto/keys.ts";
export type { Artifact } from "./formats/artifact.ts";
export { type Attestation, attestationToBundle, parseAttestation } from "./formats/attestation.ts";
export { type Bundle, formatBundle, parseBundle } from "./formats/bundle.ts";
export { type ClientTrustConfig, parseClientTrustConfig } from "./formats/client-trust-config.ts";
export type { Code } from "./formats/errors.ts";
export { exitCodeOf } from "./formats/exit-code.ts";
export { type Provenance, parseProvenance } from "./formats/provenance-object.ts";
export type { Failure, Result } from "./formats/result.ts";
export { parseSigningConfig, type SigningConfig } from "./formats/signing-config.ts";
export { type SigningServices, signingServices } from "./formats/signing-services.ts";
export { parseStatement, type Statement, type Subject } from "./formats/statement.ts";
export { parseTrustedRoot, type TrustedRoot } from "./formats/trusted-root.ts";
export { type Expected, type FileInput, publicGoodRoot } from "./library/input.ts";
export { parsePublicKey } from "./library/parse.ts";
export { attest, type SignOptions, sign } from "./library/sign-file.ts";
export {
  type FileEvidence,
  type FileVerdict,
  type VerifyFileOptions,
  verifyFile,
} from "./library/verify-file.ts";
export {
  type FolderVerdict,
  type VerifyReleaseOptions,
  verifyRelease,
} from "./library/verify-release.ts";
export type { Finding, Proof, ReleaseVerdict, WaiverNote } from "./stages/release.ts";
export {
  type PackagePolicy,
  type Policy,
  readPolicy,
  type Waivable,
  type Waiver,
} from "./verification/policy-format.ts";
export { readSummary, type Summary } from "./verification/summary.ts";
export {
  CHECKS,
  type Check,
  type CheckName,
  type Expectation,
  type GitHubIdentity,
  type GitLabIdentity,
  type IdentityPolicy,
  type LoggedAt,
  type Signer,
  type Verdict,
  type VerificationInput,
} from "./verification/verdict.ts";
export { verify } from "./verification/verify.ts";
