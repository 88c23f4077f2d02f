/** Content of a store. */
export type Kept = {
  /** Lower-case hex. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
};

/** What a store holds, in the order in which it was served, and what of it is in use. */
export type Ledger = {
  readonly has: (digest: string) => boolean;
  /** Enters content, as what was served last. */
  readonly put: (kept: Kept) => void;
  readonly forget: (digest: string) => void;
  /** Makes content what was served last. */
  readonly served: (digest: string) => void;
  /** Keeps content in its place, whether or not it is there yet, until what it gives is called. */
  readonly use: (digest: string) => () => void;
  /** Bytes of all content. */
  readonly bytes: () => number;
  /** Strikes out what has to go for the rest to be within the limit, as far as nothing uses it. */
  readonly overflow: () => Kept[];
};

/** @param limit - bytes; `undefined` for none */
export const openLedger = (limit: number | undefined): Ledger => {
  /** Sizes by digest, the least recently served first. */
  const sizes = new Map<string, number>();
  const users = new Map<string, number>();
  let total = 0;
  const forget = (digest: string): void => {
    total -= sizes.get(digest) ?? 0;
    sizes.delete(digest);
  };
  const put = ({ digest, size }: Kept): void => {
    forget(digest);
    sizes.set(digest, size);
    total += size;
  };
  const use = (digest: string) => {
    users.set(digest, (users.get(digest) ?? 0) + 1);
    let isUsed = true;
    return (): void => {
      if (!isUsed) return;
      isUsed = false;
      const left = (users.get(digest) ?? 1) - 1;
      if (left === 0) users.delete(digest);
      else users.set(digest, left);
    };
  };
  const overflow = (): Kept[] => {
    const gone: Kept[] = [];
    if (limit === undefined) return gone;
    for (const [digest, size] of sizes) {
      if (total <= limit) break;
      if (users.has(digest)) continue;
      forget(digest);
      gone.push({ digest, size });
    }
    return gone;
  };
  return {
    has: (digest) => sizes.has(digest),
    put,
    forget,
    served: (digest) => {
      const size = sizes.get(digest);
      if (size !== undefined) put({ digest, size });
    },
    use,
    bytes: () => total,
    overflow,
  };
};
