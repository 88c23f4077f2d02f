import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { fromUtf8, utf8 } from "../formats/bytes.ts";
import { type Certificate, parseCertificate } from "../formats/certificate.ts";
import { children, readDer } from "../formats/der.ts";
import { formatPem, type PemLabel, parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";

/** Who made a signature, as an entry names them: a certificate or a bare key. */
export type Verifier = {
  readonly key: PublicKey;
  /** Canonical PEM, 64 columns, as the entry holds it. */
  readonly pem: Uint8Array;
  /** Subject alternative names that are text. */
  readonly names: readonly string[];
};

const SAN = "2.5.29.17";

/** rfc822Name, dNSName and uniformResourceIdentifier (RFC 5280 §4.2.1.6). */
const TEXT_NAMES = [0x81, 0x82, 0x86];

const textNames = (certificate: Certificate): string[] => {
  const extension = certificate.extensions.get(SAN);
  const names = extension === undefined ? undefined : readDer(extension.value);
  const nodes = names?.ok ? children(names.value) : undefined;
  if (nodes === undefined || !nodes.ok) return [];
  return nodes.value
    .filter((node) => TEXT_NAMES.includes(node.tag))
    .map((node) => fromUtf8(node.content))
    .flatMap((text) => (text.ok ? [text.value] : []));
};

/**
 * Reads the PEM of exactly one certificate or public key. Nothing is ever fetched: an entry that
 * only points at a key is refused for having none.
 */
export const readVerifier = (bytes: Uint8Array): Result<Verifier> => {
  const text = fromUtf8(bytes);
  if (!text.ok) return text;
  return text.value.includes("BEGIN CERTIFICATE")
    ? certificateVerifier(text.value)
    : keyVerifier(text.value);
};

const onlyBlock = (text: string, label: PemLabel): Result<Uint8Array> => {
  const blocks = parsePem(text, label);
  if (!blocks.ok) return blocks;
  const [block, ...others] = blocks.value;
  return block !== undefined && others.length === 0
    ? ok(block)
    : fail("FORMAT_PEM", `${blocks.value.length} PEM blocks instead of one`);
};

const canonicalPem = (label: PemLabel, der: Uint8Array): Uint8Array => utf8(formatPem(label, der));

const certificateVerifier = (text: string): Result<Verifier> => {
  const der = onlyBlock(text, "CERTIFICATE");
  const certificate = der.ok ? parseCertificate(der.value) : der;
  if (!certificate.ok) return certificate;
  const { publicKey: key, der: bytes } = certificate.value;
  return ok({ key, pem: canonicalPem("CERTIFICATE", bytes), names: textNames(certificate.value) });
};

const keyVerifier = (text: string): Result<Verifier> => {
  const der = onlyBlock(text, "PUBLIC KEY");
  if (!der.ok) return der;
  const key = importPublicKey(der.value);
  if (key === undefined) return fail("KEY_FORMAT", "the public key is of no supported kind");
  return ok({ key, pem: canonicalPem("PUBLIC KEY", key.spki), names: [] });
};
