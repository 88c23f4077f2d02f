import type { RandomBytes } from "../crypto/random.ts";
import { fromUtf8, utf8 } from "../formats/bytes.ts";
import { type Certificate, parseCertificate } from "../formats/certificate.ts";
import {
  intermediateCertificate,
  rootCertificate,
  timestampingCertificate,
} from "../formats/certificate-profiles.ts";
import {
  type CertificateIssuer,
  distinguishedName,
  serialFrom,
} from "../formats/certificate-writer.ts";
import { formatPem, parsePem } from "../formats/pem.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { TimestampSigner } from "../formats/timestamp-writer.ts";
import { type Generation, generationName } from "./rotations.ts";
import type { State } from "./state.ts";

/** Issues Fulcio's leaves; the chain is leaf-most first, root last. */
export type CaAuthority = {
  readonly issuer: CertificateIssuer;
  readonly chain: readonly Certificate[];
};

/** Signs timestamps; the chain begins with the signer's certificate. */
export type TsaAuthority = {
  readonly signer: TimestampSigner;
  readonly chain: readonly Certificate[];
};

/** Ten years: the stack's state folder outlives no certificate. */
const LIFETIME = 10 * 365 * 24 * 3600_000;

const ORGANIZATION = "wheelseal-local";

type Outside = { readonly now: () => number; readonly random: RandomBytes };

/** Keys of a root and of what it certifies, under names that no other generation has. */
const openIssuers = async (
  state: State,
  names: readonly [string, string],
  generation: Generation,
): Promise<Result<readonly [CertificateIssuer, CertificateIssuer]>> => {
  const issuers: CertificateIssuer[] = [];
  for (const each of names) {
    const name = generationName(each, generation);
    const key = await state.key(name, "ecdsa-p256");
    if (!key.ok) return key;
    issuers.push({ name: distinguishedName(ORGANIZATION, name), key: key.value });
  }
  const [root, below] = issuers;
  if (root === undefined || below === undefined) throw new Error("two issuers are needed");
  return ok([root, below]);
};

/**
 * The keys and certificates of a certificate authority, made at their first use and kept in
 * `state`.
 *
 * All keys are P-256: a P-384 signature takes some eight times as long to verify, and every
 * verification of a bundle checks two of them.
 *
 * Fails with what the state fails with, and STATE_CORRUPT for a certificate that cannot be read.
 */
export const openCa = async (
  state: State,
  outside: Outside,
  generation: Generation,
): Promise<Result<CaAuthority>> => {
  const issuers = await openIssuers(state, ["fulcio-root", "fulcio-intermediate"], generation);
  if (!issuers.ok) return issuers;
  const [root, intermediate] = issuers.value;
  const file = `${generationName("fulcio-chain", generation)}.pem`;
  const chain = await keepChain(state, file, outside, (serial, validity) => [
    intermediateCertificate(root, subjectOf(intermediate), serial(), validity),
    rootCertificate(root, serial(), validity),
  ]);
  return chain.ok ? ok({ issuer: intermediate, chain: chain.value }) : chain;
};

/** The keys and certificates of a timestamp authority, as {@link openCa}. */
export const openTsa = async (
  state: State,
  outside: Outside,
  generation: Generation,
): Promise<Result<TsaAuthority>> => {
  const issuers = await openIssuers(state, ["tsa-root", "tsa"], generation);
  if (!issuers.ok) return issuers;
  const [root, { key, name }] = issuers.value;
  const subject = { name, spki: key.publicKey.spki };
  const file = `${generationName("tsa-chain", generation)}.pem`;
  const chain = await keepChain(state, file, outside, (serial, validity) => [
    timestampingCertificate(root, subject, serial(), validity),
    rootCertificate(root, serial(), validity),
  ]);
  if (!chain.ok) return chain;
  const [certificate] = chain.value;
  if (certificate === undefined) throw new Error("an empty chain");
  return ok({ signer: { key, certificate }, chain: chain.value });
};

const subjectOf = (issuer: CertificateIssuer) => ({
  name: issuer.name,
  spki: issuer.key.publicKey.spki,
});

type MakeChain = (
  serial: () => Uint8Array,
  validity: { readonly notBefore: number; readonly notAfter: number },
) => readonly Uint8Array[];

const keepChain = async (
  state: State,
  file: string,
  { now, random }: Outside,
  make: MakeChain,
): Promise<Result<Certificate[]>> => {
  const kept = await state.keep(file, () => {
    const notBefore = now();
    const chain = make(() => serialFrom(random(20)), { notBefore, notAfter: notBefore + LIFETIME });
    return utf8(chain.map((der) => formatPem("CERTIFICATE", der)).join(""));
  });
  if (!kept.ok) return kept;
  const text = fromUtf8(kept.value);
  const ders = text.ok ? parsePem(text.value, "CERTIFICATE") : text;
  if (!ders.ok) return fail("STATE_CORRUPT", `${file}: ${ders.error.message}`);
  const chain: Certificate[] = [];
  for (const der of ders.value) {
    const certificate = parseCertificate(der);
    if (!certificate.ok) return fail("STATE_CORRUPT", `${file}: ${certificate.error.message}`);
    chain.push(certificate.value);
  }
  return chain.length === 2 ? ok(chain) : fail("STATE_CORRUPT", `${file} is not a chain of two`);
};
