import { describe } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import type { InclusionProof, TlogEntry } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import {
  cosignatureLine,
  formatCheckpoint,
  noteKeyHint,
  noteSignatureLine,
  signNote,
} from "../../src/formats/checkpoint.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { forgeLeaf, LOG_HOST, TRUST, WORLD } from "./forge.ts";
import { inputOf, messageBundle, withEntry } from "./forge-bundle.ts";
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

const note = (edit: (checkpoint: string) => string): VerificationInput =>
  proven(({ checkpoint }) => ({ checkpoint: edit(checkpoint!) }));

const ORIGIN = `${LOG_HOST} - 1193050959916656506`;

/** A checkpoint over the proof's tree, by any key, under any name. */
const signedBy = (origin: string, name: string, key = WORLD.log, size = 4n): VerificationInput =>
  proven(({ rootHash }) => ({
    checkpoint: signNote(formatCheckpoint({ origin, size, rootHash, extensions: [] }), name, key),
  }));

/** The good note with further lines below. */
const withLines = (...lines: readonly string[]) => note((text) => text + lines.join(""));

const hint = noteKeyHint(LOG_HOST, WORLD.log.publicKey);

const witness = generateKey("ed25519");
const WITNESSES = [{ name: "witness.example", key: witness.publicKey }];
const vouchedBy = (key: typeof witness, threshold: number, edit = (text: string) => text) => ({
  ...note((whole) => {
    const text = whole.slice(0, whole.lastIndexOf("\n\n") + 1);
    return whole + cosignatureLine(edit(text), "witness.example", key, 1n);
  }),
  witnesses: { witnesses: WITNESSES, threshold },
});

const CASES: readonly Case[] = [
  [
    "29 no witness vouches",
    () => ({ ...inputOf(message), witnesses: { witnesses: WITNESSES, threshold: 1 } }),
    "TLOG_WITNESSES",
  ],
  [
    "29 somebody else vouches under the witness's name",
    () => vouchedBy(generateKey("ed25519"), 1),
    "TLOG_WITNESSES",
  ],
  ["29 one witness vouches, and not two", () => vouchedBy(witness, 2), "TLOG_WITNESSES"],
  [
    "29 the witness vouches for another checkpoint",
    () => vouchedBy(witness, 0, (text) => `${text}more\n`),
    "TLOG_CHECKPOINT",
  ],
  [
    "29 a promise without a checkpoint, where a witness must vouch",
    () => ({
      ...proven(() => ({ checkpoint: undefined })),
      witnesses: { witnesses: WITNESSES, threshold: 1 },
    }),
    "TLOG_WITNESSES",
  ],
  [
    "21 the checkpoint's root is another",
    () =>
      proven(() => {
        const rootHash = leafHash(utf8("other"));
        const text = formatCheckpoint({ origin: ORIGIN, size: 4n, rootHash, extensions: [] });
        return { checkpoint: signNote(text, LOG_HOST, WORLD.log) };
      }),
    "TLOG_CHECKPOINT_ROOT",
  ],
  [
    "21 the checkpoint's size is another",
    () => signedBy(ORIGIN, LOG_HOST, WORLD.log, 5n),
    "TLOG_CHECKPOINT_ROOT",
  ],
  [
    "22 the checkpoint is of another log with the same key",
    () => signedBy("other.example - 1", "other.example"),
    "TLOG_CHECKPOINT",
  ],
  [
    "22 the origin only begins like the log's",
    () => signedBy(`${LOG_HOST}.evil - 1`, `${LOG_HOST}.evil`),
    "TLOG_CHECKPOINT",
  ],
  [
    "23 the signature is good under the wrong name",
    () => signedBy(ORIGIN, "other.example"),
    "TLOG_CHECKPOINT",
  ],
  [
    "23 the signature is by another key",
    () => signedBy(ORIGIN, LOG_HOST, other),
    "TLOG_CHECKPOINT",
  ],
  [
    "24 a bad line by the log's key beside the good one",
    () => withLines(noteSignatureLine(LOG_HOST, hint, new Uint8Array(70))),
    "TLOG_CHECKPOINT",
  ],
  [
    "25 no signatures",
    () => note((text) => text.slice(0, text.lastIndexOf("\n\n") + 2)),
    "TLOG_CHECKPOINT",
  ],
  [
    "25 ten thousand lines",
    () => withLines(noteSignatureLine("w", hint, new Uint8Array(1)).repeat(10_000)),
    "TLOG_CHECKPOINT",
  ],
  [
    "26 the size has a leading zero",
    () => note((text) => text.replace("\n4\n", "\n04\n")),
    "TLOG_CHECKPOINT",
  ],
  ["26 lines end in CR LF", () => note((text) => text.replaceAll("\n", "\r\n")), "TLOG_CHECKPOINT"],
  ["26 no newline at the end", () => note((text) => text.slice(0, -1)), "TLOG_CHECKPOINT"],
  [
    "26 the text of the checkpoint is changed",
    () => note((text) => text.replace("\n\n", "\nmore\n\n")),
    "TLOG_CHECKPOINT",
  ],
];

describe("checkpoint of a transparency log", () => {
  refuses(CASES);

  accepts("accepts a log that is known from its key alone, under any name", () => ({
    ...signedBy("other.example - 1", "other.example"),
    trust: { ...TRUST, tlogs: TRUST.tlogs.map((log) => ({ ...log, baseUrl: "" })) },
  }));
  accepts("accepts a checkpoint that the witness vouches for", () => vouchedBy(witness, 1));
  accepts("accepts a promise without a checkpoint where no witness must vouch", () => ({
    ...proven(() => ({ checkpoint: undefined })),
    witnesses: { witnesses: WITNESSES, threshold: 0 },
  }));
  accepts("accepts lines of unknown witnesses, before and after", () => {
    const key = generateKey("ed25519");
    return note((text) => {
      const [body, line] = text.split("\n\n") as [string, string];
      const witness = cosignatureLine(`${body}\n`, "witness.example", key, 1n);
      return `${body}\n\n${witness}${line}${witness}`;
    });
  });
});
