import type { Result } from "../formats/result.ts";
import type { EvidenceSource } from "./release.ts";

/** A file that was asked for to see whether it is there is not read again for its content. */
export const readOnce = (source: EvidenceSource): EvidenceSource => {
  const kept = new Map<string, Result<Uint8Array | undefined>>();
  return async (name) => {
    const known = kept.get(name);
    if (known !== undefined) {
      // It was parsed, or will be: large ones do not stay until the end.
      kept.delete(name);
      return known;
    }
    const found = await source(name);
    kept.set(name, found);
    return found;
  };
};
