import { sha256 } from "../../src/crypto/hash.ts";
import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { systemRandom } from "../../src/crypto/random.ts";
import { sign } from "../../src/crypto/sign.ts";
import { base64, hex, utf8 } from "../../src/formats/bytes.ts";
import { signingLeaf } from "../../src/formats/certificate-profiles.ts";
import {
  distinguishedName,
  serialFrom,
  signCertificate,
} from "../../src/formats/certificate-writer.ts";
import { pae } from "../../src/formats/dsse.ts";
import { formatPem } from "../../src/formats/pem.ts";

/** Somebody who signs: a key, and a certificate for it that an unrelated key signed. */
export type TestSigner = {
  readonly key: PrivateKey;
  /** base64(PEM), as entries carry it. */
  readonly certificate: string;
  readonly publicKey: string;
};

export const SAN = "https://gitlab.example/acme/widgets//.gitlab-ci.yml@refs/heads/main";

export const testSigner = (key = generateKey("ecdsa-p256")): TestSigner => {
  const issuer = { name: distinguishedName("test", "test"), key: generateKey("ecdsa-p256") };
  const leaf = signingLeaf(
    issuer,
    key.publicKey.spki,
    { subjectAlternativeName: SAN, extensions: [] },
    serialFrom(systemRandom(20)),
    { notBefore: 1_700_000_000_000, notAfter: 1_700_000_600_000 },
  );
  return {
    key,
    certificate: base64(utf8(formatPem("CERTIFICATE", signCertificate(leaf, issuer.key)))),
    publicKey: base64(utf8(formatPem("PUBLIC KEY", key.publicKey.spki))),
  };
};

/** A proposed hashedrekord 0.0.1 over `message`. */
export const hashedRekord = (
  signer: TestSigner,
  message: Uint8Array,
  verifier = signer.certificate,
) => ({
  apiVersion: "0.0.1",
  kind: "hashedrekord",
  spec: {
    data: { hash: { algorithm: "sha256", value: hex(sha256(message)) } },
    signature: {
      content: base64(sign(signer.key, "sha256", message)),
      publicKey: { content: verifier },
    },
  },
});

/** A proposed dsse 0.0.1 of an in-toto statement. */
export const dsse = (signer: TestSigner, payload: Uint8Array, verifier = signer.certificate) => {
  const payloadType = "application/vnd.in-toto+json";
  const sig = base64(sign(signer.key, "sha256", pae(payloadType, payload)));
  const envelope = { payload: base64(payload), payloadType, signatures: [{ sig, keyid: "" }] };
  return {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: { proposedContent: { envelope: JSON.stringify(envelope), verifiers: [verifier] } },
  };
};
