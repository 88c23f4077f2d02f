import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Bundle, formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { equal, utf8 } from "../../src/formats/bytes.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf } from "./forge.ts";
import {
  entryV1,
  entryV2,
  envelopeBundle,
  inputOf,
  messageBundle,
  statementOf,
} from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";
import { mutantsOf, type Tree } from "./structure.ts";

const leaf = forgeLeaf();
const second = forgeLeaf();
const OTHER = utf8("another wheel");

const stamped = (bundle: Bundle): Bundle => {
  const { content } = bundle;
  const signature = content.kind === "dsse" ? content.envelope.signature : content.signature;
  return { ...bundle, timestamps: [forgeTimestamp(signature)] };
};

const treeOf = (bundle: Bundle): Tree => JSON.parse(new TextDecoder().decode(formatBundle(bundle)));

/** A good bundle, and another good one whose parts are put into it. */
const PAIRS: readonly [string, Bundle, Bundle][] = [
  [
    "by the same certificate, over another file",
    messageBundle(leaf),
    messageBundle(leaf, entryV1, OTHER),
  ],
  ["by another certificate of the identity", messageBundle(leaf), messageBundle(second)],
  [
    "over another statement",
    envelopeBundle(leaf),
    envelopeBundle(leaf, entryV1, statementOf("x", OTHER)),
  ],
  ["of another kind", envelopeBundle(leaf), messageBundle(leaf)],
  ["by another log", messageBundle(leaf), stamped(messageBundle(leaf, entryV2))],
  [
    "with a timestamp over another signature",
    stamped(messageBundle(leaf, entryV2)),
    stamped(messageBundle(second, entryV2)),
  ],
];

/**
 * Places by which nothing is decided, so that a change there changes nothing that was proven: the
 * digest that a bundle states may be absent, the key id of an envelope is a hint, and a good bundle
 * may say again what it said.
 */
const HARMLESS: readonly RegExp[] = [
  /^messageSignature\.messageDigest (?:removed|is null)$/,
  /^dsseEnvelope\.signatures\.0\.keyid /,
  /^verificationMaterial\.tlogEntries twice$/,
  /^verificationMaterial\.timestampVerificationData\.rfc3161Timestamps twice$/,
];

describe("a bundle with parts removed, replaced, repeated, or taken from another", () => {
  for (const [name, good, other] of PAIRS) {
    it(`is not accepted, unless nothing is decided by the part: other ${name}`, async () => {
      const accepted: string[] = [];
      const mutants = mutantsOf(treeOf(good), treeOf(other));
      assert.ok(mutants.length > 200);
      for (const mutant of mutants) {
        const bundle = parseBundle(JSON.stringify(mutant.tree));
        if (!bundle.ok) continue;
        // Protobuf's JSON may leave out what is empty or zero, so the value may be the same.
        if (equal(formatBundle(bundle.value), formatBundle(good))) continue;
        const verdict = await verify(inputOf(bundle.value));
        if (verdict.verified) accepted.push(mutant.name);
        else assert.notEqual(verdict.failure.code, "INTERNAL", mutant.name);
      }
      const unexpected = accepted.filter((one) => !HARMLESS.some((rule) => rule.test(one)));
      assert.deepEqual(unexpected, []);
    });
  }
});
