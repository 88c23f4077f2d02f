import { type Sha256, sha256 } from "../crypto/hash.ts";
import type { PrivateKey, PublicKey } from "../crypto/keys.ts";
import { sign } from "../crypto/sign.ts";
import { base64, bigEndian, concat, fromBase64, fromBigEndian, utf8 } from "./bytes.ts";
import { all, fail, ok, type Result } from "./result.ts";

/** One line under a signed note. */
export type NoteSignature = {
  readonly name: string;
  /** 4 bytes that tell keys of one name apart; no proof of anything. */
  readonly keyHint: Uint8Array;
  readonly signature: Uint8Array;
};

/** A signed note: c2sp.org/signed-note. */
export type SignedNote = {
  /** What is signed: ends in a newline, which is part of it. */
  readonly text: string;
  /** 1 to 64, in the order of their lines. */
  readonly signatures: readonly NoteSignature[];
};

const MAX_NOTE = 1 << 18;
const MAX_SIGNATURES = 64;
const HINT_BYTES = 4;
const DASH = "\u2014 ";

const malformed = (why: string) => fail("TLOG_CHECKPOINT", `the signed note is malformed: ${why}`);

const hasControl = (text: string): boolean => {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
};

/** Key names hold neither white space nor a plus sign, and are not empty. */
const isKeyName = (name: string): boolean => /^[^\s\u0085+]+$/u.test(name);

const parseSignatureLine = (line: string): Result<NoteSignature> => {
  const [name, encoded, ...more] = line.startsWith(DASH) ? line.slice(DASH.length).split(" ") : [];
  if (name === undefined || encoded === undefined || more.length > 0 || !isKeyName(name)) {
    return malformed("a line that is no signature");
  }
  const bytes = fromBase64(encoded);
  if (!bytes.ok || bytes.value.length <= HINT_BYTES) return malformed("a signature is not base64");
  const keyHint = bytes.value.subarray(0, HINT_BYTES);
  return ok({ name, keyHint, signature: bytes.value.subarray(HINT_BYTES) });
};

/**
 * Splits a signed note at its last blank line. Nothing is verified.
 *
 * @returns `TLOG_CHECKPOINT` for control characters, a line that is no signature, none or more
 * than 64 signatures, or more than 256 Ki characters
 */
export const parseNote = (note: string): Result<SignedNote> => {
  if (note.length > MAX_NOTE) return malformed("it is too long");
  if (!note.isWellFormed() || hasControl(note)) return malformed("a control character");
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return malformed("no blank line before the signatures");
  const lines = note
    .slice(split + 2)
    .split("\n")
    .slice(0, -1);
  if (lines.length === 0) return malformed("no signatures");
  if (lines.length > MAX_SIGNATURES) return malformed(`${lines.length} signatures`);
  const signatures = all(lines.map(parseSignatureLine));
  if (!signatures.ok) return signatures;
  return ok({ text: note.slice(0, split + 1), signatures: signatures.value });
};

/** One signature line with its newline, to stand under a note. */
export const noteSignatureLine = (
  name: string,
  keyHint: Uint8Array,
  signature: Uint8Array,
): string => `${DASH}${name} ${base64(concat(keyHint, signature))}\n`;

/** The inverse of {@link parseNote}. */
export const formatNote = (note: SignedNote): string =>
  `${note.text}\n${note.signatures
    .map(({ name, keyHint, signature }) => noteSignatureLine(name, keyHint, signature))
    .join("")}`;

/** The raw 32 bytes of an Ed25519 key: the end of its SubjectPublicKeyInfo (RFC 8410 §4). */
const rawEd25519 = (key: PublicKey): Uint8Array => key.spki.subarray(-32);

const namedKeyId = (name: string, ...parts: readonly Uint8Array[]): Sha256 =>
  sha256(concat(utf8(`${name}\n`), ...parts));

/**
 * The full key id of a note key, 32 bytes: its first 4 are the key hint, and Rekor v2 uses all of
 * it as log id. Ed25519: SHA-256(name, newline, 0x01, key). ECDSA: SHA-256 of the SPKI. RSA as
 * Rekor does: SHA-256(name, newline, 0xff, "PKIX-RSA-PKCS#1v1.5", SPKI).
 */
