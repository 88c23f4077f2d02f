import assert from "node:assert/strict";
import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { Bundle, InclusionProof, TlogEntry } from "../../src/formats/bundle.ts";
import type { TrustedRoot } from "../../src/formats/trusted-root.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { forgeLeaf, SIGNED_AT, TRUST, WORLD } from "./forge.ts";
import { entryV2, flipped, inputOf, messageBundle, promiseOf, withEntry } from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";
import { accepts, type Case, refuses } from "./refuses.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);
const other = generateKey("ecdsa-p256");

const changed = (change: (entry: TlogEntry) => Partial<TlogEntry>): VerificationInput =>
  inputOf(withEntry(message, (entry) => ({ ...entry, ...change(entry) })));

const proven = (change: (proof: InclusionProof) => Partial<InclusionProof>): VerificationInput =>
  changed(({ inclusionProof }) => ({
    inclusionProof: { ...inclusionProof!, ...change(inclusionProof!) },
  }));

/** The entry changed, with a promise over what JavaScript makes of its numbers. */
const repromised = (change: Partial<TlogEntry>) =>
  changed((entry) => ({
    ...change,
    signedEntryTimestamp: promiseOf({ ...entry, ...change }, WORLD.log),
  }));

const trusting = (change: (log: TrustedRoot["tlogs"][number]) => object): TrustedRoot => ({
  ...TRUST,
  tlogs: TRUST.tlogs.map((log) => ({ ...log, ...change(log) })),
});

const v2 = (): Bundle => {
  const bundle = messageBundle(leaf, entryV2);
  assert.ok(bundle.content.kind === "message-signature");
  return { ...bundle, timestamps: [forgeTimestamp(bundle.content.signature)] };
};

