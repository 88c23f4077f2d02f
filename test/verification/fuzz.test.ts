import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf } from "./forge.ts";
import { entryV2, envelopeBundle, inputOf, messageBundle } from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";

const leaf = forgeLeaf();
const v2 = envelopeBundle(leaf, entryV2);
const stamped =
  v2.content.kind === "dsse"
    ? { ...v2, timestamps: [forgeTimestamp(v2.content.envelope.signature)] }
    : v2;

const TEXTS = [messageBundle(leaf), envelopeBundle(leaf), stamped].map((bundle) =>
  new TextDecoder().decode(formatBundle(bundle)),
);

/** Edits of one place: another character, some characters less, or some of them twice. */
const edit = fc.record({
  which: fc.nat(TEXTS.length - 1),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 40 }),
  how: fc.constantFrom("replace", "remove", "repeat"),
  by: fc.constantFrom(...'"{}[],:0149-+/=aZ\\ \n\u2014'),
});

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

const edited = ({ which, place, length, how, by }: Edit): string => {
  const text = TEXTS[which]!;
  const at = Math.floor(place * (text.length - 1));
  switch (how) {
    case "replace":
      return text.slice(0, at) + by + text.slice(at + 1);
    case "remove":
      return text.slice(0, at) + text.slice(at + length);
    default:
      return text.slice(0, at + length) + text.slice(at);
  }
};

/**
 * What a text means, apart from what nothing is decided by: white space, the key id, and the
 * unsigned parts of a timestamp token, whose signed parts have their own test.
 */
const meaning = (text: string): string =>
  JSON.stringify(JSON.parse(text))
    .replace(/"keyid":"[^"]*"/, "")
    .replace(/"signedTimestamp":"[^"]*"/, "");

describe("the text of a bundle, edited in one place", () => {
  it("is never accepted with another meaning, and never crashes the verifier", async () => {
    await fc.assert(
      fc.asyncProperty(edit, async (choice) => {
        const text = edited(choice);
        const bundle = parseBundle(text);
        if (!bundle.ok) return;
        const verdict = await verify(inputOf(bundle.value));
        if (verdict.verified) {
          assert.equal(meaning(text), meaning(TEXTS[choice.which]!));
        } else {
          assert.notEqual(verdict.failure.code, "INTERNAL", verdict.failure.message);
        }
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 1500) },
    );
  });
});
