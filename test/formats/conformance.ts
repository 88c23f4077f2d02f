import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The recorded bundles of sigstore-conformance, beside the repository. */
export const CONFORMANCE = fileURLToPath(
  new URL("../../../shared/vectors/sigstore-conformance", import.meta.url),
);

/** For the `skip` option of a test: false, or why there is nothing to test with. */
export const skipConformance = existsSync(CONFORMANCE) ? false : `${CONFORMANCE} is not there`;

type RawEntry = {
  kindVersion: { kind: string; version: string };
  canonicalizedBody: string;
  inclusionProof?: { checkpoint?: { envelope: string } };
};

export type RawBundle = {
  verificationMaterial: {
    certificate?: { rawBytes: string };
    x509CertificateChain?: { certificates: { rawBytes: string }[] };
    tlogEntries: RawEntry[];
    timestampVerificationData?: { rfc3161Timestamps?: { signedTimestamp: string }[] };
  };
  messageSignature?: { signature: string };
  dsseEnvelope?: { payload: string; payloadType: string; signatures: { sig: string }[] };
};

export const fromBase64Text = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text, "base64"));

export const readBundle = (name: string): RawBundle =>
  JSON.parse(readFileSync(`${CONFORMANCE}/${name}/bundle.sigstore.json`, "utf8"));

export const readVector = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(`${CONFORMANCE}/${path}`));

/** The cases that a verifier must accept. */
export const goodCases = (): string[] =>
  skipConformance === false
    ? readdirSync(CONFORMANCE).filter(
        (name) =>
          !name.endsWith("_fail") && existsSync(`${CONFORMANCE}/${name}/bundle.sigstore.json`),
      )
    : [];

/** DER of the signing certificate, if the case has one. */
export const leafOf = (bundle: RawBundle): Uint8Array | undefined => {
  const { certificate, x509CertificateChain } = bundle.verificationMaterial;
  const leaf = certificate ?? x509CertificateChain?.certificates[0];
  return leaf === undefined ? undefined : fromBase64Text(leaf.rawBytes);
};
