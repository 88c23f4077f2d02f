import { createECDH, type ECDH } from "node:crypto";
import { rawSignature } from "./ecdsa-signature.ts";

// ECDSA over P-256 by digest. OpenSSL, as Node offers it, verifies only what it digests itself, but
// it multiplies points by any number (ECDH): that is nearly all of the work. What is left, one
// addition of points, is done here, on the public values that a verification has.

const CURVE = "prime256v1";
/** Of the field and of the group (SEC 2 §2.4.2). */
const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const BYTES = 32;

type Point = { readonly x: bigint; readonly y: bigint };

const number = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`);

const scalar = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * BYTES, "0"), "hex");

/** From 0x04 || X || Y (SEC 1 §2.3.3). */
const pointOf = (bytes: Uint8Array): Point => ({
  x: number(bytes.subarray(1, 1 + BYTES)),
  y: number(bytes.subarray(1 + BYTES)),
});

/** The inverse of `value`, which is not 0, modulo a prime above it. */
const inverse = (value: bigint, prime: bigint): bigint => {
  let [high, low, before, now] = [prime, value, 0n, 1n];
  while (low !== 0n) {
    const quotient = high / low;
    [high, low] = [low, high - quotient * low];
    [before, now] = [now, before - quotient * now];
  }
  return before < 0n ? before + prime : before;
};

const modulo = (value: bigint, prime: bigint): bigint => ((value % prime) + prime) % prime;

/** a + b, for points with different first coordinates (SEC 1 §2.2.1). */
const sum = (a: Point, b: Point): Point => {
  const slope = (b.y - a.y) * inverse(modulo(b.x - a.x, P), P);
  const x = modulo(slope * slope - a.x - b.x, P);
  return { x, y: modulo(slope * (a.x - x) - a.y, P) };
};

/** Both numbers from 1 up to N - 1, or `undefined` (RFC 3279 §2.2.3). */
const readSignature = (der: Uint8Array): { r: bigint; s: bigint } | undefined => {
  const raw = rawSignature(der, BYTES);
  if (raw === undefined) return undefined;
  const [r, s] = [number(raw.subarray(0, BYTES)), number(raw.subarray(BYTES))];
  return r < N && s < N ? { r, s } : undefined;
};

let engine: ECDH | undefined;

/** ECDH with this private number. */
const ecdhOf = (value: bigint): ECDH => {
  engine ??= createECDH(CURVE);
  engine.setPrivateKey(scalar(value));
  return engine;
};

/** `value` times the curve's base point. */
const timesBase = (value: bigint): Point => pointOf(ecdhOf(value).getPublicKey());

/** The first coordinate of `value` times `point`: all that ECDH tells. */
const timesPoint = (value: bigint, { x, y }: Point): bigint =>
  number(ecdhOf(value).computeSecret(Buffer.concat([Buffer.of(0x04), scalar(x), scalar(y)])));

/**
 * Verifies as FIPS 186-5 §6.4.2 says: x(u1·G + u2·Q) ≡ r, where u1 = e/s and u2 = r/s. That sum is
 * u2·((e/r)·G + Q), whose first coordinate is what ECDH of u2 with the point in brackets tells.
 *
 * @param point - Q as 0x04 || X || Y, on the curve
 * @param signature - DER
 * @returns `undefined` in the rare cases where the points to add are equal or opposite, or one is
 * none: another way must be taken
 */
export const verifyP256Digest = (
  point: Uint8Array,
  signature: Uint8Array,
  digest: Uint8Array,
): boolean | undefined => {
  const numbers = readSignature(signature);
  if (numbers === undefined) return false;
  const { r, s } = numbers;
  const both = inverse((r * s) % N, N);
  const e = number(digest.subarray(0, BYTES)) % N;
  if (e === 0n) return undefined;
  const key = pointOf(point);
  const base = timesBase((e * s * both) % N);
  if (base.x === key.x) return undefined;
  return timesPoint((r * r * both) % N, sum(base, key)) % N === r;
};
