import assert from "node:assert/strict";
import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Bundle } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { distinguishedName, signCertificate } from "../../src/formats/certificate-writer.ts";
import { boolean, oid, sequence } from "../../src/formats/der.ts";
import { canonicalJson } from "../../src/formats/jcs.ts";
import { OID } from "../../src/formats/oids.ts";
import type { LogKey } from "../../src/formats/trusted-root.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import {
  authorityOf,
  forgeLeaf,
  type LeafOptions,
  NOW,
  nextSerial,
  parsed,
  SIGNED_AT,
  TRUST,
  WORLD,
  withExtension,
} from "./forge.ts";
import {
  entryV1,
  entryV2,
  envelopeBundle,
  inputOf,
  messageBundle,
  promiseOf,
  withEntry,
} from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const DAY = 24 * 3600 * 1000;
const LIFE = { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY };
const leaf = forgeLeaf();
const message = messageBundle(leaf);
const envelope = envelopeBundle(leaf);

const signedWith = (options: LeafOptions, changes: Partial<VerificationInput> = {}) =>
  inputOf(messageBundle(forgeLeaf(options)), changes);

const custom = (edit: ReturnType<typeof withExtension>): VerificationInput => {
  const { rootIssuer, issuer, root } = WORLD.ca;
  const tbs = {
    serial: nextSerial(),
    issuer: rootIssuer.name,
    subject: issuer.name,
    validity: LIFE,
    spki: issuer.key.publicKey.spki,
    extensions: [{ oid: OID.basicConstraints, critical: true, value: sequence(boolean(true)) }],
  };
  const intermediate = parsed(signCertificate(edit(tbs), rootIssuer.key));
  const ca = { rootIssuer, issuer, root, intermediate };
  const certificateAuthorities = [authorityOf(intermediate, root)];
  return signedWith({ ca }, { trust: { ...TRUST, certificateAuthorities } });
};

/** A leaf that a holder of another leaf has issued to itself. */
const issuedByLeaf = (): VerificationInput => {
  const holder = forgeLeaf({ edit: (tbs) => ({ ...tbs, subject: distinguishedName("a", "b") }) });
  const issuer = { name: distinguishedName("a", "b"), key: holder.key };
  const bundle = messageBundle(forgeLeaf({ ca: { ...WORLD.ca, issuer } }));
  const material = { ...bundle.material, chain: [holder.certificate] } as Bundle["material"];
  return inputOf({ ...bundle, material });
};

/** A timestamp by a trusted authority's intermediate instead of its leaf. */
const stampedByAuthority = (): VerificationInput => {
  const key = generateKey("ecdsa-p256");
  const signer = parsed(
    signCertificate(
      {
        serial: nextSerial(),
        issuer: WORLD.tsa.rootIssuer.name,
        subject: distinguishedName("tsa", "intermediate"),
        validity: LIFE,
        spki: key.publicKey.spki,
        extensions: [
          { oid: OID.extendedKeyUsage, critical: true, value: sequence(oid(OID.timeStamping)) },
          { oid: OID.basicConstraints, critical: true, value: sequence(boolean(true)) },
        ],
      },
      WORLD.tsa.rootIssuer.key,
    ),
  );
  const bundle = messageBundle(leaf, entryV2);
  assert.ok(bundle.content.kind === "message-signature");
  const timestamps = [forgeTimestamp(bundle.content.signature, { key, signer })];
  const timestampAuthorities = [authorityOf(signer, WORLD.tsa.root)];
  return inputOf({ ...bundle, timestamps }, { trust: { ...TRUST, timestampAuthorities } });
};

const CERTIFICATE: readonly Case[] = [
  [
    "name constraints of an issuer that are not marked critical",
    () => custom(withExtension(OID.nameConstraints, sequence())),
    "CERT_EXTENSION",
  ],
  [
    "a leaf for code signing and more",
    () =>
      signedWith({
        edit: withExtension(
          OID.extendedKeyUsage,
          sequence(oid(OID.codeSigning), oid(OID.anyExtendedKeyUsage)),
        ),
      }),
    "CERT_USAGE",
  ],
  ["a leaf that a leaf has issued", issuedByLeaf, "CERT_CHAIN"],
  ["a timestamp that an authority's own key has signed", stampedByAuthority, "TIME_AUTHORITY"],
];

