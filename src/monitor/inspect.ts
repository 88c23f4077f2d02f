import { sha256 } from "../crypto/hash.ts";
import { fromBase64, fromUtf8, hex } from "../formats/bytes.ts";
import { type Certificate, parseCertificate } from "../formats/certificate.ts";
import { leafHash } from "../formats/merkle.ts";
import { OID } from "../formats/oids.ts";
import { formatPem, parsePem } from "../formats/pem.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { type ParsedBody, parseBody } from "../formats/tlog-body-parse.ts";
import type { Authority } from "../formats/trusted-root.ts";
import { buildPath } from "../verification/chain.ts";
import { checkIdentity } from "../verification/identity.ts";
import { signerOf } from "../verification/signer.ts";
import type { IdentityPolicy, Signer } from "../verification/verdict.ts";
import type { SignedEntry } from "./alarm.ts";

/** Whom to look for, and whose certificates count. */
export type Watch = {
  readonly identities: readonly IdentityPolicy[];
  readonly authorities: readonly Authority[];
};

/** What an entry came to. */
export type Inspection = {
  readonly leafHash: Uint8Array;
  /** Why the entry cannot be read; absent where it can. */
  readonly unreadable?: string;
  /** One for each of its certificates that is of a watched identity and of a trusted authority. */
  readonly mine: readonly SignedEntry[];
  /** Certificates that name a watched identity, and that no trusted authority issued. */
  readonly impostors: number;
};

/** Certificates that are sought in an entry that cannot be read. */
const MAX_FOUND = 16;
/** `-----BEGIN CERTIFICATE-----` in base64, and the first bytes of a certificate in DER in base64. */
const ENCODED =
  /(?:LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t|MII[A-Za-z0-9+/])[A-Za-z0-9+/]{200,32768}={0,2}/g;
const MAX_SEARCHED = 1024 * 1024;

const certificatesIn = (encoded: string): Certificate[] => {
  const bytes = fromBase64(encoded);
  if (!bytes.ok) return [];
  const text = fromUtf8(bytes.value);
  const pem = text.ok ? parsePem(text.value, "CERTIFICATE") : text;
  return (pem.ok ? pem.value : [bytes.value])
    .map(parseCertificate)
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
};

/** Looks for certificates as the kinds of entry that are known here, and older ones, carry them. */
const searchCertificates = (body: Uint8Array): Certificate[] => {
  const text = new TextDecoder("latin1").decode(body.subarray(0, MAX_SEARCHED));
  const found: Certificate[] = [];
  for (const [encoded] of text.matchAll(ENCODED)) {
    found.push(...certificatesIn(encoded));
    if (found.length >= MAX_FOUND) break;
  }
  return found.slice(0, MAX_FOUND);
};

type Mine = { readonly certificate: Certificate; readonly signer: Certified; trusted: boolean };
type Certified = Extract<Signer, { kind: "certificate" }>;

/** Nothing for somebody else's certificate, or one that no verifier would take an identity from. */
const recognise = async (certificate: Certificate, watch: Watch): Promise<Mine | undefined> => {
  const signer = signerOf(certificate);
  if (!signer.ok || !checkIdentity(watch.identities, signer.value).result.ok) return undefined;
  const { authorities } = watch;
  const times = [certificate.notBefore];
  const purpose = OID.codeSigning;
  const input = { leaf: certificate, intermediates: [], authorities, times, purpose };
  const path = await buildPath(input, "CERT_CHAIN");
  return { certificate, signer: signer.value, trusted: path.ok };
};

const digestOf = ({ digest }: ParsedBody): string => `${digest.hash}:${hex(digest.bytes)}`;

const certificateJson = ({ certificate, signer }: Mine): SignedEntry["certificate"] => ({
  sha256: hex(sha256(certificate.der)),
  pem: formatPem("CERTIFICATE", certificate.der),
  san: signer.san,
  issuer: signer.issuer,
  claims: signer.claims,
  notBefore: rfc3339(certificate.notBefore),
});

type Read = { readonly certificates: readonly Certificate[]; readonly unreadable?: string };

/** A certificate that cannot be parsed makes the entry one that cannot be read. */
const certificatesOf = (body: Uint8Array, parsed: ReturnType<typeof parseBody>): Read => {
  if (!parsed.ok) {
    return { certificates: searchCertificates(body), unreadable: parsed.error.message };
  }
  const certificates: Certificate[] = [];
  for (const { verifier } of parsed.value.signatures) {
    if (verifier.kind !== "certificate") continue;
    const certificate = parseCertificate(verifier.der);
    if (!certificate.ok) return { certificates, unreadable: certificate.error.message };
    certificates.push(certificate.value);
  }
  return { certificates };
};

/**
 * Looks whether an entry was signed by a watched identity. A certificate counts only if a trusted
 * authority issued it, since anybody can log one of their own making; its times are those of
 * its own life.
 *
 * @param index - the log's own number of the entry
 */
export const inspectEntry = async (
  entry: { readonly index: number; readonly body: Uint8Array; readonly integratedTime?: number },
  watch: Watch,
): Promise<Inspection> => {
  const { index, body, integratedTime } = entry;
  const leaf = leafHash(body);
  const parsed = parseBody(body);
  const { certificates, unreadable } = certificatesOf(body, parsed);
  const mine: SignedEntry[] = [];
  let impostors = 0;
  for (const certificate of certificates) {
    const found = await recognise(certificate, watch);
    if (found === undefined) continue;
    if (!found.trusted) {
      impostors += 1;
      continue;
    }
    mine.push({
      index,
      leafHash: hex(leaf),
      ...(parsed.ok
        ? { kind: `${parsed.value.kind} ${parsed.value.version}`, digest: digestOf(parsed.value) }
        : {}),
      certificate: certificateJson(found),
      ...(integratedTime === undefined ? {} : { integratedTime: rfc3339(integratedTime * 1000) }),
    });
  }
  return { leafHash: leaf, ...(unreadable === undefined ? {} : { unreadable }), mine, impostors };
};
