/**
 * Inflates a raw DEFLATE stream (RFC 1951), piece by piece.
 *
 * Must throw when the stream is malformed, when it ends before its final block does, and when
 * bytes follow the final block: what two tools may read differently is no archive of ours.
 */
export type InflateRaw = (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** Bytes that can be read from any place, such as an open file. */
export type RandomAccess = {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; throws when they are not there. */
  read(offset: number, length: number): Promise<Uint8Array>;
};
