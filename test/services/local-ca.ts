import { generateKey, type PrivateKey } from "../../src/crypto/keys.ts";
import { systemRandom } from "../../src/crypto/random.ts";
import {
  intermediateCertificate,
  rootCertificate,
} from "../../src/formats/certificate-profiles.ts";
import { distinguishedName, serialFrom } from "../../src/formats/certificate-writer.ts";
import { fail, ok, type Result } from "../../src/formats/result.ts";
import { certificateAuthority, type Precertificate } from "../../src/services/ca.ts";
import { precertificateLeaf, signSct } from "../../src/services/ctlog-encoding.ts";
import { type Issuer, issuer } from "../../src/services/issuer.ts";

export const NOW = Date.parse("2026-11-24T12:00:00.500Z");
export const ISSUER_URL = "http://127.0.0.1:4000";
export const SECRET = "the-secret";

export const rsaKey = generateKey("rsa-pkcs1v15");

export const localIssuer = (keys: readonly [PrivateKey, ...PrivateKey[]] = [rsaKey]) =>
  issuer({ url: ISSUER_URL, keys, secret: SECRET, now: () => NOW, random: systemRandom });

/** An authority in memory, with a log that keeps what it was given in `logged`. */
export const localCa = (gitlab: Issuer, logFails = false) => {
  const root = { name: distinguishedName("test", "root"), key: generateKey("ecdsa-p256") };
  const ca = { name: distinguishedName("test", "ca"), key: generateKey("ecdsa-p256") };
  const validity = { notBefore: NOW - 3600_000, notAfter: NOW + 3600_000 };
  const serial = () => serialFrom(systemRandom(20));
  const subject = { name: ca.name, spki: ca.key.publicKey.spki };
  const logKey = generateKey("ecdsa-p256");
  const logged: Precertificate[] = [];
  const submit = async (entry: Precertificate): Promise<Result<Uint8Array>> => {
    if (logFails) return fail("STATE_BUSY", "the log is busy");
    logged.push(entry);
    return ok(signSct(logKey, precertificateLeaf(entry, NOW)));
  };
  const authority = certificateAuthority({
    issuer: ca,
    chain: [
      intermediateCertificate(root, subject, serial(), validity),
      rootCertificate(root, serial(), validity),
    ],
    trustedIssuers: [
      {
        url: ISSUER_URL,
        gitlabUrl: ISSUER_URL,
        audience: "sigstore",
        keySet: async () => ok(gitlab.keySet),
      },
    ],
    submit,
    now: () => NOW,
    random: systemRandom,
  });
  return { authority, logged, logKey };
};
