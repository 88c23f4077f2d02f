/** Small content that was used last, in memory: metadata is asked for right after it was kept. */
export type RecentContent = {
  readonly get: (digest: string) => Uint8Array<ArrayBuffer> | undefined;
  /** Content that is too large is not kept; others go when there is no room. */
  readonly put: (digest: string, content: Uint8Array) => void;
  readonly forget: (digest: string) => void;
};

/**
 * @param maxBytes - of all content together
 * @param maxEach - bytes of one
 */
export const openRecentContent = (maxBytes: number, maxEach: number): RecentContent => {
  /** What was used last comes last. */
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  let total = 0;
  const forget = (digest: string): void => {
    total -= kept.get(digest)?.length ?? 0;
    kept.delete(digest);
  };
  return {
    get: (digest) => {
      const content = kept.get(digest);
      if (content !== undefined) {
        kept.delete(digest);
        kept.set(digest, content);
      }
      return content;
    },
    put: (digest, content) => {
      forget(digest);
      if (content.length > maxEach) return;
      kept.set(digest, new Uint8Array(content));
      total += content.length;
      for (const oldest of kept.keys()) {
        if (total <= maxBytes) return;
        forget(oldest);
      }
    },
    forget,
  };
};