const CASES: readonly Case[] = [
  [
    "15 a bit of the SET is flipped",
    () =>
      changed(({ signedEntryTimestamp }) => ({
        signedEntryTimestamp: flipped(signedEntryTimestamp!, 99),
      })),
    "TLOG_SET",
  ],
  [
    "16 the SET is by an untrusted key",
    () => changed((entry) => ({ signedEntryTimestamp: promiseOf(entry, other) })),
    "TLOG_SET",
  ],
  [
    "16 the log's key is not trusted at all",
    () => changed(() => ({ logId: other.publicKey.keyId })),
    "TLOG_UNKNOWN_LOG",
  ],
  [
    "16 no log is trusted",
    () => inputOf(message, { trust: { ...TRUST, tlogs: [] } }),
    "TLOG_UNKNOWN_LOG",
  ],
  [
    "17 the integrated time is changed",
    () => changed(({ integratedTime }) => ({ integratedTime: integratedTime + 1n })),
    "TLOG_SET",
  ],
  ["17 a SET without a time", () => changed(() => ({ integratedTime: 0n })), "TLOG_SET"],
  ["17 the log index is changed", () => changed(() => ({ logIndex: 1003n })), "TLOG_SET"],
  ["20 the log index is 2^53+1", () => repromised({ logIndex: (1n << 53n) + 1n }), "TLOG_SET"],
  [
    "20 the integrated time is 2^53+1",
    () => repromised({ integratedTime: (1n << 53n) + 1n }),
    "TLOG_SET",
  ],
  [
    "18 an integrated time without a SET",
    () => changed(() => ({ signedEntryTimestamp: undefined })),
    "TIME_MISSING",
  ],
  [
    "19 a hash of the proof is flipped",
    () => proven(({ hashes: [a, b] }) => ({ hashes: [flipped(a!, 0), b!] })),
    "TLOG_INCLUSION",
  ],
  [
    "19 a hash too many",
    () => proven(({ hashes }) => ({ hashes: [...hashes, hashes[0]!] })),
    "TLOG_INCLUSION",
  ],
  [
    "19 a hash too few",
    () => proven(({ hashes }) => ({ hashes: hashes.slice(1) })),
    "TLOG_INCLUSION",
  ],
  ["19 no hashes", () => proven(() => ({ hashes: [] })), "TLOG_INCLUSION"],
  ["20 the index is not below the size", () => proven(() => ({ logIndex: 4n })), "TLOG_INCLUSION"],
  ["20 the index is another leaf's", () => proven(() => ({ logIndex: 3n })), "TLOG_INCLUSION"],
  ["20 the tree is empty", () => proven(() => ({ logIndex: 0n, treeSize: 0n })), "TLOG_INCLUSION"],
  [
    "21 the proof's root is another",
    () => proven(({ rootHash }) => ({ rootHash: flipped(rootHash, 0) })),
    "TLOG_INCLUSION",
  ],
  [
    "28 one entry twice for a threshold of two",
    () =>
      inputOf(
        { ...message, entries: [...message.entries, ...message.entries] },
        { tlogThreshold: 2 },
      ),
    "TLOG_THRESHOLD",
  ],
  [
    "28 one body under two indexes for a threshold of two",
    () => {
      const [entry] = message.entries;
      const again = { ...entry!, logIndex: 7n };
      const second = { ...again, signedEntryTimestamp: promiseOf(again, WORLD.log) };
      return inputOf({ ...message, entries: [entry!, second] }, { tlogThreshold: 2 });
    },
    "TLOG_THRESHOLD",
  ],
  ["no entries", () => inputOf({ ...message, entries: [] }), "TLOG_MISSING"],
  [
    "no entries, and none asked for",
    () => inputOf({ ...message, entries: [] }, { tlogThreshold: 0 }),
    "TIME_MISSING",
  ],
  [
    "an entry with neither promise nor proof",
    () => changed(() => ({ signedEntryTimestamp: undefined, inclusionProof: undefined })),
    "TLOG_INCLUSION_MISSING",
  ],
  [
    "a proof without checkpoint or promise",
    () =>
      changed(({ inclusionProof }) => ({
        signedEntryTimestamp: undefined,
        inclusionProof: { ...inclusionProof!, checkpoint: undefined },
      })),
    "TLOG_INCLUSION_MISSING",
  ],
  [
    "a second entry that is not good",
    () => {
      const [entry] = message.entries;
      const bad = { ...entry!, signedEntryTimestamp: promiseOf(entry!, other) };
      return inputOf({ ...message, entries: [entry!, bad] });
    },
    "TLOG_SET",
  ],
  [
    "the log's key was trusted only later",
    () =>
      inputOf(message, {
        trust: trusting(() => ({ validity: { start: SIGNED_AT + 1, end: undefined } })),
      }),
    "TLOG_TIME",
  ],
  [
    "the log's key was trusted only before",
    () =>
      inputOf(message, { trust: trusting(() => ({ validity: { start: 0, end: SIGNED_AT - 1 } })) }),
    "TLOG_TIME",
  ],
  [
    "a log without times whose key was trusted only before",
    () =>
      inputOf(v2(), { trust: trusting(() => ({ validity: { start: 0, end: SIGNED_AT - 1 } })) }),
    "TLOG_TIME",
  ],
  [
    "a log without promises whose entry states a time when its key was trusted",
    () => {
      const stating = withEntry(v2(), (entry) => ({
        ...entry,
        integratedTime: BigInt(SIGNED_AT / 1000 - 60),
      }));
      const ended = trusting(() => ({ validity: { start: 0, end: SIGNED_AT - 1 } }));
      return inputOf(stating, { trust: ended });
    },
    "TLOG_TIME",
  ],
  ["a clock that gives no number", () => inputOf(message, { now: Number.NaN }), "TLOG_TIME"],
  [
    "a log with one index, and a proof of another",
    () => inputOf(withEntry(v2(), (entry) => ({ ...entry, logIndex: 1n }))),
    "TLOG_INCLUSION",
  ],
  [
    "38 a log without times, and no timestamp",
    () => inputOf({ ...v2(), timestamps: [] }),
    "TIME_MISSING",
  ],
];

describe("transparency log", () => {
  refuses(CASES);

  accepts("accepts a log without times, with a timestamp", () => inputOf(v2()));
  accepts("accepts entries of two logs for a threshold of two", () => {
    assert.ok(message.content.kind === "message-signature");
    const { digest: _, ...content } = message.content;
    const second = messageBundle({ ...leaf }, (logged) => {
      assert.ok(logged.kind === "artifact");
      return entryV2({ ...logged, signature: content.signature });
    });
    return inputOf(
      { ...message, entries: [...message.entries, ...second.entries] },
      { tlogThreshold: 2 },
    );
  });
  accepts("accepts a promise without a proof, as cosign's own bundles have it", () =>
    changed(() => ({ inclusionProof: undefined })),
  );
  accepts("accepts a promise and a proof without checkpoint, as version 0.1 has it", () =>
    proven(() => ({ checkpoint: undefined })),
  );
  accepts("accepts a key's last millisecond", () =>
    inputOf(message, {
      trust: trusting(() => ({ validity: { start: SIGNED_AT, end: SIGNED_AT } })),
    }),
  );
});
