/** What was computed lately, by a text that says from what: as many as `limit`, oldest use out first. */
export type Recent<T> = {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
};

/**
 * Two halves, of which the older goes as a whole when the younger is full: what was used since
 * then is in the younger. To keep all in the order of use would take longer than what is kept.
 */
export const recent = <T>(limit: number): Recent<T> => {
  const half = limit / 2;
  let [young, old] = [new Map<string, T>(), new Map<string, T>()];
  const set = (key: string, value: T): void => {
    if (young.size >= half && !young.has(key)) [young, old] = [new Map(), young];
    young.set(key, value);
  };
  return {
    get: (key) => {
      const known = young.get(key);
      if (known !== undefined) return known;
      const value = old.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
  };
};
