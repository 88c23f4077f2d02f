import { digest } from "../crypto/hash.ts";
import { verifySignature } from "../crypto/verify.ts";
import { equal } from "../formats/bytes.ts";
import { type Certificate, parseCertificate, schemeFits } from "../formats/certificate.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  subjectKeyIdentifier,
} from "../formats/certificate-extensions.ts";
import { OID } from "../formats/oids.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { parseTimestamp, type SignerId, type TimestampToken } from "../formats/timestamp.ts";
import type { Authority } from "../formats/trusted-root.ts";
import { buildPath } from "./chain.ts";
import { type Finding, passed, refused, refusedAs } from "./finding.ts";

/** A time that was proven, milliseconds since 1970, and by whom. */
export type VerifiedTime = { readonly at: number; readonly by: "log" | "timestamp" };

const isSigner = (certificate: Certificate, signer: SignerId): boolean => {
  if (signer.kind === "issuer-serial") {
    return equal(certificate.issuer, signer.issuer) && equal(certificate.serial, signer.serial);
  }
  const keyId = subjectKeyIdentifier(certificate);
  return keyId.ok && keyId.value !== undefined && equal(keyId.value, signer.keyId);
};

/** RFC 3161 §2.3: the usage is time stamping, alone, and critical; and no authority signs tokens. */
const checkPurpose = (certificate: Certificate): Result<undefined> => {
  const usage = extendedKeyUsage(certificate);
  if (!usage.ok) return usage;
  const constraints = basicConstraints(certificate);
  if (!constraints.ok) return constraints;
  if (constraints.value?.ca === true) {
    return fail("TIME_AUTHORITY", "the signer's certificate is itself an authority");
  }
  const [purpose, ...more] = usage.value?.purposes ?? [];
  return purpose === OID.timeStamping && more.length === 0 && usage.value?.critical === true
    ? ok(undefined)
    : fail("TIME_AUTHORITY", "the signer's certificate is not for time stamping alone");
};

/** The ESS attribute ties the signature to one certificate, so no other with the same key may stand in. */
const namesCertificate = (token: TimestampToken, certificate: Certificate): boolean => {
  const named = token.signingCertificate;
  if (named === undefined || named.hash === "sha1") return false;
  return equal(digest(named.hash, certificate.der), named.digest);
};

const isSignedBy = async (token: TimestampToken, certificate: Certificate): Promise<boolean> => {
  const { content, messageDigest, digestAlgorithm, scheme } = token;
  if (!equal(digest(digestAlgorithm, content), messageDigest)) return false;
  if (!schemeFits(scheme, certificate.publicKey)) return false;
  const { signature, signedAttributes } = token;
  return verifySignature(certificate.publicKey, scheme.hash, signature, signedAttributes);
};

/** The embedded certificates that can be parsed; they help to build a path and prove nothing. */
const embedded = (token: TimestampToken): Certificate[] =>
  token.certificates.flatMap((der) => {
    const certificate = parseCertificate(der);
    return certificate.ok ? [certificate.value] : [];
  });

/**
 * The one certificate that the token names as its signer's, by name and by digest. Others of the
 * same name are not tried, so a token full of them costs no more than an honest one.
 */
const findSigner = (
  token: TimestampToken,
  trusted: readonly Certificate[],
  brought: readonly Certificate[],
): Result<Certificate> => {
  const isNamed = (one: Certificate): boolean => isSigner(one, token.signer);
  const signer = [...trusted, ...brought].find(
    (one) => isNamed(one) && namesCertificate(token, one),
  );
  if (signer !== undefined) return ok(signer);
  return trusted.some(isNamed)
    ? fail("TIME_SIGNATURE", "the timestamp does not name its signer's certificate")
    : fail("TIME_AUTHORITY", "no trusted authority made the timestamp");
};

const checkAuthority = async (
  token: TimestampToken,
  authorities: readonly Authority[],
): Promise<Result<Authority>> => {
  const intermediates = embedded(token);
  const trusted = authorities.flatMap(({ chain }) => chain);
  const leaf = findSigner(token, trusted, intermediates);
  if (!leaf.ok) return leaf;
  const times = [token.time];
  const purpose = OID.timeStamping;
  const input = { leaf: leaf.value, intermediates, authorities, times, purpose };
  const path = await buildPath(input, "TIME_AUTHORITY");
  // Whatever is wrong with the path, the authority is not to be trusted for this time.
  if (!path.ok) return fail("TIME_AUTHORITY", path.error.message);
  const allowed = checkPurpose(leaf.value);
  if (!allowed.ok) return allowed;
  return (await isSignedBy(token, leaf.value))
    ? ok(path.value.authority)
    : fail("TIME_SIGNATURE", "the timestamp's signature is not good");
};

/**
 * Verifies one RFC 3161 timestamp over the bundle's signature: imprint, CMS signature, the
 * signer's certificate by ESS and usage, and its path to a trusted authority, valid at genTime.
 *
 * @param signature - the raw signature bytes that must have been stamped
 * @returns `TIME_STATUS`, `TIME_TOKEN`, `TIME_IMPRINT`, `TIME_SIGNATURE`, `TIME_AUTHORITY`
 */
export const checkTimestamp = async (
  der: Uint8Array,
  signature: Uint8Array,
  authorities: readonly Authority[],
): Promise<Finding<VerifiedTime>> => {
  const token = parseTimestamp(der);
  if (!token.ok) return refusedAs("timestamp", token);
  const { imprint, time } = token.value;
  if (!equal(digest(imprint.hash, signature), imprint.digest)) {
    return refused("timestamp", "TIME_IMPRINT", "the timestamp is over another signature");
  }
  const authority = await checkAuthority(token.value, authorities);
  if (!authority.ok) return refusedAs("timestamp", authority);
  const by = authority.value.uri || "a trusted authority";
  return passed("timestamp", { at: time, by: "timestamp" }, `${by} stamped it at ${rfc3339(time)}`);
};
