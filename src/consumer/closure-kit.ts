import type { Files } from "../clients/files.ts";
import type { NormalizedName } from "../dists/name.ts";
import { MAX_EVIDENCE_BYTES } from "../formats/evidence.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { ReleaseVerdict } from "../stages/release.ts";
import type { IdentityPolicy } from "../verification/verdict.ts";
import { expectationOf } from "./attestation-identity.ts";
import { type ClosureVerdict, type FileVerdict, filesOf } from "./closure-verdict.ts";
import type { ClosureWorld } from "./closure-world.ts";
import type { KitEntry } from "./kit-export.ts";
import type { KitPackage } from "./kit-manifest.ts";
import type { Stated } from "./kit-policy.ts";

type World = Pick<ClosureWorld, "files" | "store" | "upstreams">;

/** Whom the lock itself states for the packages that nobody else named. */
export const statedIn = ({ entries }: ClosureVerdict): Stated => {
  const stated = new Map<NormalizedName, IdentityPolicy[]>();
  for (const { entry, files } of entries) {
    if (!files.some(({ demanded }) => demanded === "lock")) continue;
    const identities = entry.identities
      .map(expectationOf)
      .flatMap((one) => (one.ok ? [one.value] : []));
    stated.set(entry.name, [...(stated.get(entry.name) ?? []), ...identities]);
  }
  return stated;
};

/** The evidence by its names, as the first source gave it: the whole of it, others only replace. */
const evidenceOf = async (
  files: Files,
  store: ClosureWorld["store"],
  { evidence }: FileVerdict,
): Promise<Result<ReadonlyMap<string, Uint8Array>>> => {
  const found = new Map<string, Uint8Array>();
  for (const { name, sha256 } of evidence) {
    if (found.has(name)) continue;
    const bytes = await files.read(store.pathOf(sha256), MAX_EVIDENCE_BYTES);
    if (!bytes.ok) return bytes;
    found.set(name, bytes.value);
  }
  return ok(found);
};

/** What stands for a verdict where there was nothing to judge by. */
const bare = ({ filename, sha256 }: FileVerdict, size: number): ReleaseVerdict => ({
  ...{ filename, sha256, size, proofs: [], findings: [], waivers: [] },
});

const entryOf = async (
  { files, store, upstreams }: World,
  file: FileVerdict,
  outcome: KitPackage["verdict"],
): Promise<Result<KitEntry>> => {
  const artifact = await files.artifact(store.pathOf(file.sha256));
  if (!artifact.ok) return artifact;
  const { open, size } = artifact.value;
  if (open === undefined) return fail("FILE_UNREADABLE", `${file.filename} cannot be opened`);
  // A pinned file was accepted without its evidence, so that says nothing.
  const evidence = outcome === "pinned" ? ok(new Map()) : await evidenceOf(files, store, file);
  if (!evidence.ok) return evidence;
  const owner = upstreams.all.find(({ config }) => config.name === file.upstream);
  return ok({
    verdict: file.release ?? bare(file, size),
    evidence: evidence.value,
    open,
    demands: owner?.config.demands ?? "release",
    outcome,
  });
};

/** The files of a lock that were not refused, with what they were judged by. */
export const closureEntries = async (
  world: World,
  verdict: ClosureVerdict,
): Promise<Result<KitEntry[]>> => {
  const entries: KitEntry[] = [];
  for (const file of filesOf(verdict)) {
    const { outcome } = file;
    if (outcome === "refused" || outcome === "unavailable") continue;
    const entry = await entryOf(world, file, outcome);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return ok(entries);
};
