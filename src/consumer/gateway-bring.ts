import type { Result } from "../formats/result.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import type { GatewayWorld } from "./gateway-world.ts";
import { bringFile, type Stated } from "./quarantined.ts";

/** Brings a file into quarantine; that a kept one was damaged is logged. */
export const bring = (
  { store, files, config, log }: GatewayWorld,
  { upstream }: ProjectListing,
  listed: Stated,
  path: string,
): Promise<Result<void>> =>
  bringFile({ store, files, maxBytes: config.maxBytes }, upstream, listed, path, () =>
    log({ level: "error", event: "store", sha256: listed.sha256, message: "was damaged" }),
  );
