import type { Certificate } from "../formats/certificate.ts";
import {
  fulcioClaims,
  issuerOf,
  subjectAlternativeNames,
} from "../formats/certificate-extensions.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Signer } from "./verdict.ts";

/**
 * Who a certificate says has signed: exactly one subject alternative name, and the issuer.
 *
 * @returns `CERT_SAN`, `CERT_FORMAT`, `IDENTITY_ISSUER`
 */
export const signerOf = (
  certificate: Certificate,
): Result<Extract<Signer, { kind: "certificate" }>> => {
  const names = subjectAlternativeNames(certificate);
  if (!names.ok) return names;
  const [name, ...more] = names.value;
  if (name === undefined || more.length > 0) {
    return fail("CERT_SAN", `the certificate has ${names.value.length} names instead of one`);
  }
  const claims = fulcioClaims(certificate);
  if (!claims.ok) return claims;
  const issuer = issuerOf(certificate);
  if (!issuer.ok) return issuer;
  return ok({
    kind: "certificate",
    san: name.value,
    sanKind: name.kind,
    issuer: issuer.value,
    claims: claims.value,
  });
};
