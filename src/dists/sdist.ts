import { type Hasher, hasher } from "../crypto/hash.ts";
import { concat, hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { parseDistributionFilename, type SdistFilename } from "./filename.ts";
import {
  DEFAULT_LIMITS,
  type Finding,
  findingsOfPath,
  isBomb,
  type Limits,
  type Member,
} from "./finding.ts";
import { GzipError, gunzip } from "./gzip.ts";
import type { InflateRaw } from "./inflate.ts";
import { type CoreMetadata, compareRelease, MAX_METADATA, parseMetadata } from "./metadata.ts";
import { shown } from "./name.ts";
import { type TarEntry, walkTar } from "./tar.ts";
import { refuseTar } from "./tar-header.ts";
import { checkLinks } from "./tar-links.ts";

/** What was found true of an sdist, and what a person may want to look at. */
export type SdistReport = {
  readonly kind: "sdist";
  readonly distribution: SdistFilename;
  readonly metadata: CoreMetadata;
  /** PKG-INFO byte for byte. */
  readonly metadataFile: Uint8Array;
  readonly hasPyproject: boolean;
  /** Every regular file, in the order of the archive. */
  readonly members: readonly Member[];
  readonly findings: readonly Finding[];
};

/**
 * Proves that an sdist is what its file name says and unpacks below one folder, in one way only:
 * one gzip member, a strict tar, one root `{name}-{version}`, no link out of it, and a PKG-INFO
 * that names the same release. Nothing of it is run.
 *
 * @param filename - without folders
 * @param chunks - the file as it is, compressed
 * @returns DIST_NAME, DIST_VERSION, DIST_TAR, DIST_PATH, DIST_SIZE or DIST_METADATA
 * @see PEP 625, PEP 706 and the source distribution format specification
 */
export const checkSdist = async (
  filename: string,
  chunks: AsyncIterable<Uint8Array>,
  inflateRaw: InflateRaw,
  limits: Limits = DEFAULT_LIMITS,
): Promise<Result<SdistReport>> => {
  const distribution = parseDistributionFilename(filename);
  if (!distribution.ok) return distribution;
  if (distribution.value.kind !== "sdist") return fail("DIST_NAME", `${filename} is no sdist`);
  const root = filename.slice(0, -".tar.gz".length);
  const walked = await walkGzip(chunks, inflateRaw, limits, `${root}/PKG-INFO`);
  if (!walked.ok) return walked;
  const { entries, members, metadataFile } = walked.value;
  const stray = entries.find((entry) => entry.path !== root && !entry.path.startsWith(`${root}/`));
  if (stray !== undefined) {
    return refuseTar(`has a member outside the folder ${root}: ${shown(stray.path)}`);
  }
  const links = checkLinks(entries, root);
  if (!links.ok) return links;
  if (metadataFile === undefined) return fail("DIST_METADATA", `the sdist has no ${root}/PKG-INFO`);
  const metadata = parseMetadata(metadataFile);
  if (!metadata.ok) return metadata;
  const same = compareRelease(metadata.value, distribution.value);
  if (!same.ok) return same;
  const hasPyproject = entries.some((entry) => entry.path === `${root}/pyproject.toml`);
  return ok({
    kind: "sdist",
    distribution: distribution.value,
    metadata: metadata.value,
    metadataFile,
    hasPyproject,
    members,
    findings: [
      ...entries.flatMap((entry) => findingsOfEntry(entry, root)),
      ...findingsOfMetadata(metadata.value, root),
      ...(hasPyproject ? [] : [withoutPyproject]),
    ],
  });
};

type Walked = {
  readonly entries: readonly TarEntry[];
  readonly members: readonly Member[];
  readonly metadataFile: Uint8Array | undefined;
};

const walkGzip = async (
  chunks: AsyncIterable<Uint8Array>,
  inflateRaw: InflateRaw,
  limits: Limits,
  metadataPath: string,
): Promise<Result<Walked>> => {
  const members: Member[] = [];
  let open: { entry: TarEntry; digest: Hasher } | undefined;
  // One at a time: a hasher for each of many files would take much memory.
  const close = (): void => {
    if (open === undefined) return;
    const { path, size } = open.entry;
    members.push({ path, size, sha256: hex(open.digest.digest()) });
    open = undefined;
  };
  const metadata: Uint8Array[] = [];
  let metadataSize: number | undefined;
  const visit = (entry: TarEntry) => {
    close();
    const digest = hasher("sha256");
    open = { entry, digest };
    const kept = entry.path === metadataPath;
    if (kept) metadataSize = entry.size;
    return (chunk: Uint8Array): void => {
      digest.update(chunk);
      if (kept && entry.size <= MAX_METADATA) metadata.push(chunk.slice());
    };
  };
  try {
    const counted = limitRatio(chunks, inflateRaw, limits);
    const entries = await walkTar(counted, limits, visit);
    if (!entries.ok) return entries;
    close();
    if (metadataSize !== undefined && metadataSize > MAX_METADATA) {
      return fail("DIST_SIZE", `${metadataPath} has ${metadataSize} bytes, over ${MAX_METADATA}`);
    }
    const metadataFile = metadataSize === undefined ? undefined : concat(...metadata);
    return ok({ entries: entries.value, members, metadataFile });
  } catch (error) {
    if (error instanceof GzipError) return fail("DIST_TAR", `the gzip file ${error.message}`);
    if (error instanceof BombError) return fail("DIST_SIZE", error.message);
    throw error;
  }
};

class BombError extends Error {}

/** Unpacks, and stops when what came out is out of proportion to what went in. */
async function* limitRatio(
  chunks: AsyncIterable<Uint8Array>,
  inflateRaw: InflateRaw,
  limits: Limits,
): AsyncGenerator<Uint8Array> {
  let packed = 0;
  let unpacked = 0;
  const counted = (async function* () {
    for await (const chunk of chunks) {
      packed += chunk.length;
      yield chunk;
    }
  })();
  for await (const chunk of gunzip(counted, inflateRaw)) {
    unpacked += chunk.length;
    if (isBomb(limits, unpacked, packed)) {
      throw new BombError(`the sdist unpacks to over ${limits.ratio} times its size`);
    }
    yield chunk;
  }
}

const withoutPyproject: Finding = {
  kind: "no-pyproject",
  path: "",
  detail: "built by setuptools' old rules",
};

const findingsOfEntry = (entry: TarEntry, root: string): Finding[] => {
  const { path, kind, linkTarget } = entry;
  const found = findingsOfPath(path, undefined);
  if (kind === "symlink") found.push({ kind, path, detail: `points to ${linkTarget}` });
  if (kind === "hardlink") found.push({ kind, path, detail: `the same file as ${linkTarget}` });
  if (path === `${root}/setup.py`) {
    found.push({ kind: "setup-script", path, detail: "runs when the sdist is built" });
  }
  return found;
};

const findingsOfMetadata = (metadata: CoreMetadata, root: string): Finding[] => {
  const notes = [...metadata.notes];
  if (/^(?:1\.|2\.[01]$)/.test(metadata.metadataVersion)) {
    notes.push(`metadata version ${metadata.metadataVersion} is older than 2.2: nothing is fixed`);
  }
  return notes.map((detail) => ({ kind: "metadata-note", path: `${root}/PKG-INFO`, detail }));
};
