import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateKey, importPublicKey, type KeyAlgorithm } from "../../src/crypto/keys.ts";
import { verifySignature } from "../../src/crypto/verify.ts";
import { base64, concat, equal, fromHex, hex, utf8 } from "../../src/formats/bytes.ts";
import {
  cosignatureKeyHint,
  cosignatureLine,
  cosignedMessage,
  formatCheckpoint,
  formatNote,
  noteKeyHint,
  noteKeyId,
  noteSignatureLine,
  parseCheckpoint,
  parseCosignature,
  parseNote,
  signNote,
} from "../../src/formats/checkpoint.ts";
import { type Result, unwrap } from "../../src/formats/result.ts";
import { fromBase64Text, goodCases, readBundle, skipConformance as skip } from "./conformance.ts";

const codeOf = (result: Result<unknown>): string => (result.ok ? "accepted" : result.error.code);

/** DER in front of the 32 bytes of an Ed25519 key (RFC 8410 §4). */
const ED25519_SPKI = unwrap(fromHex("302a300506032b6570032100"));

test("the published vector of c2sp.org/signed-note", async () => {
  const name = "example.com/foo";
  const encoded = "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  const key = importPublicKey(concat(ED25519_SPKI, fromBase64Text(encoded).subarray(1)))!;
  const signature =
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
  const text = "This is an example message.\n";
  const note = unwrap(parseNote(`${text}\n\u2014 ${name} ${signature}\n`));
  const [line] = note.signatures;
  assert.equal(note.text, text);
  assert.equal(line?.name, name);
  assert.equal(hex(line!.keyHint), "530d903a");
  assert.deepEqual(noteKeyHint(name, key), line!.keyHint);
  assert.ok(await verifySignature(key, "sha256", line!.signature, utf8(text)));
});

test("recorded checkpoints are read and written back, byte for byte", { skip }, () => {
  let seen = 0;
  for (const name of goodCases()) {
    for (const entry of readBundle(name).verificationMaterial.tlogEntries) {
      const envelope = entry.inclusionProof?.checkpoint?.envelope;
      if (envelope === undefined) continue;
      const note = unwrap(parseNote(envelope));
      assert.equal(formatNote(note), envelope);
      assert.equal(formatCheckpoint(unwrap(parseCheckpoint(note.text))), note.text, name);
      seen += 1;
    }
  }
  assert.ok(seen > 15);
});

const ALGORITHMS: KeyAlgorithm[] = ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-pkcs1v15"];
for (const algorithm of ALGORITHMS) {
  test(`a note signed with ${algorithm} is read back, and its signature is good`, async () => {
    const key = generateKey(algorithm);
    const note = unwrap(parseNote(signNote("a\n\nb\n", "log.example", key)));
    assert.equal(note.text, "a\n\nb\n");
    const [line] = note.signatures;
    assert.deepEqual(line!.keyHint, noteKeyHint("log.example", key.publicKey));
    assert.ok(await verifySignature(key.publicKey, "sha256", line!.signature, utf8(note.text)));
  });
}

test("an ECDSA key id is its SPKI's digest; the others depend on the name", () => {
  const ecdsa = generateKey("ecdsa-p256").publicKey;
  assert.ok(equal(noteKeyId("a", ecdsa), ecdsa.keyId));
  for (const algorithm of ["ed25519", "rsa-pkcs1v15"] as const) {
    const key = generateKey(algorithm).publicKey;
    assert.ok(!equal(noteKeyId("a", key), noteKeyId("b", key)));
  }
});

test("a cosignature carries its time, and is over it", async () => {
  const key = generateKey("ed25519");
  const text = formatCheckpoint({
    origin: "log.example",
    size: 3n,
    rootHash: new Uint8Array(32),
    extensions: [],
  });
  const line = cosignatureLine(text, "witness.example", key, 1_700_000_000n);
  const note = unwrap(parseNote(signNote(text, "log.example", generateKey("ed25519")) + line));
  const [, witness] = note.signatures;
  assert.deepEqual(witness!.keyHint, cosignatureKeyHint("witness.example", key.publicKey));
  const cosignature = unwrap(parseCosignature(witness!.signature));
  assert.equal(cosignature.timestamp, 1_700_000_000n);
  const check = (time: bigint) =>
    verifySignature(
      key.publicKey,
      "sha512",
      cosignature.signature,
      cosignedMessage(note.text, time),
    );
  assert.ok(await check(1_700_000_000n));
  assert.ok(!(await check(1_700_000_001n)));
  assert.equal(codeOf(parseCosignature(new Uint8Array(71))), "TLOG_CHECKPOINT");
  assert.throws(() => cosignatureLine(text, "w", generateKey("ecdsa-p256"), 0n));
});

