const TIME = /^(\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 has four digits for the year: the first millisecond of the year 0, the last of 9999. */
const FIRST = -62_167_219_200_000;
const LAST = 253_402_300_799_999;

const isWritable = (milliseconds: number): boolean => milliseconds >= FIRST && milliseconds <= LAST;

/** Milliseconds since 1970 of an RFC 3339 time, finer fractions cut off, or `undefined`. */
export const parseRfc3339 = (text: string): number | undefined => {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, seconds, day, fraction = "", zone] = parts;
  const time = Date.parse(`${seconds}${zone}`);
  // Date.parse takes 31 February for a day of March, and hour 24 for the next day.
  const local = zone === "Z" ? time : Date.parse(`${seconds}Z`);
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return undefined;
  const exact = time + Number(fraction.padEnd(3, "0").slice(0, 3));
  return isWritable(exact) ? exact : undefined;
};

/** RFC 3339 in UTC, milliseconds only where there are some; a plain number outside its years. */
export const rfc3339 = (milliseconds: number): string => {
  if (!isWritable(milliseconds)) return `${milliseconds} milliseconds since 1970`;
  const text = new Date(milliseconds).toISOString();
  return text.endsWith(".000Z") ? `${text.slice(0, -5)}Z` : text;
};
