import { fulcioAt } from "../clients/fulcio.ts";
import { type IdentitySource, readIdToken, SIGSTORE_AUDIENCE } from "../clients/identity.ts";
import type { Outside } from "../clients/outside.ts";
import { rekorAt } from "../clients/rekor.ts";
import { rekorV2At } from "../clients/rekor-v2.ts";
import { timestampAuthorityAt } from "../clients/tsa.ts";
import type { Sha256 } from "../crypto/hash.ts";
import type { Artifact } from "../formats/artifact.ts";
import type { Bundle } from "../formats/bundle.ts";
import { fromHex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { SigningServices } from "../formats/signing-services.ts";
import { parseStatement, type Subject } from "../formats/statement.ts";
import type { TrustedRoot } from "../formats/trusted-root.ts";
import { type BundleSigner, signMessage, signStatement } from "../stages/sign-bundle.ts";
import { selfChecked } from "../stages/sign-files.ts";
import { signingCertificates } from "../stages/signing-certificate.ts";
import { type FileInput, publicGoodRoot, readArtifact, systemOutside } from "./input.ts";

/** Who signs, and where. */
export type SignOptions = {
  /** An OpenID Connect id_token with the audience `sigstore`. It is sent to Fulcio only. */
  readonly token: string;
  /**
   * Where to sign, see {@link signingServices}; the public Sigstore instance where absent. A log
   * of version 1 is preferred to one of version 2.
   */
  readonly services?: SigningServices;
  /** What the result must verify against; {@link publicGoodRoot} where absent. */
  readonly trust?: TrustedRoot;
};

/**
 * Signs a file with a key that lives as long as this call, and logs the signature. The result is
 * verified before it is given out.
 *
 * @param file - path, `file:` URL, or content
 * @returns a Sigstore bundle v0.3 (UTF-8 JSON) with a message signature. `SIGN_SELF_CHECK`,
 * `CONFIG` where a service
 * is not named, `FILE_UNREADABLE`, the TOKEN_, FULCIO_, REKOR_ and TSA_ codes, `NETWORK_UNREACHABLE`
 */
export const sign = async (file: FileInput, options: SignOptions): Promise<Result<Uint8Array>> => {
  const artifact = await readArtifact(file, undefined);
  if (!artifact.ok) return artifact;
  const signer = await signerOf(options);
  if (!signer.ok) return signer;
  const bundle = await signMessage(artifact.value, signer.value);
  return bundle.ok ? checked(bundle.value, artifact.value, signer.value, options) : bundle;
};

/**
 * Signs an in-toto statement in a DSSE envelope, and logs it. The result is verified before it is
 * given out.
 *
 * @param statement - UTF-8 JSON of an in-toto statement (v1), at least one subject with a SHA-256
 * digest; it is signed byte for byte
 * @returns a Sigstore bundle v0.3 (UTF-8 JSON). `STATEMENT_FORMAT`, `STATEMENT_SUBJECT`, and as
 * {@link sign} does
 */
export const attest = async (
  statement: Uint8Array,
  options: SignOptions,
): Promise<Result<Uint8Array>> => {
  const parsed = parseStatement(statement);
  if (!parsed.ok) return parsed;
  const artifact = firstSubject(parsed.value.subjects);
  if (!artifact.ok) return artifact;
  const signer = await signerOf(options);
  if (!signer.ok) return signer;
  const bundle = await signStatement(statement, signer.value);
  return bundle.ok ? checked(bundle.value, artifact.value, signer.value, options) : bundle;
};

const firstSubject = (subjects: readonly Subject[]): Result<Artifact> => {
  for (const { digest } of subjects) {
    const bytes = fromHex(digest.sha256 ?? "");
    if (bytes.ok && bytes.value.length === 32) return ok({ sha256: bytes.value as Sha256 });
  }
  return fail("STATEMENT_SUBJECT", "no subject of the statement has a SHA-256 digest");
};

const PUBLIC_GOOD: SigningServices = {
  fulcioUrl: "https://fulcio.sigstore.dev",
  rekorUrl: "https://rekor.sigstore.dev",
};

const identityOf = (token: string, { now }: Outside): IdentitySource => ({
  token: async () => readIdToken(token, { audience: SIGSTORE_AUDIENCE, now }),
});

const logOf = ({ rekorUrl, rekorV2Url, tsaUrl }: SigningServices, outside: Outside) => {
  if (rekorUrl !== undefined) return ok(rekorAt(rekorUrl, outside));
  if (rekorV2Url === undefined) return fail("CONFIG", "no transparency log is named");
  return tsaUrl === undefined
    ? fail("CONFIG", "a log of version 2 states no time: a timestamp authority must be named")
    : ok(rekorV2At(rekorV2Url, outside));
};

const signerOf = async ({
  token,
  services = PUBLIC_GOOD,
}: SignOptions): Promise<Result<BundleSigner>> => {
  const outside = systemOutside();
  const { fulcioUrl, tsaUrl } = services;
  if (fulcioUrl === undefined) return fail("CONFIG", "no certificate authority is named");
  const rekor = logOf(services, outside);
  if (!rekor.ok) return rekor;
  const certificates = signingCertificates({
    identity: identityOf(token, outside),
    fulcio: fulcioAt(fulcioUrl, outside),
    oneEach: true,
    now: outside.now,
  });
  const signing = await certificates.current();
  if (!signing.ok) return signing;
  return ok({
    signing: signing.value,
    rekor: rekor.value,
    tsa: tsaUrl === undefined ? undefined : timestampAuthorityAt(tsaUrl, outside),
  });
};

/** Verifies the bytes that are given out, as their reader will. */
const checked = (
  made: Bundle,
  artifact: Artifact,
  { signing }: BundleSigner,
  { trust = publicGoodRoot() }: SignOptions,
): Promise<Result<Uint8Array>> =>
  selfChecked(made, artifact, { trust, expect: signing.expect, now: Date.now() });
