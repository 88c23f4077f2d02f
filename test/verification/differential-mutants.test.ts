import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Bundle, formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import { trustedRootJson } from "../../src/formats/trusted-root.ts";
import { verify } from "../../src/verification/verify.ts";
import { chanceFrom, mutate } from "../fuzz/mutate.ts";
import { CONTENT, FILENAME, forgeLeaf, ISSUER, SAN, TRUST } from "./forge.ts";
import {
  entryV1,
  entryV2,
  envelopeBundle,
  inputOf,
  messageBundle,
  statementOf,
} from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";
import { secondVerifier } from "./second-verifier.ts";
import { mutantsOf, type Tree } from "./structure.ts";

/**
 * Where two verifiers may differ: our answer, the mutants that it is about, and the rule of ours
 * that decides. A difference that no line is about fails the test.
 */
const DIFFERENCES: readonly (readonly [ours: string, mutants: RegExp, rule: string])[] = [
  [
    "accepted",
    / twice$/,
    "evidence may be listed twice; it is verified twice and counted once, by log",
  ],
  [
    "accepted",
    /messageDigest (?:removed|is null)$/,
    "a digest that a bundle states is a hint: the artifact's own is computed and compared",
  ],
  [
    "BUNDLE_FORMAT",
    /inclusionProof\.(?:rootHash|treeSize|logIndex|hashes)|\.logIndex |\.integratedTime /,
    "every number and hash of an entry is read strictly, also those that can be computed from others",
  ],
  [
    "TLOG_INCLUSION",
    /inclusionProof\.(?:rootHash|treeSize)|tlogEntries\.0\.logIndex/,
    "a proof must lead to the root, size and index that it states itself, not only to the checkpoint's",
  ],
  [
    "BUNDLE_FORMAT",
    / (?:is|of|removed)/,
    "unknown fields, other types and other encodings than the format's are refused",
  ],
  ["DSSE_FORMAT", /keyid is /, "a key id is text"],
  [
    "STATEMENT_SUBJECT",
    /^a statement about/,
    "a statement must be about the file, by digest and by name",
  ],
  [
    "STATEMENT_FORMAT",
    /^a payload/,
    "the payload of an attestation must be an in-toto statement with subjects",
  ],
  ["DSSE_PAYLOAD_TYPE", /^a payload type/, "only in-toto statements are attestations"],
  [
    "IDENTITY_MISMATCH",
    /^an expected identity/,
    "an expected identity is the whole name, not a pattern",
  ],
  [
    "FORMAT_JSON",
    /^edit /,
    "JSON has no duplicate keys, no lone surrogates, and nothing behind it",
  ],
  ["FORMAT_TEXT", /^edit /, "JSON is UTF-8"],
  ["DSSE_FORMAT", /^edit /, "no unknown fields, canonical base64 and one signature"],
  ["BUNDLE_FORMAT", /^edit /, "no unknown fields, canonical base64 and whole numbers only"],
  ["TLOG_INCLUSION", /^edit /, "a proof must lead to the root, size and index that it states"],
];

const leaf = forgeLeaf();
const second = forgeLeaf();
const stamped = (bundle: Bundle): Bundle => {
  const { content } = bundle;
  const signature = content.kind === "dsse" ? content.envelope.signature : content.signature;
  return { ...bundle, timestamps: [forgeTimestamp(signature)] };
};

const BASES: readonly [string, Bundle, Bundle][] = [
  ["a signature", messageBundle(leaf), messageBundle(second)],
  ["an envelope", envelopeBundle(leaf), envelopeBundle(second)],
  ["a signature with a timestamp", stamped(messageBundle(leaf, entryV2)), messageBundle(leaf)],
  [
    "an envelope with a timestamp",
    stamped(envelopeBundle(leaf, entryV2)),
    stamped(envelopeBundle(second, entryV2)),
  ],
];

const ours = async (text: Uint8Array, san = SAN): Promise<string> => {
  const bundle = parseBundle(text);
  if (!bundle.ok) return bundle.error.code;
  const expect = { kind: "identity", anyOf: [{ kind: "exact", san, issuer: ISSUER }] } as const;
  const verdict = await verify(inputOf(bundle.value, { expect }));
  return verdict.verified ? "accepted" : verdict.failure.code;
};

