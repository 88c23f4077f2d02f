/** An INTEGER of strict DER at `at`, above zero, and where it ends. */
const readInteger = (
  der: Uint8Array,
  at: number,
  bytes: number,
): { readonly value: Uint8Array; readonly end: number } | undefined => {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const [first = 0x80, second = 0] = der.subarray(at + 2, end);
  if (der[at] !== 0x02 || length < 1 || end > der.length) return undefined;
  // Not negative, and without a zero byte that is not needed.
  if (first >= 0x80 || (length > 1 && first === 0 && second < 0x80)) return undefined;
  const value = der.subarray(first === 0 ? at + 3 : at + 2, end);
  return value.length === 0 || value.length > bytes ? undefined : { value, end };
};

/** Where the numbers begin: P-521's are so long that the sequence's length takes two bytes. */
const bodyOf = (der: Uint8Array): number | undefined => {
  if (der[0] !== 0x30) return undefined;
  if (der[1] === der.length - 2 && der.length - 2 < 0x80) return 2;
  return der[1] === 0x81 && der[2] === der.length - 3 && der.length - 3 >= 0x80 ? 3 : undefined;
};

/**
 * An ECDSA signature as r || s of a fixed length (IEEE P1363), from strict DER (RFC 3279 §2.2.3).
 * Both numbers are above zero; that they are below the curve's order is left to who uses them.
 *
 * @param bytes - of each number: those of the curve's order
 * @returns `undefined` for what is no such signature
 */
export const rawSignature = (der: Uint8Array, bytes: number): Uint8Array | undefined => {
  const at = bodyOf(der);
  const r = at === undefined ? undefined : readInteger(der, at, bytes);
  const s = r && readInteger(der, r.end, bytes);
  if (r === undefined || s === undefined || s.end !== der.length) return undefined;
  const raw = new Uint8Array(2 * bytes);
  raw.set(r.value, bytes - r.value.length);
  raw.set(s.value, 2 * bytes - s.value.length);
  return raw;
};
