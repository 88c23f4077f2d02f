import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "smol-toml";
import { policyJson } from "../../src/consumer/policy-json.ts";
import { formatPolicy } from "../../src/consumer/policy-toml.ts";
import { generateKey } from "../../src/crypto/keys.ts";
import { formatNoteKey } from "../../src/formats/note-key.ts";
import { unwrap } from "../../src/formats/result.ts";
import { readPolicy } from "../../src/verification/policy-format.ts";

const PIN = "ab".repeat(32);
const issuer = "https://issuer.example";
const pins = [`sha256:${PIN}`, `sha256:${"cd".repeat(32)}`];
const gitlab = { kind: "gitlab", issuer, project: 'a/"b"\\c', "config-path": "ci/\u007f.yml" };
const witness = formatNoteKey({
  name: "witness.example",
  key: generateKey("ed25519").publicKey,
  signs: "cosignature",
});
const waiver = {
  ...{ package: "a", version: "1.0", waives: ["provenance"] },
  ...{ reason: "made # before", owner: "ann", expires: "2027-01-01" },
};

const POLICIES: readonly [string, object][] = [
  ["nobody", { packages: {} }],
  ["pins alone", { packages: { "a-b": { pins } } }],
  ["a signer alone", { packages: { "7": { identities: [gitlab] } } }],
  ["pins and signers", { packages: { a: { pins, identities: [gitlab, gitlab] } } }],
  ["a threshold", { packages: { a: { identities: [gitlab], "tlog-threshold": 2 } } }],
  ["waivers", { packages: { a: { pins } }, waivers: [waiver, waiver] }],
  ["what stands beside packages", { unattested: "refuse", packages: { a: { pins } } }],
  [
    "witnesses",
    { witnesses: [witness], "witness-threshold": 1, packages: { a: { pins }, b: { pins } } },
  ],
  [
    "every kind of signer",
    {
      packages: {
        a: {
          identities: [
            { ...gitlab, ref: "refs/tags/v*", environment: "e", "project-id": "1", sha: "f" },
            { kind: "github", issuer, repository: "a/b", workflow: "w.yml", ref: "refs/*" },
            { kind: "email", issuer, email: "a@b.example" },
            { kind: "exact", issuer, identity: "https://b.example/x" },
          ],
        },
      },
    },
  ],
];
for (const [name, document] of POLICIES) {
  test(`a policy with ${name} reads back as it was`, () => {
    const policy = unwrap(readPolicy(document));
    const text = unwrap(formatPolicy(policy, new Map(), ["A policy"]));
    const read = unwrap(readPolicy(parse(text)));
    assert.deepEqual(policyJson(read), policyJson(policy));
    assert.match(text, /^# A policy\n/);
  });
}

test("a pin stands beside the name of its file, whatever that is", () => {
  const policy = unwrap(readPolicy({ packages: { a: { pins } } }));
  const lineOf = (filename: string) =>
    unwrap(formatPolicy(policy, new Map([[PIN, filename]]), []))
      .split("\n")
      .find((line) => line.includes(PIN));
  assert.equal(lineOf("a-1.0.tar.gz"), `  "sha256:${PIN}", # a-1.0.tar.gz`);
  assert.equal(lineOf("a\n[packages.evil]"), `  "sha256:${PIN}", # a?[packages.evil]`);
  assert.equal(lineOf("a\u2028\u202eb"), `  "sha256:${PIN}", # a??b`);
});

test("lines of the head stay comments", () => {
  const policy = unwrap(readPolicy({ packages: {} }));
  const text = unwrap(formatPolicy(policy, new Map(), ["for x\nunattested = 'allow'"]));
  assert.equal(text, "# for x?unattested = 'allow'\n");
});
