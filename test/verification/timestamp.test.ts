import assert from "node:assert/strict";
import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import { subjectKeyIdentifier } from "../../src/formats/certificate-extensions.ts";
import { timestampingCertificate } from "../../src/formats/certificate-profiles.ts";
import { distinguishedName, signCertificate } from "../../src/formats/certificate-writer.ts";
import { octetString, oid, sequence } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import { unwrap } from "../../src/formats/result.ts";
import { rejectTimestamp } from "../../src/formats/timestamp-writer.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import {
  authorityOf,
  CONTENT,
  forgeLeaf,
  NOW,
  nextSerial,
  parsed,
  SIGNED_AT,
  TRUST,
  WORLD,
} from "./forge.ts";
import { entryV2, flipped, inputOf, messageBundle } from "./forge-bundle.ts";
import { forgeTimestamp, type TokenOptions } from "./forge-timestamp.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const leaf = forgeLeaf();
const bundle = messageBundle(leaf, entryV2);
assert.ok(bundle.content.kind === "message-signature");
const { signature } = bundle.content;
const DAY = 24 * 3600 * 1000;

const stamped = (tokens: readonly Uint8Array[], changes: Partial<VerificationInput> = {}) =>
  inputOf({ ...bundle, timestamps: tokens }, changes);

const token = (options: TokenOptions, changes: Partial<VerificationInput> = {}) =>
  stamped([forgeTimestamp(signature, options)], changes);

const trusting = (...chain: readonly Certificate[]): TrustedRoot => ({
  ...TRUST,
  timestampAuthorities: [authorityOf(...chain)],
});

/** A TSA certificate with this extended key usage instead of the right one. */
type Extensions = Parameters<typeof signCertificate>[0]["extensions"];

const withUsage = (critical: boolean, value: Uint8Array | undefined) =>
  withExtensions(
    value === undefined
      ? [{ oid: OID.subjectAltName, critical: false, value: sequence() }]
      : [{ oid: OID.extendedKeyUsage, critical, value }],
  );

const withExtensions = (extensions: Extensions) => {
  const key = generateKey("ecdsa-p256");
  const signer = parsed(
    signCertificate(
      {
        serial: nextSerial(),
        issuer: WORLD.tsa.rootIssuer.name,
        subject: distinguishedName("tsa", "other"),
        validity: { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY },
        spki: key.publicKey.spki,
        extensions,
      },
      WORLD.tsa.rootIssuer.key,
    ),
  );
  return token({ key, signer }, { trust: trusting(signer, WORLD.tsa.root) });
};

/** Another certificate for the authority's own key. */
const second = parsed(
  timestampingCertificate(
    WORLD.tsa.rootIssuer,
    { name: distinguishedName("tsa", "second"), spki: WORLD.tsa.key.publicKey.spki },
    nextSerial(),
    { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY },
  ),
);

const rsa = generateKey("rsa-pkcs1v15");
const stranger = generateKey("ecdsa-p256");
const strangerRoot = {
  name: distinguishedName("stranger", "root"),
  key: generateKey("ecdsa-p256"),
};
const strangerLeaf = parsed(
  timestampingCertificate(
    strangerRoot,
    { name: distinguishedName("stranger", "tsa"), spki: stranger.publicKey.spki },
    nextSerial(),
    { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY },
  ),
);

const keyId = unwrap(subjectKeyIdentifier(WORLD.tsa.leaf));

const lastFlipped = (): Uint8Array => {
  const good = forgeTimestamp(signature);
  return flipped(good, good.length * 8 - 1);
};

