import type { IndexFile } from "../clients/simple-index.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import type { GatewayWorld } from "./gateway-world.ts";

/** A listed file whose digest is stated. */
export type Stated = IndexFile & { readonly sha256: string };

/** Brings the file into quarantine: from the store if it was accepted before, else from upstream. */
export const bring = async (
  world: GatewayWorld,
  { upstream }: ProjectListing,
  listed: Stated,
  path: string,
): Promise<Result<void>> => {
  if (await world.store.takeOut(listed.sha256, path)) {
    const kept = await world.files.artifact(path);
    if (kept.ok && hex(kept.value.sha256) === listed.sha256) return ok(undefined);
    world.log({ level: "error", event: "store", sha256: listed.sha256, message: "was damaged" });
    const removed = await world.files.remove(path);
    if (!removed.ok) return removed;
  }
  const fetched = await upstream.index.download(listed, path, world.config.maxBytes, true);
  return fetched.ok ? ok(undefined) : fetched;
};

/** Moves a file from quarantine into the store, if it is still the one with that digest. */
export const keep = async (
  world: GatewayWorld,
  path: string,
  sha256: string,
): Promise<Result<number>> => {
  const artifact = await world.files.artifact(path);
  if (!artifact.ok) return artifact;
  if (hex(artifact.value.sha256) !== sha256) {
    return fail("DIST_CHANGED", `${artifact.value.name} changed in quarantine`);
  }
  const kept = await world.store.keep(path, sha256);
  return kept.ok ? ok(artifact.value.size) : kept;
};
