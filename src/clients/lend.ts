/** Bytes of a buffer; of one that a small file does not fill, no more than is used takes memory. */
export const LENT_SIZE = 4 * 1024 * 1024;

const KEPT = 8;
const free: Uint8Array[] = [];

/**
 * Lends a buffer for the content of a file while `work` lasts; what it holds at first is of another
 * file. A new one for each file would pile up outside V8's heap, and to clear a thousand of them
 * takes longer than to verify the files.
 */
export const lent = async <T>(work: (buffer: Uint8Array) => Promise<T>): Promise<T> => {
  const buffer = borrow();
  try {
    return await work(buffer);
  } finally {
    giveBack(buffer);
  }
};

/** As {@link lent}, for a generator, which gives it back when it ends. */
export const borrow = (): Uint8Array => free.pop() ?? new Uint8Array(LENT_SIZE);

export const giveBack = (buffer: Uint8Array): void => {
  if (free.length < KEPT) free.push(buffer);
};