const CASES: readonly Case[] = [
  [
    "39 a timestamp over another signature",
    () => stamped([forgeTimestamp(CONTENT)]),
    "TIME_IMPRINT",
  ],
  [
    "40 an untrusted authority",
    () => token({ key: stranger, signer: strangerLeaf }),
    "TIME_AUTHORITY",
  ],
  [
    "40 an untrusted authority that brings its certificate",
    () => token({ key: stranger, signer: strangerLeaf, embed: [strangerLeaf] }),
    "TIME_AUTHORITY",
  ],
  [
    "40 no authority is trusted",
    () => token({}, { trust: { ...TRUST, timestampAuthorities: [] } }),
    "TIME_AUTHORITY",
  ],
  [
    "40 the usage is not critical",
    () => withUsage(false, sequence(oid(OID.timeStamping))),
    "TIME_AUTHORITY",
  ],
  [
    "40 a further usage",
    () => withUsage(true, sequence(oid(OID.timeStamping), oid(OID.codeSigning))),
    "TIME_AUTHORITY",
  ],
  ["40 another usage", () => withUsage(true, sequence(oid(OID.codeSigning))), "TIME_AUTHORITY"],
  ["40 a malformed usage", () => withUsage(true, sequence()), "CERT_FORMAT"],
  ["40 no usage", () => withUsage(false, undefined), "TIME_AUTHORITY"],
  [
    "40 malformed constraints",
    () =>
      withExtensions([
        { oid: OID.extendedKeyUsage, critical: true, value: sequence(oid(OID.timeStamping)) },
        { oid: OID.basicConstraints, critical: true, value: sequence(sequence()) },
      ]),
    "CERT_FORMAT",
  ],
  [
    "41 a second timestamp outside the certificate's life",
    () => stamped([forgeTimestamp(signature), forgeTimestamp(signature, { at: SIGNED_AT + DAY })]),
    "TIME_WINDOW",
  ],
  [
    "41 the only timestamp is before the certificate's life",
    () => token({ at: SIGNED_AT - DAY }),
    "TIME_WINDOW",
  ],
  [
    "41 a second timestamp that is not good",
    () => stamped([forgeTimestamp(signature), forgeTimestamp(CONTENT)]),
    "TIME_IMPRINT",
  ],
  ["the authority refused", () => stamped([rejectTimestamp("badAlg", "no")]), "TIME_STATUS"],
  ["a token that is no token", () => stamped([CONTENT]), "TIME_TOKEN"],
  ["no ESS attribute", () => token({ ess: "none" }), "TIME_SIGNATURE"],
  ["an ESS attribute with SHA-1", () => token({ ess: "sha1" }), "TIME_SIGNATURE"],
  [
    "an ESS attribute for another certificate of the key",
    () => token({ essCertificate: second }),
    "TIME_SIGNATURE",
  ],
  ["a signature by another key", () => token({ key: stranger }), "TIME_SIGNATURE"],
  ["a signature by a key of another kind", () => token({ key: rsa }), "TIME_SIGNATURE"],
  [
    "signed attributes over other content",
    () => token({ messageDigest: new Uint8Array(32) }),
    "TIME_SIGNATURE",
  ],
  [
    "the authority was trusted only before",
    () => {
      const [authority] = TRUST.timestampAuthorities;
      const ended = { ...authority!, validity: { start: 0, end: SIGNED_AT - 1 } };
      return token({}, { trust: { ...TRUST, timestampAuthorities: [ended] } });
    },
    "TIME_AUTHORITY",
  ],
  [
    "a key identifier that nobody has",
    () => token({ byKeyId: Uint8Array.of(1, 2, 3) }),
    "TIME_AUTHORITY",
  ],
  ["a time in the future", () => token({}, { now: SIGNED_AT - DAY }), "TIME_WINDOW"],
  [
    "a log's time in the future",
    () => inputOf(messageBundle(leaf), { now: SIGNED_AT - DAY }),
    "TLOG_TIME",
  ],
  ["a bit of the signature is flipped", () => stamped([lastFlipped()]), "TIME_SIGNATURE"],
];

describe("timestamps", () => {
  refuses(CASES);
  accepts("accepts a timestamp without embedded certificates", () => token({}));
  accepts("accepts embedded certificates, also one that cannot be parsed", () =>
    token({ embed: [WORLD.tsa.leaf, { ...WORLD.tsa.leaf, der: sequence(octetString(CONTENT)) }] }),
  );
  accepts("accepts a signer that only the token brings, under a trusted root", () =>
    token({ embed: [WORLD.tsa.leaf] }, { trust: trusting(WORLD.tsa.root) }),
  );
  accepts("accepts an authority that the trust root does not name", () => {
    const authorities = TRUST.timestampAuthorities.map((one) => ({ ...one, uri: "" }));
    return token({}, { trust: { ...TRUST, timestampAuthorities: authorities } });
  });
  accepts("accepts a signer named by key identifier", () => token({ byKeyId: keyId! }));
  accepts("accepts a timestamp beside a log's own time", () =>
    inputOf(
      (() => {
        const v1 = messageBundle(leaf);
        assert.ok(v1.content.kind === "message-signature");
        return { ...v1, timestamps: [forgeTimestamp(v1.content.signature)] };
      })(),
      { now: NOW },
    ),
  );
  accepts("accepts another clock that is a little ahead", () =>
    token({}, { now: SIGNED_AT - 60_000 }),
  );
});