const key = generateKey("ecdsa-p256");
const managed = messageBundle({ key, certificate: undefined }, entryV2);

/** The trust root with the first log changed, and another copy of it if `more` is given. */
const withLogs = (change: Partial<LogKey>, ...more: readonly LogKey[]) => ({
  ...TRUST,
  tlogs: [...TRUST.tlogs.map((log) => ({ ...log, ...change })), ...more],
});

/** A second entry of the same log for the same envelope, whose JSON was spelled otherwise. */
const loggedTwice = (): Bundle => {
  const again = withEntry(envelope, (entry) => {
    const body = JSON.parse(new TextDecoder().decode(entry.canonicalizedBody));
    body.spec.envelopeHash.value = "00".repeat(32);
    const other = entryV1(
      {
        kind: "envelope",
        envelope: content(envelope),
        verifier: { kind: "certificate", der: leaf.certificate.der, key: leaf.key.publicKey },
      },
      SIGNED_AT,
      canonicalJson(body),
    );
    return other;
  });
  return { ...envelope, entries: [...envelope.entries, ...again.entries] };
};

const content = (bundle: Bundle) => {
  assert.ok(bundle.content.kind === "dsse");
  return bundle.content.envelope;
};

const LOG: readonly Case[] = [
  [
    "two entries of one log, for the same envelope in two spellings, where two logs are asked for",
    () => inputOf(loggedTwice(), { tlogThreshold: 2 }),
    "TLOG_THRESHOLD",
  ],
  [
    "one log under two ids, where two logs are asked for",
    () => {
      const [log] = TRUST.tlogs;
      const twin = { ...log!, logId: new Uint8Array(32).fill(7) };
      const second = withEntry(message, (entry) => {
        const changed = { ...entry, logId: twin.logId };
        return { ...changed, signedEntryTimestamp: promiseOf(changed, WORLD.log) };
      });
      return inputOf(
        { ...message, entries: [...message.entries, ...second.entries] },
        { tlogThreshold: 2, trust: withLogs({}, twin) },
      );
    },
    "TLOG_THRESHOLD",
  ],
  [
    "a threshold that is no number",
    () => inputOf(message, { tlogThreshold: Number.NaN }),
    "TLOG_THRESHOLD",
  ],
  [
    "a second entry that is about another file",
    () => {
      const other = messageBundle(leaf, entryV1, utf8("another"));
      return inputOf({ ...message, entries: [...message.entries, ...other.entries] });
    },
    "TLOG_BODY",
  ],
  [
    "a managed key, no proven time, and a log that was trusted only before",
    () =>
      inputOf(managed, {
        expect: { kind: "key", key: key.publicKey },
        trust: withLogs({ validity: { start: 0, end: NOW - 1 } }),
      }),
    "TLOG_TIME",
  ],
  [
    "a time that nobody signed, beside none that is proven",
    () => inputOf(withEntry(message, (entry) => ({ ...entry, signedEntryTimestamp: undefined }))),
    "TIME_MISSING",
  ],
  [
    "a promise of the last second there is",
    () =>
      inputOf(
        withEntry(message, (entry) => {
          const late = { ...entry, integratedTime: (1n << 63n) - 1n };
          return { ...late, signedEntryTimestamp: promiseOf(late, WORLD.log) };
        }),
        { trust: withLogs({ validity: { start: 0, end: undefined } }) },
      ),
    "TLOG_SET",
  ],
];

describe("attacks by certificate", () => refuses(CERTIFICATE));
describe("attacks by log and time", () => {
  refuses(LOG);
  accepts("accepts a managed key without a time, of a log that is trusted now", () =>
    inputOf(managed, { expect: { kind: "key", key: key.publicKey } }),
  );
});
