import { verifySignature } from "../crypto/verify.ts";
import { equal } from "../formats/bytes.ts";
import {
  type Certificate,
  type Extension,
  sameName,
  schemeFits,
  signatureScheme,
} from "../formats/certificate.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectKeyIdentifier,
} from "../formats/certificate-extensions.ts";
import type { Code } from "../formats/errors.ts";
import { OID } from "../formats/oids.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { Authority } from "../formats/trusted-root.ts";
import { covers, describeWindow } from "./window.ts";

/** A leaf and everything above it, up to the trusted certificate. */
export type Path = {
  /** Leaf first, the trust root's last certificate last; at least two. */
  readonly certificates: readonly Certificate[];
  readonly issuer: Certificate;
  readonly authority: Authority;
};

export type PathInput = {
  readonly leaf: Certificate;
  /** From the bundle or token: may help to build the path, is never trusted. */
  readonly intermediates: readonly Certificate[];
  readonly authorities: readonly Authority[];
  /** Milliseconds since 1970; the whole path must be valid at every one. */
  readonly times: readonly number[];
  /** Dotted OID of the extended key usage that the path is for. */
  readonly purpose: string;
};

const MAX_PATH = 8;
/** Signature checks made for one leaf before it is given up: bounds hostile sets of certificates. */
const MAX_ATTEMPTS = 64;

/** Extensions whose meaning is enforced here or by the other checks; any other critical one is refused. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.subjectAltName,
  OID.keyUsage,
  OID.basicConstraints,
  OID.extendedKeyUsage,
  OID.authorityKeyIdentifier,
  OID.subjectKeyIdentifier,
]);

/** Name constraints bind, marked critical or not (RFC 5280 §4.2.1.10), and are not understood. */
const binds = ([oid, { critical }]: [string, Extension]): boolean =>
  (critical && !UNDERSTOOD.has(oid)) || oid === OID.nameConstraints;

const checkExtensions = (certificate: Certificate): Result<undefined> => {
  const [oid] = [...certificate.extensions].find(binds) ?? [];
  return oid === undefined
    ? ok(undefined)
    : fail("CERT_EXTENSION", `the extension ${oid} binds and is not understood`);
};

const keyIdsMatch = (certificate: Certificate, issuer: Certificate): Result<boolean> => {
  const named = authorityKeyIdentifier(certificate);
  if (!named.ok) return named;
  const own = subjectKeyIdentifier(issuer);
  if (!own.ok) return own;
  const both = named.value !== undefined && own.value !== undefined;
  return ok(!both || equal(named.value, own.value));
};

const isSignedBy = async (certificate: Certificate, issuer: Certificate): Promise<boolean> => {
  const scheme = signatureScheme(certificate.signatureAlgorithm);
  if (scheme === undefined || !schemeFits(scheme, issuer.publicKey)) return false;
  const { signature, tbs } = certificate;
  return verifySignature(issuer.publicKey, scheme.hash, signature, tbs);
};

/** Whether `issuer`, whose name fits, issued `certificate`: key identifiers and signature (RFC 5280 §6.1.3). */
const isIssuedBy = async (certificate: Certificate, issuer: Certificate): Promise<boolean> => {
  const ids = keyIdsMatch(certificate, issuer);
  return ids.ok && ids.value && isSignedBy(certificate, issuer);
};

/** Whether `certificate` may issue with `below` certificates between it and the leaf. */
const checkIssuer = (
  certificate: Certificate,
  below: number,
  purpose: string,
): Result<undefined> => {
  const extensions = checkExtensions(certificate);
  if (!extensions.ok) return extensions;
  const constraints = basicConstraints(certificate);
  if (!constraints.ok) return constraints;
  if (constraints.value?.ca !== true) return fail("CERT_CHAIN", "an issuer is not an authority");
  const { pathLength } = constraints.value;
  if (pathLength !== undefined && below > pathLength) {
    return fail("CERT_CHAIN", `${below} authorities below one that allows ${pathLength}`);
  }
  const usage = keyUsage(certificate);
  if (!usage.ok) return usage;
  if (usage.value !== undefined && !usage.value.has("keyCertSign")) {
    return fail("CERT_CHAIN", "an issuer's key may not sign certificates");
  }
  const extended = extendedKeyUsage(certificate);
  if (!extended.ok) return extended;
  const purposes = extended.value?.purposes ?? [purpose];
  return purposes.includes(purpose) || purposes.includes(OID.anyExtendedKeyUsage)
    ? ok(undefined)
    : fail("CERT_CHAIN", `an issuer may not issue for ${purpose}`);
};

