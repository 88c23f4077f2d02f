import { satisfies } from "@renovatebot/pep440";
import { compareVersions, type Version } from "../dists/version.ts";
import {
  type ClientEnvironment,
  isPrerelease,
  isPythonFor,
  wheelRank,
} from "./client-environment.ts";
import type { ListedFile, ProjectListing } from "./gateway-listing.ts";

/** A larger file is fetched when it is asked for, not on a guess; bytes. */
const MAX_GUESSED = 128 * 1024 * 1024;

/** How well an installer would like a file; 0 where it would not take it. */
const rankOf = ({ filename, live, normal }: ListedFile, client: ClientEnvironment): number => {
  const isThere = live !== undefined && live.yanked === undefined && normal;
  return isThere && filename.endsWith(".whl") ? wheelRank(client, filename) : 0;
};

type Best = { readonly file: ListedFile; readonly version: Version; readonly rank: number };

/**
 * The wheel that an installer will most likely take from a page: of the newest version that fits
 * specifier and Python, the one that is closest to its platform.
 * @param specifier - of PEP 440; empty for any version
 */
export const guessFile = (
  { files }: ProjectListing,
  specifier: string,
  client: ClientEnvironment,
): ListedFile | undefined => {
  let best: Best | undefined;
  const unfit = new Set<Version>();
  // The newest come last, as a rule; of thousands of older ones nothing but the version is read.
  for (const file of files.toReversed()) {
    const { version } = file;
    if (version === undefined || unfit.has(version)) continue;
    if (best !== undefined && compareVersions(version, best.version) < 0) {
      unfit.add(version);
      continue;
    }
    const rank = rankOf(file, client);
    if (rank === 0 || (rank <= (best?.rank ?? 0) && best?.version === version)) continue;
    const isTaken = !isPrerelease(version) && satisfies(version, specifier);
    if (isTaken && isPythonFor(client, file.live?.requiresPython)) best = { file, version, rank };
    else unfit.add(version);
  }
  return (best?.file.live?.size ?? 0) > MAX_GUESSED ? undefined : best?.file;
};
