import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import {
  intermediateCertificate,
  rootCertificate,
} from "../../src/formats/certificate-profiles.ts";
import {
  distinguishedName,
  signCertificate,
  type TbsToWrite,
} from "../../src/formats/certificate-writer.ts";
import { boolean, der, integer, octetString, oid, sequence, TAG } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import {
  authorityOf,
  type ForgedAuthority,
  forgeAuthority,
  forgeLeaf,
  type LeafOptions,
  nextSerial,
  parsed,
  SIGNED_AT,
  TRUST,
  WORLD,
  withExtension,
} from "./forge.ts";
import { inputOf, messageBundle } from "./forge-bundle.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const DAY = 24 * 3600 * 1000;
const LIFE = { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY };

const signedWith = (options: LeafOptions, changes: Partial<VerificationInput> = {}) =>
  inputOf(messageBundle(forgeLeaf(options)), changes);

/** A trust root with this authority beside everything else. */
const trusting = (...chain: readonly Certificate[]): TrustedRoot => ({
  ...TRUST,
  certificateAuthorities: [authorityOf(...chain)],
});

const strangers = forgeAuthority("strangers");

/** An authority whose intermediate is made by `make` from the root's key. */
const custom = (edit: (tbs: TbsToWrite) => TbsToWrite): ForgedAuthority => {
  const { rootIssuer, issuer, root } = WORLD.ca;
  const tbs: TbsToWrite = {
    serial: nextSerial(),
    issuer: rootIssuer.name,
    subject: issuer.name,
    validity: LIFE,
    spki: issuer.key.publicKey.spki,
    extensions: [
      { oid: OID.basicConstraints, critical: true, value: sequence(boolean(true), integer(0)) },
      { oid: OID.keyUsage, critical: true, value: der(TAG.BIT_STRING, Uint8Array.of(2, 4)) },
    ],
  };
  const intermediate = parsed(signCertificate(edit(tbs), rootIssuer.key));
  return { rootIssuer, issuer, root, intermediate };
};

const under = (ca: ForgedAuthority): VerificationInput =>
  signedWith({ ca }, { trust: trusting(ca.intermediate, ca.root) });

const withIntermediate = (oidText: string, value: Uint8Array | undefined, critical = false) =>
  under(custom(withExtension(oidText, value, critical)));