export const noteKeyId = (name: string, key: PublicKey): Sha256 => {
  switch (key.algorithm) {
    case "ed25519":
      return namedKeyId(name, Uint8Array.of(1), rawEd25519(key));
    case "rsa-pkcs1v15":
      return namedKeyId(name, Uint8Array.of(0xff), utf8("PKIX-RSA-PKCS#1v1.5"), key.spki);
    case "ecdsa-p256":
    case "ecdsa-p384":
    case "ecdsa-p521":
      return key.keyId;
    default:
      return key.algorithm satisfies never;
  }
};

/** The 4 bytes in front of a signature by this key: the start of {@link noteKeyId}. */
export const noteKeyHint = (name: string, key: PublicKey): Uint8Array =>
  noteKeyId(name, key).subarray(0, HINT_BYTES);

/**
 * Signs a text: the whole note with one signature. ECDSA and RSA hash with SHA-256.
 *
 * @param text - must end in a newline
 */
export const signNote = (text: string, name: string, key: PrivateKey): string => {
  if (!text.endsWith("\n") || hasControl(text)) throw new Error("not the text of a note");
  if (!isKeyName(name)) throw new Error("not a name for a note key");
  const signature = sign(key, "sha256", utf8(text));
  return `${text}\n${noteSignatureLine(name, noteKeyHint(name, key.publicKey), signature)}`;
};

/** The state of a log that a note states: c2sp.org/tlog-checkpoint. */
export type Checkpoint = {
  /** Names the log; the first line. */
  readonly origin: string;
  readonly size: bigint;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Further lines, without their newlines. */
  readonly extensions: readonly string[];
};

const SIZE = /^(?:0|[1-9]\d{0,18})$/;

/** Parses the text of a note as a checkpoint. Fails with `TLOG_CHECKPOINT`. */
export const parseCheckpoint = (text: string): Result<Checkpoint> => {
  const lines = text.split("\n");
  if (lines.pop() !== "") return malformed("no newline at its end");
  const [origin, size, root, ...extensions] = lines;
  if (origin === undefined || origin === "") return malformed("no origin");
  if (size === undefined || !SIZE.test(size) || BigInt(size) >= 1n << 63n) {
    return malformed("the tree size is no decimal number");
  }
  const rootHash = fromBase64(root ?? "");
  if (!rootHash.ok || rootHash.value.length !== 32) {
    return malformed("the root is not base64 of 32 bytes");
  }
  if (extensions.includes("")) return malformed("an empty line");
  return ok({ origin, size: BigInt(size), rootHash: rootHash.value, extensions });
};

/** The text of a checkpoint: the inverse of {@link parseCheckpoint}. */
export const formatCheckpoint = (checkpoint: Checkpoint): string =>
  [
    checkpoint.origin,
    `${checkpoint.size}`,
    base64(checkpoint.rootHash),
    ...checkpoint.extensions,
    "",
  ].join("\n");

/** A witness's statement that it saw this checkpoint, consistent with all before: c2sp.org/tlog-cosignature. */
export type Cosignature = {
  /** Seconds since 1970. */
  readonly timestamp: bigint;
  /** Ed25519, over {@link cosignedMessage}. */
  readonly signature: Uint8Array;
};

/** Takes a cosignature/v1 out of a note's signature: time(8), Ed25519(64). */
export const parseCosignature = (signature: Uint8Array): Result<Cosignature> =>
  signature.length === 8 + 64
    ? ok({
        timestamp: fromBigEndian(signature.subarray(0, 8)),
        signature: signature.subarray(8),
      })
    : malformed("a cosignature has the wrong length");

/** What a cosignature/v1 is over; `text` is the text of the checkpoint's note. */
export const cosignedMessage = (text: string, timestamp: bigint): Uint8Array =>
  utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);

/** The key hint of an Ed25519 witness: SHA-256(name, newline, 0x04, key), 4 bytes. */
export const cosignatureKeyHint = (name: string, key: PublicKey): Uint8Array =>
  namedKeyId(name, Uint8Array.of(4), rawEd25519(key)).subarray(0, HINT_BYTES);

/** A witness's signature line for the checkpoint with this note text. */
export const cosignatureLine = (
  text: string,
  name: string,
  key: PrivateKey,
  timestamp: bigint,
): string => {
  if (key.algorithm !== "ed25519") throw new Error("witnesses sign with Ed25519");
  const signature = sign(key, "sha512", cosignedMessage(text, timestamp));
  const stamped = concat(bigEndian(timestamp, 8), signature);
  return noteSignatureLine(name, cosignatureKeyHint(name, key.publicKey), stamped);
};
