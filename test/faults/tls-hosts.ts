import { createServer } from "node:https";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { exportPrivateKey, generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { rootCertificate } from "../../src/formats/certificate-profiles.ts";
import { distinguishedName, signCertificate } from "../../src/formats/certificate-writer.ts";
import { contextTag, der, sequence } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { formatPem } from "../../src/formats/pem.ts";

const LIFE = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 6 * 3600_000 };

const serverWith = (key: ReturnType<typeof generateKey>, ...chain: readonly Uint8Array[]) =>
  createServer(
    {
      key: formatPem("PRIVATE KEY", exportPrivateKey(key)),
      cert: chain.map((one) => formatPem("CERTIFICATE", one)).join(""),
    },
    (_, response) => response.end("over TLS"),
  );

/** A server whose certificate is signed by nobody whom anybody trusts. */
export const untrustedServer = () => {
  const key = generateKey("ecdsa-p256");
  const self = { name: distinguishedName("nobody", "nobody"), key };
  return serverWith(key, rootCertificate(self, Uint8Array.of(1, 2, 3), LIFE));
};

const authority = {
  name: distinguishedName("faults", "faults"),
  key: generateKey("ecdsa-p256"),
};

/**
 * A server whose certificate is good for `host` and for no other: this process trusts its
 * authority from now on.
 */
export const serverFor = (host: string) => {
  const root = rootCertificate(authority, Uint8Array.of(4, 5, 6), LIFE);
  setDefaultCACertificates([...getCACertificates("default"), formatPem("CERTIFICATE", root)]);
  const key = generateKey("ecdsa-p256");
  const leaf = {
    serial: Uint8Array.of(7, 8, 9),
    issuer: authority.name,
    subject: sequence(),
    validity: LIFE,
    spki: key.publicKey.spki,
    extensions: [
      {
        oid: OID.subjectAltName,
        critical: true,
        value: sequence(der(contextTag(2, false), utf8(host))),
      },
    ],
  };
  return serverWith(key, signCertificate(leaf, authority.key));
};
