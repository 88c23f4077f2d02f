/**
 * As `read`, for objects that never change, such as parsed certificates: what it gives is kept as
 * long as the object, and is for all who ask.
 */
export const derived = <Of extends object, T extends object>(
  read: (of: Of) => T,
): ((of: Of) => T) => {
  const known = new WeakMap<Of, T>();
  return (of) => {
    const kept = known.get(of);
    if (kept !== undefined) return kept;
    const value = read(of);
    known.set(of, value);
    return value;
  };
};
