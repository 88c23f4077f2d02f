import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Certificate } from "../../src/formats/certificate.ts";
import {
  intermediateCertificate,
  rootCertificate,
} from "../../src/formats/certificate-profiles.ts";
import {
  type CertificateIssuer,
  distinguishedName,
  signCertificate,
} from "../../src/formats/certificate-writer.ts";
import { boolean, integer, sequence } from "../../src/formats/der.ts";
import { OID } from "../../src/formats/oids.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";
import {
  authorityOf,
  forgeLeaf,
  type LeafOptions,
  nextSerial,
  parsed,
  SIGNED_AT,
  TRUST,
  WORLD,
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

/** A second intermediate between the forged one and a leaf. */
const deeper = (pathLength: number | undefined) => {
  const { rootIssuer, root } = WORLD.ca;
  const upper: CertificateIssuer = {
    name: distinguishedName("deep", "upper"),
    key: generateKey("ecdsa-p256"),
  };
  const lower: CertificateIssuer = {
    name: distinguishedName("deep", "lower"),
    key: generateKey("ecdsa-p256"),
  };
  const limit = pathLength === undefined ? [] : [integer(pathLength)];
  const upperCertificate = parsed(
    signCertificate(
      {
        serial: nextSerial(),
        issuer: rootIssuer.name,
        subject: upper.name,
        validity: LIFE,
        spki: upper.key.publicKey.spki,
        extensions: [
          { oid: OID.basicConstraints, critical: true, value: sequence(boolean(true), ...limit) },
        ],
      },
      rootIssuer.key,
    ),
  );
  const subject = { name: lower.name, spki: lower.key.publicKey.spki };
  const lowerCertificate = parsed(intermediateCertificate(upper, subject, nextSerial(), LIFE));
  const ca = { rootIssuer: upper, issuer: lower, root, intermediate: lowerCertificate };
  return { ca, upperCertificate, lowerCertificate, root };
};

/** A chain of `length` authorities under the forged root; `ca` is the lowest. */
const long = (length: number) => {
  let above: CertificateIssuer = WORLD.ca.rootIssuer;
  const chain: Certificate[] = [];
  for (let index = 0; index < length; index += 1) {
    const key = generateKey("ecdsa-p256");
    const own: CertificateIssuer = { name: distinguishedName("long", `${index}`), key };
    const extensions = [
      { oid: OID.basicConstraints, critical: true, value: sequence(boolean(true)) },
    ];
    const names = { issuer: above.name, subject: own.name, spki: key.publicKey.spki };
    const tbs = { serial: nextSerial(), validity: LIFE, extensions, ...names };
    chain.unshift(parsed(signCertificate(tbs, above.key)));
    above = own;
  }
  return { chain, ca: { ...WORLD.ca, issuer: above } };
};

const CASES: readonly Case[] = [
  [
    "more authorities in between than one of them allows",
    () => {
      const { ca, upperCertificate, lowerCertificate, root } = deeper(0);
      return signedWith({ ca }, { trust: trusting(lowerCertificate, upperCertificate, root) });
    },
    "CERT_CHAIN",
  ],
  [
    "a path of more certificates than any honest one",
    () => {
      const { chain, ca } = long(9);
      const bundle = messageBundle(forgeLeaf({ ca }));
      const material = { ...bundle.material, chain } as typeof bundle.material;
      return inputOf({ ...bundle, material });
    },
    "CERT_CHAIN",
  ],
  [
    "more possible issuers than are tried",
    () => {
      const { chain, ca } = long(1);
      const bundle = messageBundle(
        forgeLeaf({ ca: { ...ca, issuer: { ...ca.issuer, key: WORLD.ct } } }),
      );
      const material = {
        ...bundle.material,
        chain: Array(100).fill(chain[0]),
      } as typeof bundle.material;
      return inputOf({ ...bundle, material });
    },
    "CERT_CHAIN",
  ],
];

/** Authorities of one name and key, each of which could have issued every other. */
const tangle = (count: number) => {
  const issuer = { name: distinguishedName("tangle", "tangle"), key: generateKey("ecdsa-p256") };
  const chain = Array.from({ length: count }, () =>
    parsed(rootCertificate(issuer, nextSerial(), LIFE)),
  );
  return { chain, ca: { ...WORLD.ca, issuer } };
};

describe("paths of several authorities", () => {
  refuses(CASES);
  accepts("accepts an intermediate that only the bundle brings", () => {
    const { ca, upperCertificate, lowerCertificate, root } = deeper(1);
    const bundle = messageBundle(forgeLeaf({ ca }));
    const chain = [lowerCertificate, upperCertificate];
    const material = { ...bundle.material, chain } as typeof bundle.material;
    return inputOf({ ...bundle, material }, { trust: trusting(root) });
  });

  it("gives up soon on authorities that could all have issued each other", async () => {
    const { chain, ca } = tangle(10);
    const bundle = messageBundle(forgeLeaf({ ca }));
    const material = { ...bundle.material, chain } as typeof bundle.material;
    const start = process.hrtime.bigint();
    const verdict = await verify(inputOf({ ...bundle, material }));
    assert.ok(!verdict.verified);
    assert.equal(verdict.failure.code, "CERT_CHAIN");
    assert.ok(process.hrtime.bigint() - start < 2_000_000_000n);
  });
});
