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
import type { State } from "./state.ts";

/** The two hierarchies of the local stack; chains are leaf-most first, root last. */
export type Authorities = {
  /** Signs Fulcio's leaves. */
  readonly ca: CertificateIssuer;
  readonly caChain: readonly Certificate[];
  readonly tsa: TimestampSigner;
  readonly tsaChain: readonly Certificate[];
};

/** Ten years: the stack's state folder outlives no certificate. */
const LIFETIME = 10 * 365 * 24 * 3600_000;

const ORGANIZATION = "wheelseal-local";

type Outside = { readonly now: () => number; readonly random: RandomBytes };

/**
 * The authorities' keys and certificates, made at the first start and kept in `state`.
 *
 * All keys are P-256: a P-384 signature takes some eight times as long to verify, and every
 * verification of a bundle checks two of them.
 *
 * Fails with what the state fails with, and STATE_CORRUPT for a certificate that cannot be read.
 */
export const openAuthorities = async (
  state: State,
  outside: Outside,
): Promise<Result<Authorities>> => {
  const names = ["fulcio-root", "fulcio-intermediate", "tsa-root", "tsa"] as const;
  const issuers: CertificateIssuer[] = [];
  for (const name of names) {
    const key = await state.key(name, "ecdsa-p256");
    if (!key.ok) return key;
    issuers.push({ name: distinguishedName(ORGANIZATION, name), key: key.value });
  }
  const [root, intermediate, tsaRoot, tsa] = issuers;
  if (!root || !intermediate || !tsaRoot || !tsa) throw new Error("four authorities are needed");
  const caChain = await keepChain(state, "fulcio-chain.pem", outside, (serial, validity) => [
    intermediateCertificate(root, subjectOf(intermediate), serial(), validity),
    rootCertificate(root, serial(), validity),
  ]);
  if (!caChain.ok) return caChain;
  const tsaChain = await keepChain(state, "tsa-chain.pem", outside, (serial, validity) => [
    timestampingCertificate(tsaRoot, subjectOf(tsa), serial(), validity),
    rootCertificate(tsaRoot, serial(), validity),
  ]);
  if (!tsaChain.ok) return tsaChain;
  const [certificate] = tsaChain.value;
  if (certificate === undefined) throw new Error("an empty chain");
  const signer = { key: tsa.key, certificate };
  return ok({ ca: intermediate, caChain: caChain.value, tsa: signer, tsaChain: tsaChain.value });
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