const ask = secondVerifier(trustedRootJson(TRUST));

const theirs = (text: Uint8Array, san = SAN): boolean => {
  try {
    const bundle: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
    return ask({ bundle, artifact: CONTENT, san, issuer: ISSUER });
  } catch {
    return false;
  }
};

/** The mutant, where the answers differ and no line says why. */
const unlisted = async (
  name: string,
  text: Uint8Array,
  used: Set<number>,
  san = SAN,
): Promise<string[]> => {
  const [answer, accepted] = [await ours(text, san), theirs(text, san)];
  if ((answer === "accepted") === accepted) return [];
  const line = DIFFERENCES.findIndex(([code, mutants]) => code === answer && mutants.test(name));
  used.add(line);
  return line >= 0 ? [] : [`${name}: ${answer}`];
};

const treeOf = (bundle: Bundle): Tree => JSON.parse(new TextDecoder().decode(formatBundle(bundle)));

const statement = (text: string) => formatBundle(envelopeBundle(leaf, entryV1, utf8(text)));

/** Well-made evidence that says something else than what is asked. */
const MEANINGS: readonly [string, Uint8Array, string?][] = [
  [
    "a statement about another file",
    formatBundle(envelopeBundle(leaf, entryV1, statementOf(FILENAME, utf8("x")))),
  ],
  ["a statement about another name", formatBundle(envelopeBundle(leaf, entryV1, statementOf("x")))],
  ["a payload that is no statement", statement("{}")],
  [
    "a payload without subjects",
    statement('{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"}'),
  ],
  [
    "a payload type of another kind",
    formatBundle(envelopeBundle(leaf, entryV1, statementOf(), "text/plain")),
  ],
  ["an expected identity that is a pattern", formatBundle(messageBundle(leaf)), "https://.*"],
  ["an expected identity that is a part", formatBundle(messageBundle(leaf)), SAN.slice(8, -1)],
  ["a signature over another file", formatBundle(messageBundle(leaf, entryV1, utf8("x")))],
  [
    "a certificate of another name",
    formatBundle(messageBundle(forgeLeaf({ san: "https://x.example" }))),
  ],
  ["a certificate without SCT", formatBundle(messageBundle(forgeLeaf({ sct: "none" })))],
];

describe("mutants of bundles through a second implementation", () => {
  const used = new Set<number>();

  for (const [name, good, other] of BASES) {
    it(`both accept ${name}, and differ over its parts only as is listed`, async () => {
      assert.equal(await ours(formatBundle(good)), "accepted");
      assert.equal(theirs(formatBundle(good)), true);
      const wrong: string[] = [];
      for (const [index, mutant] of mutantsOf(treeOf(good), treeOf(other)).entries()) {
        // Some of the odd values are enough: the second implementation takes its time.
        if (/ is /.test(mutant.name) && index % 8 > 0) continue;
        wrong.push(...(await unlisted(mutant.name, utf8(JSON.stringify(mutant.tree)), used)));
      }
      assert.deepEqual(wrong, []);
    });
  }

  it("differ over random edits only as is listed", async () => {
    const chance = chanceFrom(20261124);
    const corpus = BASES.map(([, bundle]) => formatBundle(bundle));
    const wrong: string[] = [];
    for (let run = 0; run < 150; run += 1) {
      wrong.push(...(await unlisted(`edit ${run}`, mutate(corpus, chance), used)));
    }
    assert.deepEqual(wrong, []);
  });

  for (const [name, bytes, san] of MEANINGS) {
    it(`differ, if at all, as is listed: ${name}`, async () => {
      assert.notEqual(await ours(bytes, san), "accepted");
      assert.deepEqual(await unlisted(name, bytes, used, san), []);
    });
  }

  it("have no line in the list that nothing is about", () => {
    const idle = DIFFERENCES.filter((_line, index) => !used.has(index))
      .map((line) => line.join(" "))
      // Which edits come up is chance.
      .filter((line) => !line.includes("/^edit /"));
    assert.deepEqual(idle, []);
  });
});
