import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import {
  cosignatureLine,
  formatCheckpoint,
  parseNote,
  signNote,
} from "../../src/formats/checkpoint.ts";
import type { Code } from "../../src/formats/errors.ts";
import { emptyRoot, leafHash, nodeHash, verifyConsistency } from "../../src/formats/merkle.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { forgeLeaf, LOG_HOST, WORLD } from "./forge.ts";
import { inputOf, messageBundle, withEntry } from "./forge-bundle.ts";
import { type Case, refuses } from "./refuses.ts";

/** Where a case is tested: file below test/, the test's name or a part of it, and the code it asserts. */
type Place = readonly [file: string, name: string, code: Code];

const here = "verification/negative-cases.test.ts";
const binding = "verification/binding.test.ts";
const statement = "verification/statement.test.ts";
const log = "verification/log.test.ts";
const checkpoint = "verification/checkpoint.test.ts";
const chain = "verification/chain.test.ts";
const certificate = "verification/certificate.test.ts";
const identity = "verification/identity.test.ts";
const timestamp = "verification/timestamp.test.ts";
const tuf = "clients/tuf-attacks.ts";
const zip = "dists/zip-structure.test.ts";
const consume = "stages/6-consume.test.ts";

/** What must never be accepted, by number, and where it is seen to be refused. */
const PLACES: Readonly<Record<number, readonly Place[]>> = {
  // The evidence is about this file
  1: [[binding, "1 a byte of the artifact is changed", "SIGNATURE_DIGEST"]],
  2: [[binding, "2 the bundle is another file's", "SIGNATURE_DIGEST"]],
  3: [[binding, "3 the entry is for another digest", "TLOG_BODY"]],
  4: [[binding, "4 the entry holds a second good signature", "TLOG_BODY"]],
  5: [[binding, "5 refuses an entry with another key", "TLOG_BODY"]],
  6: [[binding, "6 the entry's certificate is another one", "TLOG_BODY"]],
  7: [[binding, "7 the bundle names another kind than the body", "TLOG_BODY"]],
  8: [[binding, "8 a kind that is not supported", "TLOG_KIND"]],
  9: [
    [binding, "9 the body has a duplicate key", "TLOG_ENTRY_FORMAT"],
    [binding, "9 the body is not canonical", "TLOG_BODY"],
  ],
  10: [[binding, "10 the payload is swapped", "TLOG_BODY"]],
  11: [[binding, "11 the payload type is changed", "DSSE_PAYLOAD_TYPE"]],
  12: [["formats/bundle-refused.test.ts", "12 two DSSE signatures", "DSSE_FORMAT"]],
  13: [
    [statement, "13 the right digest stands under another name", "STATEMENT_SUBJECT"],
    [statement, "13 a publish attestation has two subjects", "STATEMENT_SUBJECT"],
  ],
  14: [
    [statement, "14 the predicate type is not among the accepted", "STATEMENT_PREDICATE"],
    [consume, "provenance that is empty", "ATTESTATION_EMPTY"],
  ],
  // The log
  15: [[log, "15 a bit of the SET is flipped", "TLOG_SET"]],
  16: [[log, "16 the SET is by an untrusted key", "TLOG_SET"]],
  17: [[log, "17 the integrated time is changed", "TLOG_SET"]],
  18: [[log, "18 an integrated time without a SET", "TIME_MISSING"]],
  19: [
    [log, "19 a hash of the proof is flipped", "TLOG_INCLUSION"],
    [log, "19 a hash too many", "TLOG_INCLUSION"],
    [log, "19 a hash too few", "TLOG_INCLUSION"],
  ],
  20: [
    [log, "20 the index is not below the size", "TLOG_INCLUSION"],
    [log, "20 the log index is 2^53+1", "TLOG_SET"],
    ["verification/attacks-json.test.ts", "an index that is no double", "BUNDLE_FORMAT"],
  ],
  21: [[checkpoint, "21 the checkpoint's root is another", "TLOG_CHECKPOINT_ROOT"]],
  22: [[checkpoint, "22 the checkpoint is of another log with the same key", "TLOG_CHECKPOINT"]],
  23: [[checkpoint, "23 the signature is good under the wrong name", "TLOG_CHECKPOINT"]],
  24: [[checkpoint, "24 a bad line by the log's key beside the good one", "TLOG_CHECKPOINT"]],
  25: [
    [checkpoint, "25 no signatures", "TLOG_CHECKPOINT"],
    [checkpoint, "25 ten thousand lines", "TLOG_CHECKPOINT"],
  ],
  26: [
    [checkpoint, "26 the size has a leading zero", "TLOG_CHECKPOINT"],
    [checkpoint, "26 lines end in CR LF", "TLOG_CHECKPOINT"],
    [checkpoint, "26 no newline at the end", "TLOG_CHECKPOINT"],
  ],
  27: [
    [here, "27 a checkpoint smaller than one seen before", "TLOG_CONSISTENCY"],
    [here, "27 another root at the same size", "TLOG_CONSISTENCY"],
  ],
  28: [[log, "28 one entry twice for a threshold of two", "TLOG_THRESHOLD"]],
  29: [
    [here, "29 witnesses in place of the log", "TLOG_CHECKPOINT"],
    [here, "29 one witness twice in place of the log", "TLOG_CHECKPOINT"],
  ],
  // The certificate
  30: [
    [chain, "30 the chain leads to an unknown root", "CERT_CHAIN"],
    [chain, "30 the bundle brings the unknown root along", "CERT_CHAIN"],
  ],
  31: [[chain, "31 the leaf had expired", "TLOG_TIME"]],
  32: [[chain, "32 the intermediate had expired at signing time", "CERT_TIME"]],
  33: [
    [certificate, "33 no SCT", "SCT_MISSING"],
    [certificate, "33 an SCT by an unknown log", "SCT_UNKNOWN_LOG"],
    [certificate, "33 an SCT for another issuer's key", "SCT_INVALID"],
  ],
  34: [
    [certificate, "34 the leaf is for another usage", "CERT_USAGE"],
    [certificate, "34 the leaf is an authority", "CERT_USAGE"],
  ],
  35: [
    [identity, "35 a prefix of the name", "IDENTITY_MISMATCH"],
    [identity, "35 a name that only begins alike", "IDENTITY_MISMATCH"],
    [identity, "35 a pattern instead of a name", "IDENTITY_MISMATCH"],
    [identity, "35 another case", "IDENTITY_MISMATCH"],
    [certificate, "35 two names in the certificate", "CERT_SAN"],
  ],
  36: [
    [certificate, "36 the two issuer extensions disagree", "CERT_FORMAT"],
    [identity, "36 a slash behind the issuer", "IDENTITY_ISSUER"],
  ],
  37: [
    [identity, "37 a branch where a tag is expected", "IDENTITY_CLAIMS"],
    [identity, "37 a project of the same path and another id", "IDENTITY_CLAIMS"],
  ],
  // The time
  38: [[log, "38 a log without times, and no timestamp", "TIME_MISSING"]],
  39: [[timestamp, "39 a timestamp over another signature", "TIME_IMPRINT"]],
  40: [
    [timestamp, "40 an untrusted authority that brings its certificate", "TIME_AUTHORITY"],
    [timestamp, "40 the usage is not critical", "TIME_AUTHORITY"],
    [timestamp, "40 a further usage", "TIME_AUTHORITY"],
  ],
  41: [[timestamp, "41 a second timestamp outside the certificate's life", "TIME_WINDOW"]],
  // The trust root
  42: [
    [tuf, "rollback of the timestamp", "TUF_ROLLBACK"],
    [tuf, "freeze: an expired root at the end of the chain", "TRUST_EXPIRED"],
    [tuf, "a threshold of nothing", "TUF_INVALID"],
    [tuf, "one signature twice, under one key id", "TUF_INVALID"],
    [tuf, "another file than the target", "TUF_INVALID"],
    [tuf, "a target whose name climbs out", "TUF_INVALID"],
    [tuf, "a gap in the chain of roots", "TUF_INVALID"],
    [log, "the log's key was trusted only before", "TLOG_TIME"],
    ["verification/conformance.test.ts", "trust-root-tlog-missing-validity-start", "TRUST_FORMAT"],
  ],
  // The package
  43: [
    ["dists/wheel-refused.test.ts", "an unlisted file", "DIST_RECORD"],
    [consume, "the metadata beside the wheel", "DIST_SIDECAR"],
    [
      "verification/attacks-content.test.ts",
      "for an older file that was renamed",
      "STATEMENT_SUBJECT",
    ],
  ],
  44: [
    [consume, "no digest on the index page", "INDEX_DIGEST"],
    [consume, "evidence gone", "EVIDENCE_MISSING"],
    [consume, "one more file, ", "INDEX_FILE"],
  ],
};

