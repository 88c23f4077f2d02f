import { type Sha256, sha256 } from "../crypto/hash.ts";
import type { RandomBytes } from "../crypto/random.ts";
import { signingLeaf } from "../formats/certificate-profiles.ts";
import {
  type CertificateIssuer,
  encodeTbs,
  serialFrom,
  signCertificate,
  type TbsToWrite,
  withPoison,
  withScts,
} from "../formats/certificate-writer.ts";
import { gitlabIdentity } from "../formats/fulcio-claims.ts";
import { ok, type Result } from "../formats/result.ts";
import { type KeyProof, provenKey } from "./ca-key.ts";
import { type TrustedIssuer, validateToken } from "./ca-token.ts";

/** A precertificate as a CT log takes it (RFC 6962 §3.1, §3.2). */
export type Precertificate = {
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  readonly issuerKeyHash: Sha256;
  /** DER of the TBSCertificate without poison and without SCTs. */
  readonly tbs: Uint8Array;
  /** DER: the signed precertificate first, then its issuers up to the root. */
  readonly chain: readonly Uint8Array[];
};

/** Logs a precertificate; the promise is the serialised SCT (RFC 6962 §3.2). */
type SubmitPrecertificate = (entry: Precertificate) => Promise<Result<Uint8Array>>;

export type CertificateAuthorityOptions = {
  /** The intermediate that signs leaves. */
  readonly issuer: CertificateIssuer;
  /** DER of the issuers, the intermediate first, the root last. */
  readonly chain: readonly Uint8Array[];
  readonly trustedIssuers: readonly TrustedIssuer[];
  readonly submit: SubmitPrecertificate;
  readonly now: () => number;
  readonly random: RandomBytes;
};

/** Fulcio's work without its endpoints. */
export type CertificateAuthority = {
  readonly chain: readonly Uint8Array[];
  readonly trustedIssuers: readonly TrustedIssuer[];
  /**
   * A certificate for the identity in `token` and the key in `proof`: DER, leaf first, root last.
   * The leaf carries an SCT, so it is in the CT log before anyone has it.
   */
  certify(token: string, proof: KeyProof): Promise<Result<readonly Uint8Array[]>>;
};

/** A signing certificate lives 10 minutes. */
const LIFETIME = 10 * 60_000;

export const certificateAuthority = (
  options: CertificateAuthorityOptions,
): CertificateAuthority => ({
  chain: options.chain,
  trustedIssuers: options.trustedIssuers,
  certify: async (token, proof) => {
    const now = options.now();
    const valid = await validateToken(token, options.trustedIssuers, now);
    if (!valid.ok) return valid;
    const key = await provenKey(proof, valid.value.subject);
    if (!key.ok) return key;
    const identity = gitlabIdentity(valid.value.claims, valid.value.issuer.gitlabUrl);
    if (!identity.ok) return identity;
    const validity = { notBefore: now, notAfter: now + LIFETIME };
    const serial = serialFrom(options.random(20));
    const tbs = signingLeaf(options.issuer, key.value.spki, identity.value, serial, validity);
    return issue(options, tbs);
  },
});

/** Precertificate, SCT, certificate: one TBS, so that all three say the same. */
const issue = async (
  options: CertificateAuthorityOptions,
  tbs: TbsToWrite,
): Promise<Result<readonly Uint8Array[]>> => {
  const { key } = options.issuer;
  const sct = await options.submit({
    issuerKeyHash: sha256(key.publicKey.spki),
    tbs: encodeTbs(tbs, key.publicKey),
    chain: [signCertificate(withPoison(tbs), key), ...options.chain],
  });
  if (!sct.ok) return sct;
  return ok([signCertificate(withScts(tbs, [sct.value]), key), ...options.chain]);
};