const checkTimes = (
  certificates: readonly Certificate[],
  times: readonly number[],
): Result<undefined> => {
  for (const { notBefore, notAfter } of certificates) {
    const outside = times.find((time) => time < notBefore || time > notAfter);
    if (outside !== undefined) {
      const window = `${rfc3339(notBefore)} to ${rfc3339(notAfter)}`;
      return fail("CERT_TIME", `a certificate valid ${window} was used at ${rfc3339(outside)}`);
    }
  }
  return ok(undefined);
};

const checkWindow = ({ validity }: Authority, times: readonly number[]): Result<undefined> => {
  const outside = times.find((time) => !covers(validity, time));
  if (outside === undefined) return ok(undefined);
  const window = describeWindow(validity);
  return fail("CERT_TIME", `an authority trusted ${window} was used at ${rfc3339(outside)}`);
};

/** All that must hold of a path whose signatures are good. */
const checkPath = (
  certificates: readonly Certificate[],
  authority: Authority,
  { times, purpose }: PathInput,
): Result<Path> => {
  const [leaf, issuer] = certificates as [Certificate, Certificate];
  const extensions = checkExtensions(leaf);
  if (!extensions.ok) return extensions;
  for (const [index, certificate] of certificates.slice(1).entries()) {
    const allowed = checkIssuer(certificate, index, purpose);
    if (!allowed.ok) return allowed;
  }
  const valid = checkTimes(certificates, times);
  if (!valid.ok) return valid;
  const window = checkWindow(authority, times);
  return window.ok ? ok({ certificates, issuer, authority }) : window;
};

type Search = { attempts: number; nearest: Failure | undefined };

/** Depth first over the possible issuers; the first path on which everything holds. */
const extend = async (
  below: readonly Certificate[],
  last: Certificate,
  authority: Authority,
  input: PathInput,
  search: Search,
): Promise<Path | undefined> => {
  const anchor = authority.chain.at(-1);
  const path = [...below, last];
  if (anchor === undefined || path.length >= MAX_PATH) return undefined;
  for (const issuer of [...authority.chain.toReversed(), ...input.intermediates]) {
    if (path.some((one) => equal(one.der, issuer.der))) continue;
    if (!sameName(last.issuer, issuer.subject) || search.attempts >= MAX_ATTEMPTS) continue;
    search.attempts += 1;
    if (!(await isIssuedBy(last, issuer))) continue;
    if (!equal(issuer.der, anchor.der)) {
      const found = await extend(path, issuer, authority, input, search);
      if (found !== undefined) return found;
      continue;
    }
    const checked = checkPath([...path, issuer], authority, input);
    if (checked.ok) return checked.value;
    search.nearest = checked.error;
  }
  return undefined;
};

/**
 * Builds a path from a leaf to a trusted authority, and checks all of it at every time: names,
 * key identifiers, signatures, validity, CA flag, path length, key usage, nested extended key
 * usage, and that no critical extension is unknown (RFC 5280 §6.1). The last certificate of an
 * authority's chain is what is trusted; a leaf is never its own path.
 *
 * @returns the failure of the path that came nearest, or `code` where none leads to an authority
 */
export const buildPath = async (input: PathInput, code: Code): Promise<Result<Path>> => {
  const search: Search = { attempts: 0, nearest: undefined };
  for (const authority of input.authorities) {
    const path = await extend([], input.leaf, authority, input, search);
    if (path !== undefined) return ok(path);
  }
  const error = search.nearest ?? failure(code, "no trusted authority issued the certificate");
  return { ok: false, error };
};
