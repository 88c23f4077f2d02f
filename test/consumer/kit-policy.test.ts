import assert from "node:assert/strict";
import { test } from "node:test";
import { kitPolicy, readKitPolicy } from "../../src/consumer/kit-policy.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { formatNoteKey } from "../../src/formats/note-key.ts";
import { unwrap } from "../../src/formats/result.ts";
import type { Expected } from "../../src/verification/policy.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";

const [a, b] = ["a.example", "b.example"].map((name) => {
  const { publicKey: key } = generateKey("ed25519");
  return { name, key, signs: "cosignature" as const };
});
if (!a || !b) throw new Error("no keys");
const identity = { kind: "exact", issuer: "https://i.example", identity: "https://i.example/x" };
const policy = readPolicy({
  packages: { greeter: { identities: [identity] } },
  witnesses: [a, b].map(formatNoteKey),
  "witness-threshold": 1,
});

const CASES: readonly [string, Expected][] = [
  ["a policy", { kind: "policy", policy: unwrap(policy), from: "policy.toml", sha256: "00" }],
  [
    "the command line",
    {
      kind: "identity",
      anyOf: [{ kind: "exact", issuer: identity.issuer, san: identity.identity }],
      witnesses: { witnesses: [a, b], threshold: 1 },
    },
  ],
];
for (const [name, expect] of CASES) {
  test(`a kit demands the witnesses that ${name} demanded`, () => {
    const { document } = kitPolicy(expect, ["greeter-1.0.0-py3-none-any.whl"]);
    const read = unwrap(readKitPolicy(document));
    assert.equal(read.kind, "policy");
    const { witnesses } = read.kind === "policy" ? read.policy : {};
    assert.equal(witnesses?.threshold, 1);
    const keys = witnesses?.witnesses.map(({ name, key }) => [name, key.keyId]);
    assert.deepEqual(
      keys,
      [a, b].map(({ name, key }) => [name, key.keyId]),
    );
  });
}
