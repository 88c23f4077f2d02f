import { parseTarHeader } from "../dists/tar-header.ts";
import { concat, utf8 } from "../formats/bytes.ts";

/** Everything in a kit is below this folder. */
const KIT_FOLDER = "wheelseal-kit";

const BLOCK = 512;
const MAX_NAME = 100;
/** What eleven octal digits can say; larger distributions are refused long before. */
export const MAX_KIT_FILE = 8 ** 11 - 1;

/** Two blocks of zeros: the end of a tar. */
export const TAR_END = new Uint8Array(2 * BLOCK);

/** Zeros after `size` bytes of content, up to a whole block. */
export const paddingOf = (size: number): Uint8Array =>
  new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

const octal = (value: number, digits: number): string =>
  `${value.toString(8).padStart(digits, "0")}\0`;

const CHECKSUM_AT = 148;
const MAGIC_AT = 257;

/** One ustar block: a file of mode 644 of nobody, at the beginning of 1970. */
const block = (name: Uint8Array, size: number, type: "0" | "x"): Uint8Array => {
  const header = new Uint8Array(BLOCK);
  header.set(name.subarray(0, MAX_NAME));
  const numbers = octal(0o644, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11);
  header.set(utf8(`${numbers}        ${type}`), MAX_NAME);
  header.set(utf8("ustar\x0000"), MAGIC_AT);
  header.set(utf8(octal(0, 7) + octal(0, 7)), 329);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(utf8(`${octal(sum, 6)} `), CHECKSUM_AT);
  return header;
};

/** `length path=…\n`, where the length counts its own digits. */
const paxPath = (path: string): Uint8Array => {
  const rest = ` path=${path}\n`;
  let length = utf8(rest).length;
  while (String(length).length + utf8(rest).length !== length) length += 1;
  return utf8(`${length}${rest}`);
};

/**
 * The header of a file of a kit, in the one way in which it is written: all of it follows from the
 * path and the size, so a reader needs no more than to compare. Paths that a ustar header has no
 * room for have a pax header before it.
 *
 * @param path - below {@link KIT_FOLDER}; printable ASCII
 * @see POSIX.1-2017 pax, "ustar Interchange Format"
 */
export const tarHead = (path: string, size: number): Uint8Array => {
  const name = utf8(`${KIT_FOLDER}/${path}`);
  if (name.length <= MAX_NAME) return block(name, size, "0");
  const pax = paxPath(`${KIT_FOLDER}/${path}`);
  const before = block(utf8(`${KIT_FOLDER}/pax`), pax.length, "x");
  return concat(before, pax, paddingOf(pax.length), block(name, size, "0"));
};

/** The size that the first header of an archive states; `undefined` where it is no tar's. */
export const statedSize = (first: Uint8Array): number | undefined => {
  const header = parseTarHeader(first);
  return header.ok ? header.value.size : undefined;
};