/** Members of {@link PLACES} 43 whose code stands once for the whole table of their file. */
const ZIP_CASES = [
  "another local name",
  "two entries at one place",
  "trailing data",
  "a comment",
  "a symbolic link",
] as const;

const sources = new Map<string, string>();
const sourceOf = (file: string): string => {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  sources.set(file, text);
  return text;
};

/** How far behind its name a test may state its code. */
const REACH = 1200;

describe("the list of what must be refused", () => {
  it("has 44 cases", () => {
    const numbers = Array.from({ length: 44 }, (_, index) => String(index + 1));
    assert.deepEqual(Object.keys(PLACES), numbers);
  });

  for (const [number, places] of Object.entries(PLACES)) {
    it(`${number} is tested, with its code`, () => {
      assert.ok(places.length > 0);
      for (const [file, name, code] of places) {
        const text = sourceOf(file);
        // In this file the name stands in the table first, so the last place is the test's.
        const at = file === here ? text.lastIndexOf(name) : text.indexOf(name);
        assert.ok(at >= 0, `${file} has no test ${name}`);
        const near = text.slice(at, at + REACH);
        assert.ok(near.includes(`"${code}"`), `${file}: ${name} does not assert ${code}`);
      }
    });
  }

  it("43 has the ways in which a zip can be read twice", () => {
    for (const name of ZIP_CASES) assert.ok(sourceOf(zip).includes(`"${name}"`), name);
    assert.ok(sourceOf(zip).includes("DIST_ZIP"));
  });
});

