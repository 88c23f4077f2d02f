import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { equal } from "./bytes.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { parsePem } from "./pem.ts";
import { all, fail, ok, type Result } from "./result.ts";
import type { Authority, LogKey, TrustedRoot, Validity } from "./trusted-root.ts";

/** PEM texts, as cosign's environment variables point to them. */
export type TrustFiles = {
  /** Roots and intermediates of the certificate authority, in any order (SIGSTORE_ROOT_FILE). */
  readonly fulcio: string;
  /** Public keys of the transparency log (SIGSTORE_REKOR_PUBLIC_KEY). */
  readonly rekor: string;
  /** Public keys of the certificate log (SIGSTORE_CT_LOG_PUBLIC_KEY_FILE). */
  readonly ctfe: string;
  /** Certificates of the timestamp authority, in any order. */
  readonly tsa?: string;
};

/** PEM files say nothing about when: the certificates' own validity still applies. */
const ALWAYS: Validity = { start: 0, end: undefined };

const MAX_PATH = 10;

/** Reads one PEM public key file that may hold several keys. */
export const parsePublicKeys = (pem: string): Result<PublicKey[]> => {
  const blocks = parsePem(pem, "PUBLIC KEY");
  if (!blocks.ok) return blocks;
  const keys = blocks.value.map(importPublicKey).filter((key) => key !== undefined);
  return keys.length === blocks.value.length
    ? ok(keys)
    : fail("KEY_FORMAT", "a public key is malformed or of an unsupported kind");
};

const logKeys = (pem: string, name: string): Result<LogKey[]> => {
  const keys = parsePublicKeys(pem);
  if (!keys.ok) return fail("TRUST_FORMAT", `${name}: ${keys.error.message}`);
  return ok(
    keys.value.map((publicKey) => ({
      baseUrl: "",
      logId: publicKey.keyId,
      checkpointKeyId: undefined,
      publicKey,
      validity: ALWAYS,
    })),
  );
};

const isSelfIssued = (certificate: Certificate): boolean =>
  equal(certificate.issuer, certificate.subject);

/** The path from `start` to a self-issued certificate among `all`, or nothing. */
const pathToRoot = (start: Certificate, among: readonly Certificate[]): Certificate[] => {
  const path = [start];
  for (let last = start; !isSelfIssued(last); ) {
    const issuer = among.find(
      (other) => equal(other.subject, last.issuer) && !path.includes(other),
    );
    if (issuer === undefined || path.length >= MAX_PATH) return [];
    path.push(issuer);
    last = issuer;
  }
  return path;
};

/** One authority for each certificate that is nobody's issuer; a self-issued one is the root. */
const authorities = (pem: string, name: string): Result<Authority[]> => {
  const blocks = parsePem(pem, "CERTIFICATE");
  const parsed = blocks.ok ? all(blocks.value.map(parseCertificate)) : blocks;
  if (!parsed.ok) return fail("TRUST_FORMAT", `${name}: ${parsed.error.message}`);
  const certificates = parsed.value;
  const isIssuer = (one: Certificate): boolean =>
    certificates.some((other) => other !== one && equal(other.issuer, one.subject));
  const chains = certificates
    .filter((one) => !isIssuer(one))
    .map((one) => pathToRoot(one, certificates));
  if (chains.length === 0 || chains.some((chain) => chain.length === 0)) {
    return fail("TRUST_FORMAT", `${name}: a certificate leads to no self-signed root`);
  }
  return ok(chains.map((chain) => ({ uri: "", chain, validity: ALWAYS })));
};

/**
 * A trust root from PEM files. Without validity windows or log names, so it is weaker than a
 * `trusted_root.json` of the same services: key rotation cannot be told from it.
 *
 * @returns `TRUST_FORMAT`
 */
export const trustFromFiles = (files: TrustFiles): Result<TrustedRoot> => {
  const certificateAuthorities = authorities(files.fulcio, "certificate authority");
  if (!certificateAuthorities.ok) return certificateAuthorities;
  const tlogs = logKeys(files.rekor, "transparency log");
  if (!tlogs.ok) return tlogs;
  const ctlogs = logKeys(files.ctfe, "certificate log");
  if (!ctlogs.ok) return ctlogs;
  const timestampAuthorities =
    files.tsa === undefined ? ok([]) : authorities(files.tsa, "timestamp authority");
  if (!timestampAuthorities.ok) return timestampAuthorities;
  return ok({
    certificateAuthorities: certificateAuthorities.value,
    tlogs: tlogs.value,
    ctlogs: ctlogs.value,
    timestampAuthorities: timestampAuthorities.value,
  });
};
