/** What was noted a short time ago. */
export type Recently = {
  readonly has: (what: string, now: number) => boolean;
  /** False where it was noted already, or so much else was that there is no room. */
  readonly note: (what: string, now: number) => boolean;
};

/** @param period - milliseconds that something stays noted */
export const openRecently = (max: number, period: number): Recently => {
  /** Times by what was noted, the earliest first. */
  const noted = new Map<string, number>();
  const forget = (now: number): void => {
    for (const [what, at] of noted) {
      if (now - at < period) return;
      noted.delete(what);
    }
  };
  const has: Recently["has"] = (what, now) => {
    forget(now);
    return noted.has(what);
  };
  return {
    has,
    note: (what, now) => {
      if (has(what, now) || noted.size >= max) return false;
      noted.set(what, now);
      return true;
    },
  };
};
