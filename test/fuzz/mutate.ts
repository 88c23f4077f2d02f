import { concat } from "../../src/formats/bytes.ts";

/** Numbers from 0 to below `limit`, the same ones for the same seed (xorshift32). */
export type Chance = (limit: number) => number;

export const chanceFrom = (seed: number): Chance => {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
};

/** Pieces on which parsers turn: lengths, signs, brackets, ends. */
const TOKENS = [
  ..."\u0000\u007f\u2028\u00e9\n\r\t \"'{}[],:;=/\\.-+@#%<>&",
  "\ufeff",
  "null",
  "true",
  "-1",
  "1e999",
  "9007199254740993",
  "9223372036854775808",
  "__proto__",
  "\\u0000",
  "\\ud800",
  "..",
  "../",
  "\n\n",
  "\u2014 ",
  "-----END CERTIFICATE-----",
  "AAAA",
  "==",
].map((text) => new TextEncoder().encode(text));

const NUMBERS = [0, 1, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa3, 0xff, 0x30, 0x31, 0x1f];

type Edit = (bytes: Uint8Array, chance: Chance, corpus: readonly Uint8Array[]) => Uint8Array;

const cut = (bytes: Uint8Array, chance: Chance): [number, number] => {
  const from = chance(bytes.length + 1);
  const reach = chance(8) === 0 ? bytes.length : 16;
  return [from, Math.min(bytes.length, from + chance(reach + 1))];
};

const splice = (bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, from), by, bytes.subarray(to));

const EDITS: readonly Edit[] = [
  (bytes, chance) => {
    const copy = bytes.slice();
    const at = chance(copy.length || 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << chance(8));
    return copy;
  },
  (bytes, chance) => {
    const copy = bytes.slice();
    copy[chance(copy.length || 1)] = NUMBERS[chance(NUMBERS.length)] ?? 0;
    return copy;
  },
  (bytes, chance) => splice(bytes, ...cut(bytes, chance), new Uint8Array(0)),
  (bytes, chance) => splice(bytes, ...cut(bytes, chance), TOKENS[chance(TOKENS.length)]!),
  (bytes, chance) => {
    const at = chance(bytes.length + 1);
    return splice(bytes, at, at, TOKENS[chance(TOKENS.length)]!);
  },
  (bytes, chance) => {
    const [from, to] = cut(bytes, chance);
    const at = chance(bytes.length + 1);
    return splice(bytes, at, at, bytes.subarray(from, to));
  },
  (bytes, chance, corpus) => {
    const other = corpus[chance(corpus.length)] ?? bytes;
    return splice(bytes, ...cut(bytes, chance), other.subarray(...cut(other, chance)));
  },
  (bytes, chance) => bytes.subarray(0, chance(bytes.length + 1)),
];

const MAX_BYTES = 64 * 1024;

/** Another input, made of one of the corpus by a few edits. */
export const mutate = (corpus: readonly Uint8Array[], chance: Chance): Uint8Array => {
  let bytes = corpus[chance(corpus.length)] ?? new Uint8Array(0);
  for (let edits = 1 + chance(4); edits > 0; edits -= 1) {
    bytes = EDITS[chance(EDITS.length)]!(bytes, chance, corpus);
  }
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
};
