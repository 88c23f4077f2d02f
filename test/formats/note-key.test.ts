import assert from "node:assert/strict";
import { test } from "node:test";
import { generateKey } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64, concat, hex, utf8 } from "../../src/formats/bytes.ts";
import { cosignatureKeyHint, parseNote } from "../../src/formats/checkpoint.ts";
import { formatNoteKey, parseNoteKey } from "../../src/formats/note-key.ts";
import { unwrap } from "../../src/formats/result.ts";

/** Of c2sp.org/signed-note. */
const VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

test("the published key verifies the published note", async () => {
  const key = unwrap(parseNoteKey(VKEY));
  assert.deepEqual([key.name, key.signs], ["example.com/foo", "note"]);
  const note = unwrap(parseNote(NOTE));
  const [line] = note.signatures;
  assert.ok(await verifySignature(key.key, "sha256", line!.signature, utf8(note.text)));
});

const witness = generateKey("ed25519").publicKey;
const raw = witness.spki.subarray(-32);
const vkey = (name: string, type: number, hint: Uint8Array, key = raw) =>
  `${name}+${hex(hint)}+${base64(concat(Uint8Array.of(type), key))}`;

test("a witness's key says that it cosigns", () => {
  const text = vkey("w.example", 4, cosignatureKeyHint("w.example", witness));
  const key = unwrap(parseNoteKey(text));
  assert.deepEqual(
    [key.name, key.signs, key.key.keyId],
    ["w.example", "cosignature", witness.keyId],
  );
});

test("a key is written as it is read", () => {
  for (const text of [VKEY, vkey("w.example", 4, cosignatureKeyHint("w.example", witness))]) {
    assert.equal(formatNoteKey(unwrap(parseNoteKey(text))), text);
  }
});

test("other texts are refused", () => {
  const hint = cosignatureKeyHint("w", witness);
  for (const text of [
    "",
    "example.com/foo",
    VKEY.replace("530d903a", "530d903b"),
    VKEY.replace("530d903a", "530D903A"),
    VKEY.replace("example.com/foo", "example.com/bar"),
    VKEY.replace("example.com/foo", "example.com foo"),
    VKEY.slice(0, -4),
    `${VKEY}!`,
    vkey("w", 1, hint),
    vkey("w", 6, hint),
    vkey("w", 4, hint, raw.subarray(1)),
  ]) {
    const refused = parseNoteKey(text);
    assert.equal(refused.ok ? "ok" : refused.error.code, "KEY_FORMAT", text);
  }
});
