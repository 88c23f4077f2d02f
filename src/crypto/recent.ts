/** What was computed lately, by a text that says from what: as many as `limit`, oldest use out first. */
export type Recent<T> = {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
};

export const recent = <T>(limit: number): Recent<T> => {
  const kept = new Map<string, T>();
  const set = (key: string, value: T): void => {
    kept.delete(key);
    kept.set(key, value);
    if (kept.size <= limit) return;
    for (const oldest of kept.keys()) {
      kept.delete(oldest);
      return;
    }
  };
  return {
    get: (key) => {
      const value = kept.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
  };
};
