import { importPublicKey, type PublicKey } from "../crypto/keys.ts";
import { base64, concat, equal, fromBase64, fromHex, hex } from "./bytes.ts";
import { cosignatureKeyHint, noteKeyHint } from "./checkpoint.ts";
import { fail, ok, type Result } from "./result.ts";

/** A key for signed notes with its name (c2sp.org/signed-note, "vkey"). */
export type NoteKey = {
  readonly name: string;
  readonly key: PublicKey;
  /** Whether it signs notes as a log does, or cosigns checkpoints as a witness does. */
  readonly signs: "note" | "cosignature";
};

const VKEY = /^([^\s\u0085+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u;

/** SubjectPublicKeyInfo of an Ed25519 key without the key itself (RFC 8410 §4). */
const ED25519_SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);

const KINDS: Readonly<Record<number, NoteKey["signs"]>> = { 1: "note", 4: "cosignature" };

/**
 * Reads `NAME+HINT+BASE64`, the base64 of a type byte and 32 bytes of Ed25519 key: 0x01 for notes,
 * 0x04 for cosignatures of checkpoints.
 *
 * @returns `KEY_FORMAT`, also for other kinds of key and a hint that is not the key's
 */
export const parseNoteKey = (text: string): Result<NoteKey> => {
  const [, name = "", hint = "", encoded = ""] = VKEY.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  const raw = bytes.ok ? bytes.value : new Uint8Array();
  const signs = KINDS[raw[0] ?? 0];
  if (signs === undefined || raw.length !== 33) {
    return fail("KEY_FORMAT", "no Ed25519 key of the form NAME+HINT+KEY");
  }
  const key = importPublicKey(concat(ED25519_SPKI, raw.subarray(1)));
  if (key === undefined) return fail("KEY_FORMAT", "the Ed25519 key is no point");
  const expected = signs === "note" ? noteKeyHint(name, key) : cosignatureKeyHint(name, key);
  const stated = fromHex(hint);
  if (!stated.ok || !equal(stated.value, expected)) {
    return fail("KEY_FORMAT", `the hint is not that of the key: "${hint}" of ${name}`);
  }
  return ok({ name, key, signs });
};

/** Writes an Ed25519 key as {@link parseNoteKey} reads it. */
export const formatNoteKey = ({ name, key, signs }: NoteKey): string => {
  const type = Object.keys(KINDS).find((kind) => KINDS[Number(kind)] === signs);
  const hint = signs === "note" ? noteKeyHint(name, key) : cosignatureKeyHint(name, key);
  const raw = key.spki.subarray(ED25519_SPKI.length);
  return `${name}+${hex(hint)}+${base64(concat(Uint8Array.of(Number(type)), raw))}`;
};