const CASES: readonly Case[] = [
  ["30 the chain leads to an unknown root", () => signedWith({ ca: strangers }), "CERT_CHAIN"],
  [
    "30 the bundle brings the unknown root along",
    () => {
      const bundle = messageBundle(forgeLeaf({ ca: strangers }));
      const [chain, material] = [[strangers.intermediate, strangers.root], bundle.material];
      return inputOf({ ...bundle, material: { ...material, chain } as typeof material });
    },
    "CERT_CHAIN",
  ],
  [
    "30 an authority of the same name and another key",
    () => {
      const { ca } = WORLD;
      const key = generateKey("ecdsa-p256");
      return signedWith({ ca: { ...ca, issuer: { ...ca.issuer, key } } });
    },
    "CERT_CHAIN",
  ],
  [
    "30 no authority is trusted",
    () => signedWith({}, { trust: { ...TRUST, certificateAuthorities: [] } }),
    "CERT_CHAIN",
  ],
  [
    "30 the leaf itself is what is trusted",
    () => {
      const leaf = forgeLeaf();
      return inputOf(messageBundle(leaf), { trust: trusting(leaf.certificate) });
    },
    "CERT_CHAIN",
  ],
  [
    "31 the leaf had expired",
    () => signedWith({ life: { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT - 1000 } }),
    "TLOG_TIME",
  ],
  [
    "31 the leaf was not yet valid",
    () => signedWith({ life: { notBefore: SIGNED_AT + 1000, notAfter: SIGNED_AT + DAY } }),
    "TLOG_TIME",
  ],
  [
    "32 the intermediate had expired at signing time",
    () => {
      const expired = { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT - 30_000 };
      return under(custom((tbs) => ({ ...tbs, validity: expired })));
    },
    "CERT_TIME",
  ],
  [
    "32 the root had expired at signing time",
    () => {
      const { rootIssuer, issuer, intermediate } = WORLD.ca;
      const life = { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT - 30_000 };
      const root = parsed(rootCertificate(rootIssuer, nextSerial(), life));
      return under({ rootIssuer, issuer, intermediate, root });
    },
    "CERT_TIME",
  ],
  [
    "32 the authority was trusted only before",
    () => {
      const [authority] = TRUST.certificateAuthorities;
      const ended = { ...authority!, validity: { start: 0, end: SIGNED_AT - 1 } };
      return signedWith({}, { trust: { ...TRUST, certificateAuthorities: [ended] } });
    },
    "CERT_TIME",
  ],
  [
    "an unknown critical extension of the leaf",
    () => signedWith({ edit: withExtension("1.2.3.4", sequence(), true) }),
    "CERT_EXTENSION",
  ],
  [
    "an unknown critical extension of an issuer",
    () => withIntermediate("1.2.3.4", sequence(), true),
    "CERT_EXTENSION",
  ],
  [
    "critical name constraints of an issuer",
    () => withIntermediate(OID.nameConstraints, sequence(), true),
    "CERT_EXTENSION",
  ],
  [
    "an issuer without basic constraints",
    () => withIntermediate(OID.basicConstraints, undefined),
    "CERT_CHAIN",
  ],
  [
    "an issuer that is no authority",
    () => withIntermediate(OID.basicConstraints, sequence(), true),
    "CERT_CHAIN",
  ],
  [
    "an issuer with malformed constraints",
    () => withIntermediate(OID.basicConstraints, sequence(integer(300)), true),
    "CERT_FORMAT",
  ],
  [
    "an issuer that may not sign certificates",
    () => withIntermediate(OID.keyUsage, der(TAG.BIT_STRING, Uint8Array.of(7, 0x80)), true),
    "CERT_CHAIN",
  ],
  [
    "an issuer with malformed key usage",
    () => withIntermediate(OID.keyUsage, der(TAG.BIT_STRING, Uint8Array.of(9, 0x80)), true),
    "CERT_FORMAT",
  ],
  [
    "an issuer for another usage",
    () => withIntermediate(OID.extendedKeyUsage, sequence(oid(OID.timeStamping))),
    "CERT_CHAIN",
  ],
  [
    "an issuer with a malformed usage",
    () => withIntermediate(OID.extendedKeyUsage, sequence()),
    "CERT_FORMAT",
  ],
  [
    "an issuer with another key identifier than the leaf names",
    () => withIntermediate(OID.subjectKeyIdentifier, octetString(Uint8Array.of(1))),
    "CERT_CHAIN",
  ],
  [
    "an issuer with a malformed key identifier",
    () => withIntermediate(OID.subjectKeyIdentifier, sequence()),
    "CERT_CHAIN",
  ],
  [
    "a leaf with a malformed issuer key identifier",
    () =>
      signedWith({
        edit: withExtension(OID.authorityKeyIdentifier, octetString(Uint8Array.of(1))),
      }),
    "CERT_CHAIN",
  ],
  [
    "a certificate that says it was signed with another kind of key",
    () => {
      const issuer = { ...WORLD.ca.issuer, key: generateKey("rsa-pkcs1v15") };
      const edit = withExtension(OID.authorityKeyIdentifier, undefined);
      return signedWith({ ca: { ...WORLD.ca, issuer }, edit });
    },
    "CERT_CHAIN",
  ],
  ["an authority without certificates", () => signedWith({}, { trust: trusting() }), "CERT_CHAIN"],
];

describe("chain of certificates", () => {
  refuses(CASES);
  accepts("accepts an intermediate of any usage", () =>
    withIntermediate(OID.extendedKeyUsage, sequence(oid(OID.anyExtendedKeyUsage))),
  );
  accepts("accepts an authority that the trust root does not name", () => {
    const authorities = TRUST.certificateAuthorities.map((one) => ({ ...one, uri: "" }));
    return signedWith({}, { trust: { ...TRUST, certificateAuthorities: authorities } });
  });
  for (const algorithm of ["ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-pkcs1v15"] as const) {
    accepts(`accepts an authority with a key of kind ${algorithm}`, () => {
      const key = generateKey(algorithm);
      const { rootIssuer, root } = WORLD.ca;
      const issuer = { name: distinguishedName("kinds", algorithm), key };
      const subject = { name: issuer.name, spki: key.publicKey.spki };
      const made = intermediateCertificate(rootIssuer, subject, nextSerial(), LIFE);
      return under({ rootIssuer, issuer, root, intermediate: parsed(made) });
    });
  }
});
