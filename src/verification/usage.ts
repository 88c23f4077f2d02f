import type { Certificate } from "../formats/certificate.ts";
import { basicConstraints, extendedKeyUsage, keyUsage } from "../formats/certificate-extensions.ts";
import { OID } from "../formats/oids.ts";
import { type Finding, passed, refused, refusedAs } from "./finding.ts";

/**
 * Whether the leaf may sign code: extended key usage code signing and nothing wider, key usage
 * digital signature, and no authority (Fulcio's certificate specification).
 */
export const checkUsage = (leaf: Certificate): Finding<undefined> => {
  const extended = extendedKeyUsage(leaf);
  if (!extended.ok) return refusedAs("usage", extended);
  const usage = keyUsage(leaf);
  if (!usage.ok) return refusedAs("usage", usage);
  const constraints = basicConstraints(leaf);
  if (!constraints.ok) return refusedAs("usage", constraints);
  const purposes = extended.value?.purposes ?? [];
  const compared = { expected: OID.codeSigning, actual: purposes.join(", ") || "none" };
  if (purposes.length !== 1 || purposes[0] !== OID.codeSigning) {
    return refused(
      "usage",
      "CERT_USAGE",
      "the certificate is not for code signing alone",
      compared,
    );
  }
  if (usage.value?.has("digitalSignature") !== true) {
    return refused("usage", "CERT_USAGE", "the certificate's key is not for signatures");
  }
  if (constraints.value?.ca === true) {
    return refused("usage", "CERT_USAGE", "the signing certificate is itself an authority");
  }
  return passed("usage", undefined, "the certificate is for code signing", compared);
};
