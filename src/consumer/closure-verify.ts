import pLimit from "p-limit";
import type { ProjectPage } from "../clients/simple-index.ts";
import type { NormalizedName } from "../dists/name.ts";
import { failure, ok, type Result } from "../formats/result.ts";
import type { Closure, ClosureEntry } from "./closure.ts";
import { examineFile } from "./closure-file.ts";
import { locate } from "./closure-locate.ts";
import type { ClosureVerdict, EntryVerdict, FileVerdict } from "./closure-verdict.ts";
import type { ClosureWorld } from "./closure-world.ts";

const CONCURRENCY = 4;

/**
 * Verifies every file of a lock: fetches it from the one upstream that owns its name, compares its
 * digest with the lock's, and judges it by all evidence there is. Every file has a verdict; that
 * one is bad is no failure of this function.
 *
 * A package of which some files are signed and others are not is refused (LOCK_ATTESTATION_LOST),
 * and so is one that others have signed than the lock states (LOCK_IDENTITY).
 *
 * @returns as `trust` does
 */
export const verifyClosure = async (
  closure: Closure,
  world: ClosureWorld,
): Promise<Result<ClosureVerdict>> => {
  const trust = await world.trust();
  if (!trust.ok) return trust;
  const limit = pLimit(world.concurrency ?? CONCURRENCY);
  const pages = pagesOf(world, limit);
  const entries = await Promise.all(
    closure.entries.map((entry) => verifyEntry(entry, world, pages, limit)),
  );
  return ok({ closure, entries, unverifiable: closure.unverifiable });
};

type Limit = ReturnType<typeof pLimit>;
type Pages = (name: NormalizedName) => Promise<Result<ProjectPage>>;

/** Each project's page once, however many versions of it the lock has. */
const pagesOf = ({ upstreams }: ClosureWorld, limit: Limit): Pages => {
  const pages = new Map<NormalizedName, Promise<Result<ProjectPage>>>();
  return (name) => {
    const owner = upstreams.ownerOf(name);
    if (!owner.ok) return Promise.resolve(owner);
    const page = pages.get(name) ?? limit(() => owner.value.index.project(name));
    pages.set(name, page);
    return page;
  };
};

const verifyEntry = async (
  entry: ClosureEntry,
  world: ClosureWorld,
  pages: Pages,
  limit: Limit,
): Promise<EntryVerdict> => {
  const page = entry.from === "archive" ? ok(undefined) : await pages(entry.name);
  const { files, unlisted } = locate(entry, page);
  const wanted = files.filter(
    ({ of, filename }) => of === "release" || (world.wanted?.(filename) ?? true),
  );
  const judged = await Promise.all(
    wanted.map((file) => limit(() => examineFile(world, entry, file))),
  );
  const settled = judged.map((verdict) => settle(verdict, judged));
  for (const verdict of settled) world.report?.(verdict);
  return { entry, files: settled, unlisted };
};

/** A file without evidence among signed ones of its release is what an intruder's looks like. */
const settle = (verdict: FileVerdict, all: readonly FileVerdict[]): FileVerdict => {
  if (verdict.outcome !== "unattested") return verdict;
  const signed = all.find(({ signer }) => signer !== undefined);
  if (signed === undefined) return verdict;
  const message = `${verdict.filename} is not signed, and ${signed.filename} is`;
  return { ...verdict, outcome: "refused", failure: failure("LOCK_ATTESTATION_LOST", message) };
};
