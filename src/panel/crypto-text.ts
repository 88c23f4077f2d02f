/** Character codes that one call takes as its arguments. */
const PIECE = 4096;

/** One flat string: put together character by character it would take 20 times the memory. */
const characters = (codes: Uint8Array): string => {
  // `apply` takes bytes as they are; spread would make an array of numbers first.
  const part = (at: number): string =>
    Reflect.apply(String.fromCharCode, undefined, codes.subarray(at, at + PIECE));
  let out = codes.length === 0 ? "" : part(0);
  for (let at = PIECE; at < codes.length; at += PIECE) out += part(at);
  return out;
};

const HEX = new TextEncoder().encode("0123456789abcdef");

/** As `toHex` of crypto/text.ts. */
export const toHex = (bytes: Uint8Array): string => {
  const codes = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0;
    codes[2 * i] = HEX[byte >> 4] ?? 0;
    codes[2 * i + 1] = HEX[byte & 15] ?? 0;
  }
  return characters(codes);
};

/** As `toBase64` of crypto/text.ts. */
export const toBase64 = (bytes: Uint8Array): string => btoa(characters(bytes));

/** As `readBase64` of crypto/text.ts. */
export const readBase64 = (text: string): Uint8Array => {
  let binary = "";
  try {
    binary = atob(text);
  } catch {
    // No base64 at all.
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
};
