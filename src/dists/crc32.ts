// Slicing by four: tables[k][b] is the CRC of byte b followed by k zero bytes.
const makeTables = (): Uint32Array => {
  const tables = new Uint32Array(1024);
  const at = (index: number): number => tables[index] as number;
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    tables[byte] = value;
  }
  for (let index = 256; index < 1024; index += 1) {
    const previous = at(index - 256);
    tables[index] = (previous >>> 8) ^ at(previous & 255);
  }
  return tables;
};

const TABLES = makeTables();

/**
 * CRC-32 of zip and gzip (RFC 1952 §8), continued from `crc`, the CRC of what came before.
 * @returns an unsigned 32-bit number
 */
export const crc32 = (bytes: Uint8Array, crc = 0): number => {
  const table = TABLES;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const aligned = bytes.length & ~3;
  let state = ~crc;
  let at = 0;
  for (; at < aligned; at += 4) {
    const word = state ^ view.getUint32(at, true);
    state =
      (table[768 + (word & 255)] as number) ^
      (table[512 + ((word >>> 8) & 255)] as number) ^
      (table[256 + ((word >>> 16) & 255)] as number) ^
      (table[word >>> 24] as number);
  }
  for (; at < bytes.length; at += 1) {
    state = (state >>> 8) ^ (table[(state ^ view.getUint8(at)) & 255] as number);
  }
  return ~state >>> 0;
};
