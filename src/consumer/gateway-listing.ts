import type { IndexFile } from "../clients/simple-index.ts";
import { looseRelease } from "../dists/filename.ts";
import type { NormalizedName } from "../dists/name.ts";
import { compareVersions, type Version } from "../dists/version.ts";
import { type Failure, ok, type Result } from "../formats/result.ts";
import type { SeenFile } from "./gateway-state.ts";
import { type GatewayWorld, isOutage, tell } from "./gateway-world.ts";
import type { Upstream } from "./upstreams.ts";

/** A file that was ever listed, and whether it still is. */
export type ListedFile = SeenFile & {
  readonly version: Version | undefined;
  /** What the upstream says of it now; absent where it lists it no more. */
  readonly live?: IndexFile;
};

/** A project as the gateway knows it: all files that were ever listed, oldest first. */
export type ProjectListing = {
  readonly project: NormalizedName;
  readonly upstream: Upstream;
  readonly files: readonly ListedFile[];
  /** Why the upstream was not asked; then its last page stands for it. */
  readonly outage?: Failure;
};

export type Listings = (project: NormalizedName) => Promise<Result<ProjectListing>>;

const MAX_PAGES = 1_000;

const versionOf = (filename: string): Version | undefined => {
  const parsed = looseRelease(filename);
  return parsed.ok ? parsed.value.version : undefined;
};

/** Pages of upstreams, each asked for at most once in `config.refresh`, and once at a time. */
export const openListings = (world: GatewayWorld): Listings => {
  const pages = new Map<NormalizedName, { at: number; page: Promise<Result<ProjectListing>> }>();
  return async (project) => {
    const owner = world.upstreams.ownerOf(project);
    if (!owner.ok) return owner;
    const known = pages.get(project);
    if (known !== undefined && world.now() - known.at < world.config.refresh) return known.page;
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
  const known = world.state.files(project);
  if (page.ok) return ok(merge(world, { project, upstream }, known, page.value.files));
  world.metrics.count("wheelseal_gateway_upstream_failures_total", {
    upstream: upstream.config.name,
    code: page.error.code,
  });
  const { code, message } = page.error;
  world.log({ level: "error", event: "upstream", upstream: upstream.config.name, code, message });
  // A project that is gone as a whole is withdrawn, not out of reach.
  if (code === "REGISTRY_NOT_FOUND" && known.length > 0) {
    return ok(merge(world, { project, upstream }, known, []));
  }
  if (known.length === 0 || !isOutage(page.error)) return page;
  const files = known.map((file) => ({
    ...file,
    live: file.listed,
    version: versionOf(file.filename),
  }));
  return ok({ project, upstream, files, outage: page.error });
};

const merge = (
  world: GatewayWorld,
  { project, upstream }: Pick<ProjectListing, "project" | "upstream">,
  known: readonly SeenFile[],
  listed: readonly IndexFile[],
): ProjectListing => {
  const now = world.now();
  const before = new Map(known.map((file) => [file.filename, file]));
  const seen = listed.map((live): ListedFile => {
    const old = before.get(live.filename);
    const { filename } = live;
    const version = versionOf(filename);
    if (old !== undefined) return { ...old, listed: live, live, version };
    // On the first sight of a project its files are as old as the upstream says; never later on.
    const claimed = known.length === 0 ? (live.uploadTime ?? now) : now;
    const firstSeen = Math.min(now, claimed);
    const sha256 = live.sha256 ?? "";
    const { name } = upstream.config;
    return { project, filename, upstream: name, sha256, firstSeen, listed: live, live, version };
  });
  const live = new Map(seen.map((file) => [file.filename, file]));
  const gone = known
    .filter((file) => !live.has(file.filename))
    .map((file) => ({ ...file, version: versionOf(file.filename) }));
  const changed = seen.filter((file) => !sameListing(before.get(file.filename), file));
  if (changed.length > 0) world.state.see(changed);
  for (const file of seen) {
    const replaced = (file.live?.sha256 ?? "") !== file.sha256;
    if (replaced && before.get(file.filename)?.listed.sha256 !== file.live?.sha256) {
      alarmReplaced(world, file);
    }
  }
  const files = [...gone, ...seen].sort((a, b) => a.firstSeen - b.firstSeen);
  return { project, upstream, files };
};

const sameListing = (old: SeenFile | undefined, file: ListedFile): boolean =>
  old !== undefined && JSON.stringify(old.listed) === JSON.stringify(file.listed);

const alarmReplaced = (world: GatewayWorld, { project, filename, sha256, live }: ListedFile) =>
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
