import { coolAt } from "./gateway-decide.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import { linksOf, projectHtml, projectJson } from "./gateway-pages.ts";
import type { ProjectVerdicts } from "./gateway-state.ts";
import type { GatewayWorld } from "./gateway-world.ts";

export type PageFormat = "html" | "json";

/** The page of a project, as a client at `origin` gets it. */
export type RenderPage = (
  listing: ProjectListing,
  origin: string,
  format: PageFormat,
) => Promise<string>;

type Rendered = {
  readonly listing: ProjectListing;
  /** All that a page shows of verdicts, and for whom it is. */
  readonly shows: string;
  /** Milliseconds since 1970 from which on a file is no longer too new. */
  readonly until: number;
  readonly body: string;
};

/** Characters of all pages that are kept. */
const MAX_KEPT = 32 * 1024 * 1024;

const shown = (verdicts: ProjectVerdicts, origin: string): string =>
  JSON.stringify([
    origin,
    ...[...verdicts.values()].map(({ filename, sha256, size, metadata, provenance, refusal }) => [
      ...[filename, sha256, size, metadata, provenance, refusal === undefined],
    ]),
  ]);

/** When the page changes by itself; never, where no file is too new. */
const changesAt = (listing: ProjectListing, now: number): number =>
  listing.files.reduce((next, file) => {
    const at = coolAt(listing, file);
    return at > now ? Math.min(next, at) : next;
  }, Number.POSITIVE_INFINITY);

/** Pages with thousands of files take longer to write than to send: what has not changed is kept. */
export const openRenderedPages = (world: GatewayWorld): RenderPage => {
  const kept = new Map<string, Rendered>();
  let size = 0;
  const drop = (key: string): void => {
    size -= kept.get(key)?.body.length ?? 0;
    kept.delete(key);
  };
  return async (listing, origin, format) => {
    const verdicts = await world.state.verdicts(listing.project);
    const now = world.now();
    const shows = shown(verdicts, origin);
    const key = `${format} ${listing.project}`;
    const last = kept.get(key);
    if (last?.listing === listing && last.shows === shows && now < last.until) return last.body;
    const links = linksOf(world, listing, verdicts, origin);
    const body = format === "json" ? projectJson(listing, links) : projectHtml(listing, links);
    drop(key);
    kept.set(key, { listing, shows, until: changesAt(listing, now), body });
    size += body.length;
    for (const oldest of kept.keys()) {
      if (size <= MAX_KEPT) break;
      drop(oldest);
    }
    return body;
  };
};
