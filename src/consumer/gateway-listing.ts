import type { IndexFile } from "../clients/simple-index.ts";
import { looseRelease, parseDistributionFilename } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, type Version } from "../dists/version.ts";
import { type Failure, ok, type Result } from "../formats/result.ts";
import type { SeenFile } from "./gateway-state.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";
import type { Upstream } from "./upstreams.ts";

/** A file that was ever listed, and whether it still is. */
type KnownFile = SeenFile & {
  /** What the upstream says of it now; absent where it lists it no more. */
  readonly live?: IndexFile;
};

/** The same, with what its name says. */
export type ListedFile = KnownFile & {
  readonly version: Version | undefined;
  /** Whether its name is in the normal form that new files have. */
  readonly normal: boolean;
};

/** A project as the gateway knows it: all files that were ever listed, oldest first. */
export type ProjectListing = {
  readonly project: NormalizedName;
  readonly upstream: Upstream;
  readonly files: readonly ListedFile[];
  /** Why the upstream was not asked; then its last page stands for it. */
  readonly outage?: Failure;
};

/** @param anew - whether the upstream is asked although its page is known and not old */
export type Listings = (project: NormalizedName, anew?: "anew") => Promise<Result<ProjectListing>>;

const MAX_PAGES = 1_000;

const named = (file: KnownFile): ListedFile => {
  const strict = parseDistributionFilename(file.filename);
  const parsed = strict.ok ? strict : looseRelease(file.filename);
  const version = parsed.ok ? parsed.value.version : undefined;
  return { ...file, version, normal: strict.ok };
};

/** Pages of upstreams, each asked for at most once in `config.refresh`, and once at a time. */
export const openListings = (world: GatewayWorld): Listings => {
  const pages = new Map<NormalizedName, { at: number; page: Promise<Result<ProjectListing>> }>();
  return async (project, anew) => {
    const owner = world.upstreams.ownerOf(project);
    if (!owner.ok) return owner;
    const known = pages.get(project);
    const age = known === undefined ? Number.POSITIVE_INFINITY : world.now() - known.at;
    if (known !== undefined && anew === undefined && age < world.config.refresh) return known.page;
    const page = load(world, project, owner.value);
    // Anybody may ask for any name: the page that was asked for first makes room.
    const [oldest] = pages.keys();
    if (pages.size >= MAX_PAGES && oldest !== undefined) pages.delete(oldest);
    pages.delete(project);
    pages.set(project, { at: world.now(), page });
    const loaded = await page.catch((error: unknown) => {
      pages.delete(project);
      throw error;
    });
    if (!loaded.ok) pages.delete(project);
    return loaded;
  };
};

const load = async (
  world: GatewayWorld,
  project: NormalizedName,
  upstream: Upstream,
): Promise<Result<ProjectListing>> => {
  const page = await upstream.index.project(project);
  const known = await world.state.files(project);
  if (page.ok) return ok(await merge(world, { project, upstream }, known, page.value.files));
  world.metrics.count("wheelseal_gateway_upstream_failures_total", {
    upstream: upstream.config.name,
    code: page.error.code,
  });
  const { code, message } = page.error;
  world.log({ level: "error", event: "upstream", upstream: upstream.config.name, code, message });
  // A project that is gone as a whole is withdrawn, not out of reach.
  if (code === "REGISTRY_NOT_FOUND" && known.length > 0) {
    return ok(await merge(world, { project, upstream }, known, []));
  }
  if (known.length === 0 || !isOutage(page.error)) return page;
  const files = known.map((file) => named({ ...file, live: file.listed }));
  return ok({ project, upstream, files, outage: page.error });
};

const merge = async (
  world: GatewayWorld,
  about: Pick<ProjectListing, "project" | "upstream">,
  known: readonly SeenFile[],
  listed: readonly IndexFile[],
): Promise<ProjectListing> => {
  const { project, upstream } = about;
  const recent = new Map(known.map((file) => [file.filename, file]));
  const changed = join(world, about, known, listed).filter(
    (file) => !sameListing(recent.get(file.filename), file),
  );
  // Another replica may have seen the same at the same time: what holds is what was there before.
  const before = changed.length > 0 ? await world.state.see(project, changed) : known;
  const seen = join(world, about, before, listed);
  const live = new Map(seen.map((file) => [file.filename, file]));
  const gone = before.filter((file) => !live.has(file.filename));
  const earlier = new Map(before.map((file) => [file.filename, file.listed.sha256]));
  for (const file of seen) {
    const replaced = (file.live?.sha256 ?? "") !== file.sha256;
    if (replaced && earlier.get(file.filename) !== file.live?.sha256) {
      await alarmReplaced(world, file);
    }
  }
  const files = [...gone, ...seen].sort((a, b) => a.firstSeen - b.firstSeen);
  return { project, upstream, files: files.map(named) };
};

/** The files that a page lists, each as it was when it was first seen. */
const join = (
  world: GatewayWorld,
  { project, upstream }: Pick<ProjectListing, "project" | "upstream">,
  known: readonly SeenFile[],
  listed: readonly IndexFile[],
): KnownFile[] => {
  const now = world.now();
  const before = new Map(known.map((file) => [file.filename, file]));
  return listed.map((live): KnownFile => {
    const { filename } = live;
    const old = before.get(filename);
    if (old !== undefined) return { ...old, listed: live, live };
    // On the first sight of a project its files are as old as the upstream says; never later on.
    const claimed = known.length === 0 ? (live.uploadTime ?? now) : now;
    const firstSeen = Math.min(now, claimed);
    const sha256 = live.sha256 ?? "";
    const { name } = upstream.config;
    return { project, filename, upstream: name, sha256, firstSeen, listed: live, live };
  });
};

const sameListing = (old: SeenFile | undefined, file: KnownFile): boolean =>
  old !== undefined && JSON.stringify(old.listed) === JSON.stringify(file.listed);

const alarmReplaced = (
  world: GatewayWorld,
  { project, filename, sha256, live }: KnownFile,
): Promise<void> =>
  tell(world, {
    kind: "alarm",
    code: "GATEWAY_REPLACED",
    project,
    filename,
    sha256,
    message: `the upstream lists ${filename} with the digest ${live?.sha256 ?? "none"} now`,
  });

/** The highest version of which the upstream still lists a file, yanked or not. */
export const highestLive = (listing: ProjectListing): Version | undefined =>
  listing.files
    .flatMap(({ live, version }) => (live !== undefined && version !== undefined ? [version] : []))
    .sort(compareVersions)
    .at(-1);
