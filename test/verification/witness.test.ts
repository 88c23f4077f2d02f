import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { utf8 } from "../../src/formats/bytes.ts";
import {
  cosignatureKeyHint,
  cosignatureLine,
  formatCheckpoint,
  noteSignatureLine,
  parseNote,
  signNote,
} from "../../src/formats/checkpoint.ts";
import { leafHash } from "../../src/formats/merkle.ts";
import { unwrap } from "../../src/formats/result.ts";
import { checkWitnesses } from "../../src/verification/witness.ts";

const log = generateKey("ed25519");
const [first, second, stranger] = ["a", "b", "c"].map(() => generateKey("ed25519"));
if (!first || !second || !stranger) throw new Error("no keys");
const WITNESSES = [
  { name: "a.example", key: first.publicKey },
  { name: "b.example", key: second.publicKey },
];

const text = formatCheckpoint({
  origin: "log.example",
  size: 1n,
  rootHash: leafHash(utf8("x")),
  extensions: [],
});
const note = (...lines: string[]) =>
  unwrap(parseNote(signNote(text, "log.example", log) + lines.join("")));

const a = cosignatureLine(text, "a.example", first, 1_700_000_000n);
const b = cosignatureLine(text, "b.example", second, 1_700_000_001n);
const hint = cosignatureKeyHint("a.example", first.publicKey);

const CASES: readonly [string, string[], number, string][] = [
  ["none is asked for", [], 0, ""],
  ["both", [a, b], 2, "a.example b.example"],
  ["one is enough", [b], 1, "b.example"],
  [
    "others stand beside them",
    [cosignatureLine(text, "c.example", stranger, 1n), a],
    1,
    "a.example",
  ],
  ["one where two are asked for", [a], 2, "TLOG_WITNESSES"],
  [
    "29 one twice where two are asked for",
    [a, cosignatureLine(text, "a.example", first, 9n)],
    2,
    "TLOG_WITNESSES",
  ],
  ["only others", [cosignatureLine(text, "c.example", stranger, 1n)], 1, "TLOG_WITNESSES"],
  [
    "another's key under a witness's name",
    [cosignatureLine(text, "a.example", stranger, 1n)],
    1,
    "TLOG_WITNESSES",
  ],
  [
    "a witness's key under another name",
    [cosignatureLine(text, "c.example", first, 1n)],
    1,
    "TLOG_WITNESSES",
  ],
  [
    "over another checkpoint",
    [cosignatureLine(`${text}x\n`, "a.example", first, 1n), b],
    1,
    "TLOG_CHECKPOINT",
  ],
  [
    "of the wrong length",
    [noteSignatureLine("a.example", hint, new Uint8Array(64)), b],
    1,
    "TLOG_CHECKPOINT",
  ],
  [
    "a bad one beside a good one",
    [a, noteSignatureLine("a.example", hint, new Uint8Array(72))],
    1,
    "TLOG_CHECKPOINT",
  ],
];
for (const [name, lines, threshold, expected] of CASES) {
  test(`cosignatures: ${name}`, async () => {
    const found = await checkWitnesses(note(...lines), { witnesses: WITNESSES, threshold });
    const names = found.ok && found.value.map(({ witness }) => witness.name).join(" ");
    assert.equal(found.ok ? names : found.error.code, expected);
  });
}

test("a key counts once, whatever it calls itself", async () => {
  const twice = [WITNESSES[0]!, { name: "z.example", key: first.publicKey }];
  const lines = [a, cosignatureLine(text, "z.example", first, 3n)];
  const found = await checkWitnesses(note(...lines), { witnesses: twice, threshold: 2 });
  assert.equal(found.ok ? "ok" : found.error.code, "TLOG_WITNESSES");
});

test("a witness's time is its own statement", async () => {
  const found = unwrap(await checkWitnesses(note(a, b), { witnesses: WITNESSES, threshold: 2 }));
  assert.deepEqual(
    found.map(({ at }) => at),
    [1_700_000_000n, 1_700_000_001n],
  );
});
