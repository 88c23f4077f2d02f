const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970 of an RFC 3339 time, finer fractions cut off, or `undefined`. */
export const parseRfc3339 = (text: string): number | undefined => {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, seconds, fraction = "", zone] = parts;
  const time = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(time) ? undefined : time + Number(fraction.padEnd(3, "0").slice(0, 3));
};

/** RFC 3339 in UTC; milliseconds only where there are some. */
export const rfc3339 = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(".000Z", "Z");
