/** Longer patterns and texts than any ref; also bounds the work of matching. */
const MAX_LENGTH = 1024;

const matchSegment = (pattern: string, text: string): boolean => {
  // Classic two-pointer matching: linear on every real input, never exponential.
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p;
      mark = t;
      p += 1;
    } else if (pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      t = mark;
    } else return false;
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
};

/**
 * Whether the whole of `text` matches `pattern`. `*` stands for any characters of one segment,
 * none included, and never for `/`; every other character is itself, case and all.
 */
export const matchesGlob = (pattern: string, text: string): boolean => {
  if (pattern.length > MAX_LENGTH || text.length > MAX_LENGTH) return false;
  const patterns = pattern.split("/");
  const segments = text.split("/");
  return (
    patterns.length === segments.length &&
    patterns.every((one, index) => matchSegment(one, segments[index] as string))
  );
};
