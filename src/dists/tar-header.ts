import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";

export const BLOCK = 512;

/** One header block (POSIX.1-1988 ustar, or GNU). */
export type TarHeader = {
  /**
   * With the ustar prefix, as bytes say it: not checked as a path. `undefined` where it is not
   * UTF-8 or has bytes after its end: GNU cuts a long name anywhere, since another header has it.
   */
  readonly name: string | undefined;
  /** As `name`. */
  readonly linkName: string | undefined;
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** One character; the old NUL is given as `0`. */
  readonly type: string;
};

export const refuseTar = (why: string) => fail("DIST_TAR", `the tar ${why}`);

/** User, group, time, and the two numbers of a device. */
const OTHER_NUMBERS = [
  [108, 116],
  [116, 124],
  [136, 148],
  [329, 337],
  [337, 345],
] as const;

const CHECKSUM = { start: 148, end: 156 } as const;

/**
 * Reads one header block.
 * @param block - 512 bytes
 * @returns DIST_TAR
 * @see POSIX.1-2017 pax, "ustar Interchange Format"
 */
export const parseTarHeader = (block: Uint8Array): Result<TarHeader> => {
  const sum = octal(block.subarray(CHECKSUM.start, CHECKSUM.end));
  if (sum !== checksum(block)) return refuseTar("has a header with a wrong checksum");
  const magic = String.fromCharCode(...block.subarray(257, 265));
  const gnu = magic === "ustar  \0";
  if (!gnu && magic !== "ustar\x0000") return refuseTar("has a header of neither ustar nor GNU");
  const prefix = text(block.subarray(345, 500));
  const name = text(block.subarray(0, 100));
  const linkName = text(block.subarray(157, 257));
  if (prefix === undefined) return refuseTar("has a prefix that is not UTF-8");
  // GNU tar puts other things there; some tools would still take them for a path.
  if (gnu && prefix !== "") return refuseTar("has a GNU header with a prefix");
  const mode = octal(block.subarray(100, 108));
  const size = octal(block.subarray(124, 136));
  // What is not minded here is still read by others, and some end the archive at a number they
  // cannot read.
  const others = OTHER_NUMBERS.every(([start, end]) => isNumber(block.subarray(start, end)));
  if (mode === undefined || size === undefined || !others) {
    return refuseTar("has a malformed number");
  }
  const type = String.fromCharCode(block[156] as number);
  // To old tools this is a folder without content, whatever a long name before it says.
  if (type === "\0" && name?.endsWith("/") !== false)
    return refuseTar("has a folder that is marked as a file");
  return ok({
    name: prefix === "" || name === undefined ? name : `${prefix}/${name}`,
    linkName,
    mode,
    size,
    type: type === "\0" ? "0" : type,
  });
};

/** The sum of all bytes, with the checksum itself taken as spaces. */
const checksum = (block: Uint8Array): number => {
  let sum = 0x20 * (CHECKSUM.end - CHECKSUM.start);
  for (const byte of block.subarray(0, CHECKSUM.start)) sum += byte;
  for (const byte of block.subarray(CHECKSUM.end)) sum += byte;
  return sum;
};

/** Octal digits, then NULs or spaces; empty is zero. GNU's base-256 only serves larger files. */
const octal = (field: Uint8Array): number | undefined => {
  const [, digits] = /^ *([0-7]*)[ \0]*$/.exec(String.fromCharCode(...field)) ?? [];
  return digits === undefined ? undefined : Number.parseInt(`0${digits}`, 8);
};

/** Octal, or GNU's base-256, which begins with one of two bytes. */
const isNumber = (field: Uint8Array): boolean =>
  field[0] === 0x80 || field[0] === 0xff || octal(field) !== undefined;

/** Text up to the first NUL, with nothing but NULs after it. */
const text = (field: Uint8Array): string | undefined => {
  const end = field.indexOf(0);
  const length = end < 0 ? field.length : end;
  if (field.subarray(length).some((byte) => byte !== 0)) return undefined;
  const decoded = fromUtf8(field.subarray(0, length));
  return decoded.ok ? decoded.value : undefined;
};

export const isZero = (block: Uint8Array): boolean => block.every((byte) => byte === 0);
