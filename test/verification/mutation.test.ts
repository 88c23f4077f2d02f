import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Bundle, TlogEntry } from "../../src/formats/bundle.ts";
import { fromUtf8, utf8 } from "../../src/formats/bytes.ts";
import { parseCertificate } from "../../src/formats/certificate.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf, WORLD } from "./forge.ts";
import { entryV2, envelopeBundle, flipped, inputOf, messageBundle } from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";

/** One field of a bundle: its bytes, and the bundle with other bytes there. */
type Field = readonly [
  name: string,
  bytes: Uint8Array,
  replace: (bytes: Uint8Array) => Bundle | undefined,
];

const inEntry = (bundle: Bundle, change: Partial<TlogEntry>): Bundle => ({
  ...bundle,
  entries: [{ ...bundle.entries[0]!, ...change }],
});

const proofFields = (bundle: Bundle): Field[] => {
  const proof = bundle.entries[0]!.inclusionProof!;
  const withProof = (change: object) =>
    inEntry(bundle, { inclusionProof: { ...proof, ...change } });
  return [
    ["root hash", proof.rootHash, (rootHash) => withProof({ rootHash })],
    [
      "checkpoint",
      utf8(proof.checkpoint!),
      (bytes) => {
        const checkpoint = fromUtf8(bytes);
        return checkpoint.ok ? withProof({ checkpoint: checkpoint.value }) : undefined;
      },
    ],
    ...proof.hashes.map(
      (hash, index): Field => [
        `hash ${index}`,
        hash,
        (other) => withProof({ hashes: proof.hashes.with(index, other) }),
      ],
    ),
  ];
};

const contentFields = (bundle: Bundle): Field[] => {
  const { content } = bundle;
  if (content.kind === "message-signature") {
    const { digest } = content;
    return [
      [
        "signature",
        content.signature,
        (signature) => ({ ...bundle, content: { ...content, signature } }),
      ],
      [
        "digest",
        digest!.bytes,
        (bytes) => ({ ...bundle, content: { ...content, digest: { ...digest!, bytes } } }),
      ],
    ];
  }
  const { envelope } = content;
  const withEnvelope = (change: object): Bundle => ({
    ...bundle,
    content: { kind: "dsse", envelope: { ...envelope, ...change } },
  });
  return [
    ["signature", envelope.signature, (signature) => withEnvelope({ signature })],
    ["payload", envelope.payload, (payload) => withEnvelope({ payload })],
    [
      "payload type",
      utf8(envelope.payloadType),
      (bytes) => {
        const payloadType = fromUtf8(bytes);
        return payloadType.ok ? withEnvelope({ payloadType: payloadType.value }) : undefined;
      },
    ],
  ];
};

const fieldsOf = (bundle: Bundle): Field[] => {
  const [entry] = bundle.entries as [TlogEntry];
  const set = entry.signedEntryTimestamp;
  const { material } = bundle;
  assert.ok(material.kind === "certificate");
  return [
    ...contentFields(bundle),
    [
      "certificate",
      material.certificate.der,
      (der) => {
        const certificate = parseCertificate(der);
        return certificate.ok
          ? { ...bundle, material: { ...material, certificate: certificate.value } }
          : undefined;
      },
    ],
    ["log id", entry.logId, (logId) => inEntry(bundle, { logId })],
    [
      "body",
      entry.canonicalizedBody,
      (canonicalizedBody) => inEntry(bundle, { canonicalizedBody }),
    ],
    ...(set === undefined
      ? []
      : [
          [
            "promise",
            set,
            (signedEntryTimestamp) => inEntry(bundle, { signedEntryTimestamp }),
          ] as Field,
        ]),
    ...proofFields(bundle),
    ...bundle.timestamps.map(
      (token, index): Field => [
        `timestamp ${index}`,
        token,
        (other) => ({ ...bundle, timestamps: bundle.timestamps.with(index, other) }),
      ],
    ),
  ];
};

const leaf = forgeLeaf();

const stampedV2 = (): Bundle => {
  const bundle = messageBundle(leaf, entryV2);
  assert.ok(bundle.content.kind === "message-signature");
  return {
    ...bundle,
    timestamps: [forgeTimestamp(bundle.content.signature, { embed: [WORLD.tsa.leaf] })],
  };
};

const BUNDLES: readonly [string, Bundle][] = [
  ["a signature in a log with promises", messageBundle(leaf)],
  ["an envelope in a log with promises", envelopeBundle(leaf)],
  ["a signature in a log with timestamps", stampedV2()],
];

/**
 * Bytes of a token that nothing is decided by, so that a change there changes nothing that was
 * proven: its status and embedded certificates, and the algorithms that SignedData lists.
 */
const isIdle = async (bundle: Bundle, changed: Bundle): Promise<boolean> => {
  const [before, after] = await Promise.all([verify(inputOf(bundle)), verify(inputOf(changed))]);
  const { checks: _, ...rest } = before;
  const { checks: __, ...others } = after;
  return JSON.stringify(rest) === JSON.stringify(others);
};

/** Unsigned, and said to prove nothing, by RFC 3161 and RFC 5652: counted, never more than there are. */
const idleAllowed = (name: string, bundle: Bundle): number =>
  name.startsWith("timestamp") ? bundle.timestamps[0]!.length : 0;

describe("a bundle with any one bit changed", () => {
  for (const [title, bundle] of BUNDLES) {
    it(`is accepted unchanged: ${title}`, async () => {
      assert.equal((await verify(inputOf(bundle))).verified, true);
    });

    for (const [name, bytes, replace] of fieldsOf(bundle)) {
      it(`is refused: ${title}, ${name}`, async () => {
        let idle = 0;
        // Every bit of the short fields; of the long ones every seventh, so every place in a byte comes up.
        const step = bytes.length <= 100 ? 1 : 7;
        for (let bit = 0; bit < bytes.length * 8; bit += step) {
          const byte = bit >> 3;
          const changed = replace(flipped(bytes, bit));
          if (changed === undefined) continue;
          const verdict = await verify(inputOf(changed));
          if (!verdict.verified) continue;
          assert.ok(name.startsWith("timestamp"), `byte ${byte}`);
          assert.ok(await isIdle(bundle, changed), `byte ${byte}`);
          idle += 1;
        }
        assert.ok(idle <= idleAllowed(name, bundle));
      });
    }
  }
});
