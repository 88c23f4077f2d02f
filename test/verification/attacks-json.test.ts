import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256 } from "../../src/crypto/hash.ts";
import { type Bundle, formatBundle, parseBundle } from "../../src/formats/bundle.ts";
import { base64 } from "../../src/formats/bytes.ts";
import type { Code } from "../../src/formats/errors.ts";
import { parseJson } from "../../src/formats/json.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";
import { verify } from "../../src/verification/verify.ts";
import { CONTENT, forgeLeaf } from "./forge.ts";
import { envelopeBundle, inputOf, messageBundle } from "./forge-bundle.ts";

const leaf = forgeLeaf();
const message = messageBundle(leaf);

type Tree = { [name: string]: Tree };
const json = (bundle: Bundle): Tree => JSON.parse(new TextDecoder().decode(formatBundle(bundle)));

/** The text of a good bundle after an edit of its JSON. */
const edited = (edit: (tree: Tree) => unknown, bundle = message): string => {
  const tree = json(bundle);
  return JSON.stringify(edit(tree) ?? tree);
};

const material = (tree: Tree): Tree => tree.verificationMaterial!;

const MALFORMED: readonly [string, string, Code][] = [
  [
    "a certificate and a public key",
    edited((tree) => void Object.assign(material(tree), { publicKey: { hint: "" } })),
    "BUNDLE_MATERIAL",
  ],
  [
    "a signature and an envelope",
    edited((tree) => ({ ...tree, dsseEnvelope: json(envelopeBundle(leaf)).dsseEnvelope })),
    "BUNDLE_FORMAT",
  ],
  ["a prototype", edited((tree) => tree).replace("{", '{"__proto__":{},'), "BUNDLE_FORMAT"],
  [
    "a prototype in place of the material",
    edited((tree) => tree).replace('"verificationMaterial"', '"__proto__"'),
    "BUNDLE_FORMAT",
  ],
  ["a constructor", edited((tree) => tree).replace("{", '{"constructor":{},'), "BUNDLE_FORMAT"],
  [
    "a second certificate under the same key",
    edited((tree) => tree).replace('{"rawBytes"', '{"rawBytes":"AAAA","rawBytes"'),
    "FORMAT_JSON",
  ],
  [
    "the same key in another spelling",
    edited((tree) => tree).replace('{"rawBytes"', '{"rawBytes":"AAAA","raw\\u0042ytes"'),
    "FORMAT_JSON",
  ],
  [
    "a field by its name in the schema",
    edited((tree) => tree).replace("tlogEntries", "tlog_entries"),
    "BUNDLE_FORMAT",
  ],
  [
    "an index that is no double",
    edited((tree) => tree).replace('"logIndex":"1002"', '"logIndex":9007199254740993'),
    "BUNDLE_FORMAT",
  ],
  [
    "an index above 63 bits",
    edited((tree) => tree).replace('"logIndex":"1002"', '"logIndex":"9223372036854775808"'),
    "BUNDLE_FORMAT",
  ],
  [
    "an index with an exponent",
    edited((tree) => tree).replace('"logIndex":"1002"', '"logIndex":"1e3"'),
    "BUNDLE_FORMAT",
  ],
  [
    "base64 of the other alphabet",
    edited((tree) => tree).replace(
      /"signature":"[^"]*"/,
      `"signature":"${base64(CONTENT).replace(/.$/, "_")}"`,
    ),
    "BUNDLE_FORMAT",
  ],
];

describe("attacks by the bundle's JSON", () => {
  for (const [name, text, code] of MALFORMED) {
    it(name, () => {
      assert.notEqual(
        text,
        edited((tree) => tree),
        "the edit changed nothing",
      );
      const parsed = parseBundle(text);
      assert.ok(!parsed.ok, "accepted");
      assert.equal(parsed.error.code, code, parsed.error.message);
      assert.equal(Object.keys(Object.prototype).length, 0);
    });
  }

  it("keeps __proto__ in a predicate as data", () => {
    const parsed = parseJson('{"__proto__":{"verified":true},"a":{"__proto__":[]}}', 100, "x");
    assert.ok(parsed.ok);
    assert.equal((parsed.value as { verified?: boolean }).verified, undefined);
    assert.equal(({} as { verified?: boolean }).verified, undefined);
  });

  it("refuses __proto__ as a package of a policy", () => {
    const policy = parseJson('{"packages":{"__proto__":{"identities":[]}}}', 100, "policy");
    assert.ok(policy.ok);
    const read = readPolicy(policy.value);
    assert.ok(!read.ok);
    assert.equal(read.error.code, "POLICY_FORMAT");
  });
});

/** What can be thrown that is no plain error. */
const THROWN: readonly [string, () => unknown][] = [
  [
    "an error whose message throws",
    () =>
      Object.defineProperty(new Error(), "message", {
        get: () => {
          throw new Error("again");
        },
      }),
  ],
  ["an error whose message is no text", () => Object.assign(new Error(), { message: Symbol("x") })],
  ["nothing", () => undefined],
  ["a verdict", () => ({ verified: true })],
  [
    "a proxy that refuses everything",
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no");
          },
          getPrototypeOf: () => {
            throw new Error("no");
          },
        },
      ),
  ],
];

describe("attacks by what a file throws", () => {
  for (const [name, thrown] of THROWN) {
    it(name, async () => {
      const open = () => {
        throw thrown();
      };
      const verdict = await verify(
        inputOf(message, { artifact: { sha256: sha256(CONTENT), open } }),
      );
      assert.ok(!verdict.verified);
      assert.equal(verdict.failure.code, "INTERNAL");
    });
  }
});
