import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { concat, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { signCertificate } from "../../src/formats/certificate-writer.ts";
import {
  bitString,
  boolean,
  contextTag,
  der,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  TAG,
} from "../../src/formats/der.ts";
import { parseJson } from "../../src/formats/json.ts";
import { OID } from "../../src/formats/oids.ts";
import { parseTimestamp } from "../../src/formats/timestamp.ts";
import { verify } from "../../src/verification/verify.ts";
import { CONTENT, forgeLeaf, nextSerial, parsed, SIGNED_AT, TRUST, WORLD } from "./forge.ts";
import {
  entryV1,
  entryV2,
  envelopeBundle,
  inputOf,
  messageBundle,
  withEntry,
} from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";

/** Milliseconds of CPU, which are a third of that where nothing else runs. */
const LIMIT = 3000;

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const DAY = 24 * 3600 * 1000;

/** Certificates that name each other as issuer, and are all named like the authority's leaf. */
const crowd = (count: number) => {
  const key = generateKey("ecdsa-p521");
  const { issuer } = WORLD.tsa.leaf;
  return Array.from({ length: count }, () =>
    parsed(
      signCertificate(
        {
          serial: WORLD.tsa.leaf.serial,
          issuer,
          subject: issuer,
          validity: { notBefore: SIGNED_AT - DAY, notAfter: SIGNED_AT + DAY },
          spki: key.publicKey.spki,
          extensions: [
            { oid: OID.basicConstraints, critical: true, value: sequence(boolean(true)) },
            { oid: OID.subjectAltName, critical: false, value: nextSerial() },
          ],
        },
        key,
      ),
    ),
  );
};

const stamped = (token: Uint8Array) =>
  inputOf({ ...messageBundle(leaf, entryV2), timestamps: [token] });

const signatureOf = (bundle: typeof message): Uint8Array => {
  assert.ok(bundle.content.kind === "message-signature");
  return bundle.content.signature;
};

const checkpointed = (checkpoint: string) =>
  inputOf(
    withEntry(message, (entry) => ({
      ...entry,
      inclusionProof: { ...entry.inclusionProof!, checkpoint },
    })),
  );

const goodNote = message.entries[0]!.inclusionProof!.checkpoint!;

const text = (size: number, make: (index: number) => string): string =>
  Array.from({ length: size }, (_, index) => make(index)).join("");

const MIB = 1024 ** 2;

/** What a stranger can send, and that it costs little to refuse (or, where it is good, to accept). */
const COSTLY: readonly [name: string, act: () => unknown, limit?: number][] = [
  [
    "a checkpoint whose origin is a line of separators",
    () =>
      verify(
        checkpointed(
          `${" -".repeat(60_000)}\u2028\n4\n${goodNote.split("\n").slice(2).join("\n")}`,
        ),
      ),
  ],
  ["a checkpoint of blank lines", () => verify(checkpointed("\n".repeat(60_000)))],
  [
    "a checkpoint with the log's line 64 times",
    () => verify(checkpointed(`${goodNote}${goodNote.split("\n\n")[1]!.repeat(63)}`)),
  ],
  [
    "a timestamp with a number of 60,000 bytes",
    () => {
      const long = der(TAG.INTEGER, new Uint8Array(60_000).fill(0x7f));
      const content = sequence(
        integer(1),
        oid("1.2.3"),
        sequence(sequence(oid(OID.sha256)), octetString(new Uint8Array(32))),
        long,
        generalizedTime(SIGNED_AT),
      );
      const data = sequence(
        integer(3),
        setOf(),
        sequence(oid(OID.timestampInfo), der(contextTag(0), octetString(content))),
        setOf(sequence(integer(1))),
      );
      return parseTimestamp(sequence(oid(OID.signedData), der(contextTag(0), data)));
    },
    300,
  ],
  [
    "a certificate with a serial number of 60,000 bytes",
    () => {
      const serial = der(TAG.INTEGER, new Uint8Array(60_000).fill(0x7f));
      return parseCertificate(
        sequence(sequence(serial), sequence(oid(OID.ed25519)), bitString(CONTENT)),
      );
    },
  ],
  [
    "a timestamp with a crowd of certificates that name each other",
    () =>
      verify(
        stamped(forgeTimestamp(signatureOf(messageBundle(leaf, entryV2)), { embed: crowd(16) })),
      ),
  ],
  [
    "a bundle with a chain of certificates that name each other",
    () => {
      const chain = crowd(9);
      const [first] = chain;
      const bundle = messageBundle({ key: leaf.key, certificate: first });
      return verify(
        inputOf({ ...bundle, material: { kind: "certificate", certificate: first!, chain } }),
      );
    },
  ],
  [
    "32 entries of one log",
    () =>
      verify(
        inputOf({ ...message, entries: Array.from({ length: 32 }, () => message.entries[0]!) }),
      ),
  ],
  [
    "a trust root with 64 authorities that issued nothing",
    () => {
      const [authority] = TRUST.certificateAuthorities;
      const certificateAuthorities = Array.from({ length: 64 }, () => ({
        ...authority!,
        chain: crowd(1),
      }));
      return verify(inputOf(message, { trust: { ...TRUST, certificateAuthorities } }));
    },
  ],
  [
    "a statement of a thousand subjects",
    () => {
      const subject = `{"name":"x","digest":{"sha256":"${"0".repeat(64)}"}}`;
      const statement = `{"_type":"https://in-toto.io/Statement/v1","subject":[${Array.from({ length: 1024 }, () => subject)}],"predicateType":"x"}`;
      return verify(inputOf(envelopeBundle(leaf, entryV1, utf8(statement))));
    },
  ],
  [
    "a policy of 64 patterns over a long ref",
    () => {
      const policy = {
        kind: "gitlab",
        issuer: "https://gitlab.example",
        project: "acme/widgets",
        ref: `refs/tags/${"*a".repeat(500)}b`,
      } as const;
      const long = forgeLeaf({ claims: { 14: `refs/tags/${"a".repeat(1000)}` } });
      return verify(
        inputOf(messageBundle(long), {
          expect: { kind: "identity", anyOf: Array.from({ length: 64 }, () => policy) },
        }),
      );
    },
  ],
  ["15 MiB of empty lists", () => parseBundle(`[${"[],".repeat(5 * MIB)}[]]`)],
  ["15 MiB of zeros", () => parseBundle(`[${"0,".repeat(7 * MIB)}0]`)],
  ["15 MiB of members", () => parseBundle(`{${text(MIB, (index) => `"${index}":0,`)}"a":0}`)],
  ["15 MiB of backslashes", () => parseBundle(`"${"\\\\".repeat(7 * MIB)}`)],
  ["more bytes than a bundle may have", () => parseBundle(new Uint8Array(17 * MIB))],
  [
    "a payload of 4 MiB in each of its places",
    () => {
      const payload = concat(utf8('{"a":"'), new Uint8Array(4 * MIB).fill(0x61), utf8('"}'));
      const bundle = envelopeBundle(leaf, entryV1, payload);
      return parseBundle(formatBundle(bundle));
    },
  ],
];

describe("what a stranger can make us do", () => {
  for (const [name, act, limit = LIMIT] of COSTLY) {
    it(`costs little: ${name}`, async () => {
      const start = process.cpuUsage();
      await act();
      const { user, system } = process.cpuUsage(start);
      const took = Math.round((user + system) / 1000);
      assert.ok(took < limit, `${took} ms`);
    });
  }

  it("refuses more JSON values than a million, and reads a million", () => {
    const many = (count: number) =>
      parseJson(`[${Array.from({ length: count }, () => 0)}]`, 1 << 24, "x");
    assert.ok(many((1 << 20) - 1).ok);
    const refused = many(1 << 20);
    assert.ok(!refused.ok);
    assert.equal(refused.error.code, "FORMAT_SIZE");
  });

  it("finds the signer of a timestamp in a crowd", async () => {
    const bundle = messageBundle(leaf, entryV2);
    const timestamps = [forgeTimestamp(signatureOf(bundle), { embed: crowd(16) })];
    const verdict = await verify(inputOf({ ...bundle, timestamps }));
    assert.ok(verdict.verified, JSON.stringify(verdict));
  });
});
