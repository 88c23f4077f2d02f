import { verifySignature } from "../crypto/verify.ts";
import { equal, hex } from "../formats/bytes.ts";
import type { Certificate } from "../formats/certificate.ts";
import { ok, unwrap } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import {
  type CtEntry,
  embeddedScts,
  precertificateTbs,
  type Sct,
  sctSignedBytes,
} from "../formats/sct.ts";
import type { LogKey } from "../formats/trusted-root.ts";
import { type Finding, passed, refused, refusedAs } from "./finding.ts";
import { covers } from "./window.ts";

/** Keys can make both kinds of signature that RFC 6962 allows; Ed25519 is none of them. */
const fits = (sct: Sct, log: LogKey): boolean =>
  sct.algorithm === (log.publicKey.algorithm === "rsa-pkcs1v15" ? "rsa" : "ecdsa") &&
  log.publicKey.algorithm !== "ed25519";

/** The log saw the certificate before it expired, and while the log's key was trusted. */
const isTimely = ({ timestamp }: Sct, leaf: Certificate, log: LogKey): boolean =>
  timestamp <= BigInt(leaf.notAfter) && covers(log.validity, Number(timestamp));

const isGood = async (sct: Sct, leaf: Certificate, entry: CtEntry, log: LogKey): Promise<boolean> =>
  fits(sct, log) &&
  isTimely(sct, leaf, log) &&
  (await verifySignature(log.publicKey, sct.hash, sct.signature, sctSignedBytes(sct, entry)));

/** A certificate that was parsed has a TBSCertificate that can be taken apart again. */
const precertificate = (leaf: Certificate, issuer: Certificate): CtEntry => ({
  kind: "precert",
  issuerKeyHash: issuer.publicKey.keyId,
  tbs: unwrap(precertificateTbs(leaf)),
});

/**
 * Proves that the certificate was logged: at least one SCT of a trusted log, and no bad one of any
 * trusted log. SCTs of unknown logs count for nothing. An SCT is embedded in the certificate, or
 * was handed out beside it (`detached`); the log's key must have been valid at the SCT's time.
 *
 * @param issuer - whose key the SCT is bound to (RFC 6962 §3.2)
 * @returns `SCT_MISSING`, `SCT_UNKNOWN_LOG`, `SCT_INVALID`
 */
export const checkScts = async (
  leaf: Certificate,
  issuer: Certificate,
  detached: Sct | undefined,
  logs: readonly LogKey[],
): Promise<Finding<undefined>> => {
  const scts = detached === undefined ? embeddedScts(leaf) : ok([detached]);
  if (!scts.ok) return refusedAs("sct", scts);
  const entry: CtEntry =
    detached === undefined ? precertificate(leaf, issuer) : { kind: "x509", certificate: leaf.der };
  const good: Sct[] = [];
  for (const sct of scts.value) {
    const keys = logs.filter(({ logId }) => equal(logId, sct.logId));
    let verified = false;
    for (const log of keys) verified ||= await isGood(sct, leaf, entry, log);
    if (verified) good.push(sct);
    else if (keys.length > 0) {
      const when = rfc3339(Number(sct.timestamp));
      return refused(
        "sct",
        "SCT_INVALID",
        `log ${hex(sct.logId)} did not sign this SCT of ${when}`,
      );
    }
  }
  const [first] = good;
  if (first === undefined) {
    const found = scts.value.map(({ logId }) => hex(logId)).join(", ");
    return refused("sct", "SCT_UNKNOWN_LOG", `no trusted log made the SCT; it is of ${found}`);
  }
  const when = rfc3339(Number(first.timestamp));
  return passed("sct", undefined, `log ${hex(first.logId)} saw the certificate at ${when}`);
};
