import type { FileArtifact, Files } from "../clients/files.ts";
import type { IndexFile } from "../clients/simple-index.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { GatewayStore } from "./gateway-store.ts";
import type { Upstream } from "./upstreams.ts";

/** A listed file whose digest is stated. */
export type Stated = IndexFile & { readonly sha256: string };

/** Where files are kept, and how large they may be. */
export type Keeping = {
  readonly store: GatewayStore;
  readonly files: Files;
  /** Bytes of one distribution at most. */
  readonly maxBytes: number;
};

/** The digest of a file as it is now. */
const digested = (files: Files, path: string): Promise<Result<FileArtifact>> =>
  files.hold(path, async (artifact) => artifact);

/**
 * Brings a file into quarantine: from the store if it was kept before, else from its upstream.
 * @param damaged - is told where what was kept is not what it was
 * @returns as the index's `download` does
 */
export const bringFile = async (
  { store, files, maxBytes }: Keeping,
  { index }: Upstream,
  listed: Stated,
  path: string,
  damaged: () => void = () => undefined,
): Promise<Result<void>> => {
  if (await store.takeOut(listed.sha256, path)) {
    const kept = await digested(files, path);
    if (kept.ok && hex(kept.value.sha256) === listed.sha256) return ok(undefined);
    damaged();
    const removed = await files.remove(path);
    if (!removed.ok) return removed;
  }
  const fetched = await index.download(listed, path, maxBytes, true);
  return fetched.ok ? ok(undefined) : fetched;
};

/**
 * Moves a file from quarantine into the store, if it is still the one with that digest.
 * @returns its size in bytes; DIST_CHANGED
 */
export const keepFile = async (
  { store, files }: Pick<Keeping, "store" | "files">,
  path: string,
  sha256: string,
): Promise<Result<number>> => {
  const artifact = await digested(files, path);
  if (!artifact.ok) return artifact;
  if (hex(artifact.value.sha256) !== sha256) {
    return fail("DIST_CHANGED", `${artifact.value.name} changed in quarantine`);
  }
  const kept = await store.keep(path, sha256);
  return kept.ok ? ok(artifact.value.size) : kept;
};
