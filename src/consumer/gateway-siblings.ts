import { type DistributionReport, inspectDistribution } from "../clients/archive.ts";
import { parseDistributionFilename } from "../dists/filename.ts";
import { type CoreMetadata, fieldValues } from "../dists/metadata.ts";
import type { SdistReport } from "../dists/sdist.ts";
import { equalVersions } from "../dists/version.ts";
import type { WheelReport } from "../dists/wheel.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { bring } from "./gateway-bring.ts";
import type { ProjectListing } from "./gateway-listing.ts";
import type { KeptVerdict } from "./gateway-state.ts";
import type { GatewayWorld } from "./gateway-world.ts";

/** The accepted files of the same release of the other kind: the sdist of a wheel, or its wheels. */
export const siblingsOf = (
  { kind, distribution }: DistributionReport,
  verdicts: readonly KeptVerdict[],
  { fingerprint }: GatewayWorld,
): KeptVerdict[] =>
  verdicts.filter((one) => {
    if (one.refusal !== undefined || one.fingerprint !== fingerprint) return false;
    const parsed = parseDistributionFilename(one.filename);
    if (!parsed.ok || parsed.value.kind === kind) return false;
    return equalVersions(parsed.value.version, distribution.version);
  });

/**
 * Compares a file with others of its release: a wheel must be what its sdist says it is. A sibling
 * that the upstream lists no more is nobody's to get, and is left out.
 * @returns GATEWAY_RELEASE_DIFFERS, and as fetching the sibling does
 */
export const compareSiblings = async (
  world: GatewayWorld,
  listing: ProjectListing,
  report: DistributionReport | undefined,
  siblings: readonly KeptVerdict[],
): Promise<Result<void>> => {
  if (report === undefined) return ok(undefined);
  for (const { filename, sha256 } of siblings) {
    const live = listing.files.find((file) => file.filename === filename)?.live;
    if (live?.sha256 !== sha256) continue;
    const other = await inspectSibling(world, listing, { ...live, sha256 });
    if (!other.ok) return other;
    const agree = compareKinds(report, other.value);
    if (!agree.ok) return agree;
  }
  return ok(undefined);
};

const inspectSibling = async (
  world: GatewayWorld,
  listing: ProjectListing,
  listed: Parameters<typeof bring>[2],
): Promise<Result<DistributionReport>> => {
  const quarantine = await world.store.quarantine();
  if (!quarantine.ok) return quarantine;
  const path = quarantine.value.path(listed.filename);
  try {
    const brought = await bring(world, listing, listed, path);
    return brought.ok ? await inspectDistribution(path) : brought;
  } finally {
    await quarantine.value.clear();
  }
};

const compareKinds = (one: DistributionReport, other: DistributionReport): Result<void> => {
  if (one.kind === "wheel")
    return other.kind === "sdist" ? compareRelease(one, other) : ok(undefined);
  return other.kind === "wheel" ? compareRelease(other, one) : ok(undefined);
};

/**
 * A wheel against the sdist of its release, without building: metadata that the sdist says is
 * final (PEP 643) is the same, and Python files that both have under one path are the same bytes.
 * Files that only the wheel has may have been made by the build, and say nothing.
 */
export const compareRelease = (wheel: WheelReport, sdist: SdistReport): Result<void> => {
  const field = STATIC.find((name) => !sameField(wheel.metadata, sdist.metadata, name));
  const about = `${wheel.distribution.filename} and ${sdist.distribution.filename}`;
  if (field !== undefined) {
    return fail("GATEWAY_RELEASE_DIFFERS", `${about} state another ${field}`);
  }
  const changed = changedModule(wheel, sdist);
  return changed === undefined
    ? ok(undefined)
    : fail("GATEWAY_RELEASE_DIFFERS", `${about} have another ${changed}`);
};

const STATIC = ["Requires-Dist", "Requires-Python", "Provides-Extra"] as const;

const sameField = (wheel: CoreMetadata, sdist: CoreMetadata, name: string): boolean => {
  const [, minor] = sdist.metadataVersion.split(".").map(Number);
  const isFinal = sdist.metadataVersion.startsWith("2.") && (minor ?? 0) >= 2;
  if (!isFinal || sdist.dynamic.includes(name.toLowerCase())) return true;
  const plain = (metadata: CoreMetadata): string =>
    fieldValues(metadata, name)
      .map((value) => value.replace(/\s+/g, "").toLowerCase())
      .sort()
      .join("\n");
  return plain(wheel) === plain(sdist);
};

/** Where below the root of an sdist the packages of a wheel may be. */
const ROOTS = ["", "src/", "lib/", "python/"];

const changedModule = (wheel: WheelReport, sdist: SdistReport): string | undefined => {
  const sources = new Map(
    sdist.members.map(({ path, sha256 }) => [path.slice(path.indexOf("/") + 1), sha256]),
  );
  const changed = wheel.members.find(({ path, sha256 }) => {
    if (!path.endsWith(".py") || /^[^/]+\.(?:dist-info|data)\//.test(path)) return false;
    const found = ROOTS.flatMap((root) => sources.get(root + path) ?? []);
    return found.length > 0 && !found.includes(sha256);
  });
  return changed?.path;
};
