import type { Json } from "../formats/json.ts";
import { formatNoteKey, type NoteKey, parseNoteKey } from "../formats/note-key.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { WitnessDemand } from "./witness.ts";

const MAX_WITNESSES = 64;

const distinct = (witnesses: readonly NoteKey[]): number =>
  new Set(witnesses.map(({ key }) => key.keyId.join())).size;

/** A witness's key: NAME+HINT+KEY of type 0x04. */
const readWitness = (json: Json): NoteKey => {
  const key = json.take(parseNoteKey(json.string()));
  return key.signs === "cosignature" ? key : json.refuse("is a log's key, not a witness's");
};

/**
 * Reads `witnesses`, a list of keys as `NAME+HINT+KEY`, and `witness-threshold`: how many of them
 * must vouch, all where it is absent. A key counts once, under whatever names it stands.
 *
 * @param least - the smallest threshold that may be stated
 * @returns `undefined` where neither is there; refuses a number that can never be reached
 */
export const readWitnessDemand = (json: Json, least = 1): WitnessDemand | undefined => {
  const list = json.optional("witnesses");
  const stated = json.optional("witness-threshold");
  if (list === undefined) return stated?.refuse("is without witnesses");
  const witnesses = list.items(MAX_WITNESSES).map(readWitness);
  const threshold = stated?.integer() ?? witnesses.length;
  const most = distinct(witnesses);
  if (threshold >= least && threshold <= most) return { witnesses, threshold };
  return (stated ?? list).refuse(`asks for ${threshold} of ${most} witnesses`);
};

/** As {@link readWitnessDemand} reads it; the keys must have been read by it. */
export const witnessDemandJson = ({ witnesses, threshold }: WitnessDemand): object => ({
  witnesses: witnesses.map((witness) => formatNoteKey({ ...witness, signs: "cosignature" })),
  "witness-threshold": threshold,
});

/**
 * Keys of witnesses as `NAME+HINT+KEY`, in their order.
 *
 * @returns `KEY_FORMAT`; `CONFIG` for a log's key
 */
export const parseWitnesses = (keys: readonly string[]): Result<NoteKey[]> => {
  const witnesses = all(keys.map(parseNoteKey));
  if (!witnesses.ok) return witnesses;
  const other = witnesses.value.find(({ signs }) => signs !== "cosignature");
  if (other === undefined) return witnesses;
  return fail("CONFIG", `the key of ${other.name} is not a witness's`);
};

/**
 * The demand that was typed: keys with white space between them, and a number.
 *
 * @param threshold - all of them where absent
 * @returns `CONFIG`, `KEY_FORMAT`
 */
export const parseWitnessDemand = (
  keys: string,
  threshold: string | undefined,
): Result<WitnessDemand> => {
  const witnesses = parseWitnesses(keys.trim().split(/\s+/));
  if (!witnesses.ok) return witnesses;
  const most = distinct(witnesses.value);
  const wanted = threshold ?? String(witnesses.value.length);
  return /^[1-9]\d{0,3}$/.test(wanted) && Number(wanted) <= most
    ? ok({ witnesses: witnesses.value, threshold: Number(wanted) })
    : fail("CONFIG", `${wanted} of ${most} witnesses are asked for`);
};
