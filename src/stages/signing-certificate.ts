import type { Fulcio } from "../clients/fulcio.ts";
import type { IdentitySource, IdToken } from "../clients/identity.ts";
import { generateKey, type PrivateKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { equal, utf8 } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { formatPem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { signerOf } from "../verification/signer.ts";
import type { Expectation } from "../verification/verdict.ts";
import type { SigningJob } from "./provenance.ts";

/** An ephemeral key that only this process knows, and the certificate over it. */
export type SigningCertificate = {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
  /** The certificate as the log takes it. */
  readonly pem: string;
  readonly job: SigningJob;
  /** Who must be found to have signed, as the id_token says. */
  readonly expect: Expectation;
};

export type SigningCertificates = {
  /** A certificate with life left in it. */
  current(): Promise<Result<SigningCertificate>>;
};

export type CertificatesInput = {
  readonly identity: IdentitySource;
  readonly fulcio: Fulcio;
  /** A key and certificate of its own for each call, not one for the batch. */
  readonly oneEach: boolean;
  readonly jobName?: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/** Logging must be done while the certificate is valid: this much of its life is kept for it. */
const LEAST_LIFE = 60_000;
/** What is signed later than this by the verifier's clock is refused: not worth an entry in a log. */
const CLOCK_SKEW = 5 * 60_000;

/** One key and certificate for many files; new ones shortly before the certificate ends. */
export const signingCertificates = (input: CertificatesInput): SigningCertificates => {
  if (input.oneEach) return { current: () => obtain(input) };
  let held: Promise<Result<SigningCertificate>> | undefined;
  return {
    current: async () => {
      held ??= obtain(input);
      const shared = held;
      const got = await shared;
      if (!got.ok || got.value.certificate.notAfter - input.now() > LEAST_LIFE) return got;
      // Whoever waits for the same certificate finds it ending too: only the first renews it.
      if (held === shared) held = obtain(input);
      return held;
    },
  };
};

const obtain = async (input: CertificatesInput): Promise<Result<SigningCertificate>> => {
  const token = await input.identity.token();
  if (!token.ok) return token;
  const key = generateKey("ecdsa-p256");
  const { spki } = key.publicKey;
  const proof = sign(key, "sha256", utf8(token.value.principal));
  const certified = await input.fulcio.certify({ token: token.value.token.reveal(), spki, proof });
  if (!certified.ok) return certified;
  const { leaf } = certified.value;
  if (!equal(leaf.publicKey.spki, spki)) {
    return fail("FULCIO_RESPONSE", "the certificate authority certified another key");
  }
  const now = input.now();
  if (leaf.notBefore > now + CLOCK_SKEW) {
    const [begins, here] = [rfc3339(leaf.notBefore), rfc3339(now)];
    return fail("CLOCK_SKEW", `the certificate begins at ${begins}, and it is ${here} here`);
  }
  return described(key, leaf, token.value, input.jobName);
};

const described = (
  key: PrivateKey,
  certificate: Certificate,
  token: IdToken,
  name: string | undefined,
): Result<SigningCertificate> => {
  const signer = signerOf(certificate);
  if (!signer.ok) return fail("FULCIO_RESPONSE", signer.error.message);
  const { san, issuer, claims } = signer.value;
  const { runnerId } = token;
  return ok({
    key,
    certificate,
    pem: formatPem("CERTIFICATE", certificate.der),
    job: {
      san,
      issuer,
      claims,
      ...(name === undefined ? {} : { name }),
      ...(runnerId === undefined ? {} : { runnerId }),
    },
    expect: expectedBy(token, san),
  });
};

/** The signer that a token leads to; for a token of an unknown kind the issuer alone is known. */
export const expectedBy = (token: IdToken, fallback: string): Expectation => ({
  kind: "identity",
  anyOf: [{ kind: "exact", san: token.san ?? fallback, issuer: token.issuer }],
});
