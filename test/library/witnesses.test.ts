import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { formatBundle } from "../../src/formats/bundle.ts";
import { base64, concat, hex } from "../../src/formats/bytes.ts";
import { cosignatureKeyHint, cosignatureLine, parseNote } from "../../src/formats/checkpoint.ts";
import { unwrap } from "../../src/formats/result.ts";
import { verifyFile } from "../../src/library/verify-file.ts";
import { CONTENT, forgeLeaf, ISSUER, NOW, SAN, TRUST } from "../verification/forge.ts";
import { messageBundle, withEntry } from "../verification/forge-bundle.ts";

const witness = generateKey("ed25519");
const NAME = "witness.example";
const raw = witness.publicKey.spki.subarray(-32);
const key = `${NAME}+${hex(cosignatureKeyHint(NAME, witness.publicKey))}+${base64(concat(Uint8Array.of(4), raw))}`;
const LOG = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

const plain = messageBundle(forgeLeaf());
const cosigned = withEntry(plain, (entry) => {
  const proof = entry.inclusionProof!;
  const note = proof.checkpoint!;
  const line = cosignatureLine(unwrap(parseNote(note)).text, NAME, witness, 1n);
  return { ...entry, inclusionProof: { ...proof, checkpoint: note + line } };
});

const CASES: readonly [
  string,
  typeof plain,
  { witnesses?: string[]; witnessThreshold?: number },
  string,
][] = [
  ["none asked for", plain, {}, ""],
  ["one that vouches", cosigned, { witnesses: [key] }, ""],
  ["one that does not", plain, { witnesses: [key] }, "TLOG_WITNESSES"],
  ["one that does not and need not", plain, { witnesses: [key], witnessThreshold: 0 }, ""],
  ["a number without witnesses", cosigned, { witnessThreshold: 1 }, "TLOG_WITNESSES"],
  ["no number", cosigned, { witnesses: [key], witnessThreshold: -1 }, "CONFIG"],
  ["a log's key", cosigned, { witnesses: [LOG] }, "CONFIG"],
  ["no key", cosigned, { witnesses: ["witness.example"] }, "KEY_FORMAT"],
];
for (const [name, bundle, options, code] of CASES) {
  test(`witnesses: ${name}`, async () => {
    const identity = { kind: "exact", san: SAN, issuer: ISSUER } as const;
    const all = { identity, trust: TRUST, now: NOW, ...options };
    const verdict = await verifyFile(CONTENT, { bundle: formatBundle(bundle) }, all);
    assert.equal(verdict.verified ? "" : verdict.failure.code, code);
  });
}
