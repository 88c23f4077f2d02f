import { concat } from "../formats/bytes.ts";

/** Reads a stream in the portions that its consumer asks for. */
export type ByteReader = {
  /** Exactly `length` bytes; fewer only where the stream ends. */
  take(length: number): Promise<Uint8Array>;
  /** Hands `length` bytes to `sink`, as they come; gives how many there were. */
  pass(length: number, sink: (chunk: Uint8Array) => void): Promise<number>;
  /** All that is left. */
  rest(): AsyncGenerator<Uint8Array>;
  /** Lets the source go, when not all of it was read. */
  close(): Promise<void>;
};

export const byteReader = (chunks: AsyncIterable<Uint8Array>): ByteReader => {
  const iterator = chunks[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);
  const refill = async (): Promise<boolean> => {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return false;
      held = next.value;
    }
    return true;
  };
  const pass = async (length: number, sink: (chunk: Uint8Array) => void): Promise<number> => {
    let left = length;
    while (left > 0 && (await refill())) {
      const chunk = held.subarray(0, left);
      held = held.subarray(chunk.length);
      left -= chunk.length;
      sink(chunk);
    }
    return length - left;
  };
  return {
    pass,
    take: async (length) => {
      const parts: Uint8Array[] = [];
      await pass(length, (chunk) => parts.push(chunk));
      return concat(...parts);
    },
    close: async () => {
      await iterator.return?.();
    },
    rest: async function* () {
      while (await refill()) {
        const chunk = held;
        held = new Uint8Array(0);
        yield chunk;
      }
    },
  };
};
