// Bytes as text, by the platform: a loop over them takes ten times as long, and most of what a
// verification reads is base64.

const view = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** Lower-case hexadecimal. */
export const toHex = (bytes: Uint8Array): string => view(bytes).toString("hex");

/** Base64 with padding, RFC 4648 §4. */
export const toBase64 = (bytes: Uint8Array): string => view(bytes).toString("base64");

/**
 * What can be read as base64, whatever stands between: only text that {@link toBase64} gives back
 * for the answer was base64.
 */
export const readBase64 = (text: string): Uint8Array => {
  // Not from the pool of Node: a part of 8 KiB would keep all of it.
  const bytes = new Uint8Array(Buffer.byteLength(text, "base64"));
  const length = view(bytes).write(text, "base64");
  return length === bytes.length ? bytes : bytes.subarray(0, length);
};