const hashes = ["a", "b", "c"].map((text) => leafHash(new TextEncoder().encode(text)));
const [a, b, c] = [hashes[0]!, hashes[1]!, hashes[2]!];
const two = { size: 2n, root: nodeHash(a, b) };
const three = { size: 3n, root: nodeHash(two.root, c) };

const STALE: readonly [string, () => Result<undefined>, Code][] = [
  [
    "27 a checkpoint smaller than one seen before",
    () => verifyConsistency(three, two, [c]),
    "TLOG_CONSISTENCY",
  ],
  [
    "27 another root at the same size",
    () => verifyConsistency(three, { size: 3n, root: nodeHash(nodeHash(b, a), c) }, []),
    "TLOG_CONSISTENCY",
  ],
];

describe("a log that goes back", () => {
  it("is told from one that grows", () => {
    assert.ok(verifyConsistency(two, three, [c]).ok);
    assert.ok(verifyConsistency({ size: 0n, root: emptyRoot() }, three, []).ok);
  });
  for (const [name, check, code] of STALE) {
    it(name, () => {
      const result = check();
      assert.ok(!result.ok);
      assert.equal(result.error.code, code);
    });
  }
});

const message = messageBundle(forgeLeaf());

/** The evidence under a checkpoint that only these witnesses have signed. */
const witnessed = (...names: readonly string[]) =>
  inputOf(
    withEntry(message, (entry) => {
      const { rootHash } = entry.inclusionProof!;
      const text = formatCheckpoint({ origin: LOG_HOST, size: 4n, rootHash, extensions: [] });
      const unsigned = unwrap(parseNote(signNote(text, LOG_HOST, WORLD.log))).text;
      const lines = names.map((name) => cosignatureLine(text, name, witness, 1_780_000_000n));
      return {
        ...entry,
        inclusionProof: { ...entry.inclusionProof!, checkpoint: `${unsigned}\n${lines.join("")}` },
      };
    }),
  );

const witness = generateKey("ed25519");

const WITNESSED: readonly Case[] = [
  [
    "29 witnesses in place of the log",
    () => witnessed("w.example", "x.example"),
    "TLOG_CHECKPOINT",
  ],
  [
    "29 one witness twice in place of the log",
    () => witnessed(LOG_HOST, LOG_HOST),
    "TLOG_CHECKPOINT",
  ],
];

describe("a checkpoint that only witnesses signed", () => refuses(WITNESSED));