const SIGNATURE = noteSignatureLine("n", Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5));
const BAD_NOTES: Record<string, string> = {
  nothing: "",
  "no signatures": "text\n\n",
  "no blank line": `text\n${SIGNATURE}`,
  "no newline at the end": `text\n\n${SIGNATURE.slice(0, -1)}`,
  "65 signatures": `text\n\n${SIGNATURE.repeat(65)}`,
  "10,000 signatures": `text\n\n${SIGNATURE.repeat(10_000)}`,
  "CR LF": `text\r\n\n${SIGNATURE}`,
  "a tab": `te\txt\n\n${SIGNATURE}`,
  "a lone surrogate": `\ud800\n\n${SIGNATURE}`,
  "a hyphen for the dash": `text\n\n${SIGNATURE.replace("\u2014", "-")}`,
  "a line behind": `text\n\n${SIGNATURE}text\n`,
  "a name with a plus": `text\n\n${SIGNATURE.replace("n", "n+1")}`,
  "a name with a no-break space": `text\n\n${SIGNATURE.replace("n", "n\u00a0m")}`,
  "no name": `text\n\n${SIGNATURE.replace("n", "")}`,
  "two spaces": `text\n\n${SIGNATURE.replace("n ", "n  ")}`,
  "a signature of 4 bytes": `text\n\n\u2014 n AQIDBA==\n`,
  "a signature that is not base64": `text\n\n\u2014 n AQIDBAU\n`,
  "more than 256 Ki characters": `${"x".repeat(1 << 18)}\n\n${SIGNATURE}`,
};
for (const [name, note] of Object.entries(BAD_NOTES)) {
  test(`note refused: ${name}`, () => assert.equal(codeOf(parseNote(note)), "TLOG_CHECKPOINT"));
}

test("64 signatures are read", () => {
  assert.equal(unwrap(parseNote(`text\n\n${SIGNATURE.repeat(64)}`)).signatures.length, 64);
});

test("the split is at the last blank line", () => {
  const forged = `outer\n\n${SIGNATURE}\n${SIGNATURE}`;
  assert.equal(unwrap(parseNote(forged)).text, `outer\n\n${SIGNATURE}`);
});

test("only the text of a note can be signed, under a name", () => {
  const key = generateKey("ed25519");
  assert.throws(() => signNote("text", "n", key));
  assert.throws(() => signNote("a\tb\n", "n", key));
  assert.throws(() => signNote("text\n", "n m", key));
});

const ROOT = base64(new Uint8Array(32));
const BAD_CHECKPOINTS: Record<string, string> = {
  nothing: "",
  "no origin": `\n1\n${ROOT}\n`,
  "no size": `o\n\n${ROOT}\n`,
  "a size with a leading zero": `o\n01\n${ROOT}\n`,
  "a negative size": `o\n-1\n${ROOT}\n`,
  "a size with a sign": `o\n+1\n${ROOT}\n`,
  "a hexadecimal size": `o\n0x1\n${ROOT}\n`,
  "a size beyond an int64": `o\n${2n ** 63n}\n${ROOT}\n`,
  "a size with a space": `o\n1 \n${ROOT}\n`,
  "no root": "o\n1\n",
  "a root of 31 bytes": `o\n1\n${base64(new Uint8Array(31))}\n`,
  "a root without padding": `o\n1\n${ROOT.slice(0, -1)}\n`,
  "CR LF": `o\r\n1\r\n${ROOT}\r\n`,
  "no newline at the end": `o\n1\n${ROOT}`,
  "an empty line": `o\n1\n${ROOT}\n\nx\n`,
};
for (const [name, text] of Object.entries(BAD_CHECKPOINTS)) {
  test(`checkpoint refused: ${name}`, () => {
    assert.equal(codeOf(parseCheckpoint(text)), "TLOG_CHECKPOINT");
  });
}

test("checkpoints and notes: whatever is read is written the same, and back", () => {
  const line = fc.stringMatching(/^[!-~][ -~]{0,10}$/);
  const checkpoint = fc.record(
    {
      origin: line,
      size: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      rootHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      extensions: fc.array(line, { maxLength: 3 }),
    },
    { noNullPrototype: true },
  );
  const signature = fc.record(
    {
      name: fc.stringMatching(/^[a-z./-]{1,10}$/),
      keyHint: fc.uint8Array({ minLength: 4, maxLength: 4 }),
      signature: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(
      checkpoint,
      fc.array(signature, { minLength: 1, maxLength: 3 }),
      (value, signatures) => {
        const text = formatCheckpoint(value);
        const note = unwrap(parseNote(formatNote({ text, signatures })));
        assert.deepEqual(unwrap(parseCheckpoint(note.text)), value);
        assert.deepEqual(note.signatures, signatures);
      },
    ),
  );
});
