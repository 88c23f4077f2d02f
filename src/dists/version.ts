import { compare, explain } from "@renovatebot/pep440";
import { fail, ok, type Result } from "../formats/result.ts";
import { shown } from "./name.ts";

/** A version in the normal form of PEP 440: `1.0RC1` is `1.0rc1`. `1.0` and `1.0.0` stay apart. */
export type Version = string & { readonly brand: "Version" };

const MAX_LENGTH = 128;
const LOCAL = /^[a-z0-9]+(?:[-_.][a-z0-9]+)*$/;
/** Numbers above this many digits are not exact in JavaScript. */
const INEXACT = /[0-9]{16}/;

/**
 * Reads a PEP 440 version in any spelling and gives its normal form.
 * Numbers of more than 15 digits are refused: nobody means them, and tools round them differently.
 * @returns DIST_VERSION
 * @see PEP 440, appendix B
 */
export const parseVersion = (text: string): Result<Version> => {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const result = readVersion(text);
  if (parsed.size >= MAX_PARSED) parsed.clear();
  if (text.length <= MAX_KEPT) parsed.set(text, result);
  return result;
};

/** An index lists hundreds of files of few versions. */
const parsed = new Map<string, Result<Version>>();
const MAX_PARSED = 4096;
/** V8 keeps longer parts of a text as a window on it: the whole index page would be kept. */
const MAX_KEPT = 12;

const readVersion = (text: string): Result<Version> => {
  const refuse = fail("DIST_VERSION", `${shown(text)} is not a PEP 440 version`);
  if (text.length > MAX_LENGTH) return refuse;
  const plus = text.indexOf("+");
  const release = plus < 0 ? text : text.slice(0, plus);
  const explained = INEXACT.test(release) ? null : explain(release);
  if (explained === null) return refuse;
  if (plus < 0) return ok(explained.public as Version);
  const local = text.slice(plus + 1).toLowerCase();
  if (!LOCAL.test(local) || local.split(/[-_.]/).some(isInexact)) return refuse;
  return ok(`${explained.public}+${localSegments(local).join(".")}` as Version);
};

// The library reads local segments with Number(), which takes `1e2` and `0x10` for numbers; so
// local versions are split, normalised and compared here.
const localSegments = (local: string): string[] =>
  local.split(/[-_.]/).map((part) => (isNumber(part) ? String(Number(part)) : part));

const isNumber = (part: string): boolean => /^[0-9]+$/.test(part);

const isInexact = (part: string): boolean => isNumber(part) && part.length > 15;

const split = (version: Version): { release: string; local: string[] } => {
  const [release = "", local] = version.split("+");
  return { release, local: local === undefined ? [] : localSegments(local) };
};

/** Order of PEP 440: negative, zero or positive. `1.0` and `1.0.0` are the same version. */
export const compareVersions = (a: Version, b: Version): number => {
  const left = split(a);
  const right = split(b);
  return compare(left.release, right.release) || compareLocals(left.local, right.local);
};

/** Whether two versions are the same release for an installer. */
export const equalVersions = (a: Version, b: Version): boolean =>
  a === b || ((hasZero(a) || hasZero(b)) && withoutZeros(a) === withoutZeros(b));

/** Whether there may be zeros to leave out: of most versions there are none. */
const hasZero = (version: Version): boolean => version.includes(".0");

/** Normal forms of one version differ in the zeros at the end of the release only. */
const withoutZeros = (version: Version): string =>
  version.replace(/^((?:\d+!)?\d+(?:\.\d+)*?)(?:\.0)+(?!\d|\.\d)/, "$1");

/** Numbers stand above words, and a longer local version above its own beginning. */
const compareLocals = (a: readonly string[], b: readonly string[]): number => {
  for (const [i, left] of a.entries()) {
    const right = b[i];
    if (right === undefined) return 1;
    const order = compareSegments(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
};

const compareSegments = (a: string, b: string): number => {
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? 1 : -1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
};
