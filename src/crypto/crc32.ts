import { crc32 as zlibCrc32 } from "node:zlib";

/**
 * CRC-32 of zip and gzip (RFC 1952 §8), continued from `crc`, the CRC of what came before.
 * @returns an unsigned 32-bit number
 */
export const crc32 = (bytes: Uint8Array, crc = 0): number => zlibCrc32(bytes, crc);
