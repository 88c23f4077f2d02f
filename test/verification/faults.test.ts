import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { VerificationInput } from "../../src/verification/verdict.ts";
import { verify } from "../../src/verification/verify.ts";
import { forgeLeaf } from "./forge.ts";
import { entryV2, envelopeBundle, inputOf, messageBundle } from "./forge-bundle.ts";
import { forgeTimestamp } from "./forge-timestamp.ts";

const isPlain = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype);

/** The same input, which throws when it is read from for the `fatal`-th time. */
const failing = (input: VerificationInput, fatal: number) => {
  let reads = 0;
  const wrap = <T>(value: T): T => {
    if (!isPlain(value)) return value;
    return new Proxy(value, {
      get: (target, name, receiver) => {
        reads += 1;
        if (reads === fatal) throw new Error("a planted fault");
        return wrap(Reflect.get(target, name, receiver));
      },
    }) as T;
  };
  return { input: wrap(input), happened: () => reads >= fatal };
};

const leaf = forgeLeaf();

const stampedV2 = () => {
  const bundle = envelopeBundle(leaf, entryV2);
  assert.ok(bundle.content.kind === "dsse");
  return { ...bundle, timestamps: [forgeTimestamp(bundle.content.envelope.signature)] };
};

const INPUTS: readonly [string, VerificationInput][] = [
  ["a signature over a file", inputOf(messageBundle(leaf))],
  ["a statement with a timestamp", inputOf(stampedV2())],
  [
    "a project's identity",
    inputOf(envelopeBundle(leaf), {
      expect: {
        kind: "identity",
        anyOf: [
          { kind: "gitlab", issuer: "https://gitlab.example", project: "acme/widgets", sha: "x" },
          { kind: "gitlab", issuer: "https://gitlab.example", project: "acme/widgets" },
        ],
      },
    }),
  ],
];

describe("an exception at any place", () => {
  for (const [name, input] of INPUTS) {
    it(`never becomes success: ${name}`, async () => {
      let fatal = 0;
      let verified = false;
      do {
        fatal += 1;
        const faulty = failing(input, fatal);
        const verdict = await verify(faulty.input);
        verified = verdict.verified;
        assert.notEqual(verified, faulty.happened(), `read ${fatal}`);
        if (!verdict.verified) assert.ok(verdict.failure.code, `read ${fatal}`);
      } while (!verified);
      assert.ok(fatal > 100, `only ${fatal} reads`);
    });
  }
});
