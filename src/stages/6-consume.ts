import type { GenericPackage } from "../clients/generic.ts";
import type { Installed, Installer } from "../clients/installer.ts";
import type { IndexFile, SimpleIndex } from "../clients/simple-index.ts";
import type { SdistReport } from "../dists/sdist.ts";
import type { WheelReport } from "../dists/wheel.ts";
import type { BuiltDistribution } from "../formats/build-record.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import { compareIndex } from "./compare-index.ts";
import type { Report } from "./events.ts";
import type { EvidenceSource, ReleaseVerdict } from "./release.ts";
import { type ReleaseFile, type ReleaseListing, selectRelease } from "./select-release.ts";
import { evidenceSources } from "./served-evidence.ts";

/** Verifies a file on disk, by the evidence that is given for it, against whom is expected. */
export type VerifyFile = (
  path: string,
  evidence: EvidenceSource,
) => Promise<Result<ReleaseVerdict>>;

export type ConsumeInput = {
  readonly name: string;
  readonly version: string;
  /** Where it is known what was built: the index must list all of that, with these digests. */
  readonly built?: readonly BuiltDistribution[];
  /** Where files are downloaded to. */
  readonly folder: string;
  /** Modules to import instead of the top-level ones of the wheel. */
  readonly importNames?: readonly string[];
  /** Bytes of one distribution at most; 3 GiB where absent. */
  readonly maxBytes?: number;
};

export type ConsumeClients = {
  readonly index: SimpleIndex;
  /** The release's package in the generic registry, where its evidence lies. */
  readonly evidence: GenericPackage;
  readonly verifyFile: VerifyFile;
  readonly inspect: (path: string) => Promise<Result<WheelReport | SdistReport>>;
  readonly installer: Installer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: Report;
};

export type ConsumeOutcome = {
  /** One for every file that the index lists for the release. */
  readonly verdicts: readonly ReleaseVerdict[];
  /** Absent where the release has no wheel: an sdist is verified, never built. */
  readonly installed?: Installed;
  readonly notes: readonly string[];
};

const MAX_BYTES = 3 * 1024 * 1024 * 1024;

/**
 * Stage 6: as an outsider who knows a name, a version, an index and whom to expect. Every file
 * that the index lists for the release is fetched by HTTP and verified; only then is a wheel
 * installed and imported. Nothing of the package runs before that.
 *
 * Fails with INDEX_FILE where the index lists no such release, INDEX_YANKED, INDEX_DIGEST,
 * INDEX_FORMAT, DIST_SIDECAR, the codes of verification, INSTALL_FAILED, IMPORT_FAILED, and as
 * the clients do.
 */
export const consume = async (
  input: ConsumeInput,
  clients: ConsumeClients,
): Promise<Result<ConsumeOutcome>> => {
  const { report, now } = clients;
  report({ kind: "started", stage: "consume", at: now() });
  const outcome = await consumeRelease(input, clients);
  if (!outcome.ok) {
    report({ kind: "failed", stage: "consume", at: now(), failure: outcome.error });
    return outcome;
  }
  const { verdicts, installed } = outcome.value;
  const ran =
    installed === undefined ? "not installed" : `imported ${installed.imported.join(", ")}`;
  const summary = `${input.name} ${input.version}: ${verdicts.length} files verified, ${ran}`;
  report({ kind: "finished", stage: "consume", at: now(), summary });
  return outcome;
};

/** The files of a release, each downloaded into the folder and verified. */
export type Fetched = {
  readonly verdicts: readonly ReleaseVerdict[];
  readonly listing: ReleaseListing;
};

/** What stage 6 does before it installs anything; fails as {@link consume} does. */
export const fetchRelease = async (
  input: ConsumeInput,
  clients: Omit<ConsumeClients, "installer">,
): Promise<Result<Fetched>> => {
  const page = await clients.index.project(input.name);
  if (!page.ok) return page;
  const listing = selectRelease(page.value, input.version);
  if (!listing.ok) return listing;
  const same = sameFiles(input.built, listing.value.files);
  if (!same.ok) return same;
  const verdicts: ReleaseVerdict[] = [];
  for (const file of listing.value.files) {
    const verdict = await checkFile(file, input, clients);
    if (!verdict.ok) return verdict;
    verdicts.push(verdict.value);
  }
  return ok({ verdicts, listing: listing.value });
};

const consumeRelease = async (
  input: ConsumeInput,
  clients: ConsumeClients,
): Promise<Result<ConsumeOutcome>> => {
  const { installer, report, now } = clients;
  // An empty environment takes a while, and nothing of the release: that is verified meanwhile.
  const preparing = installer.prepare((text) =>
    report({ kind: "output", stage: "consume", at: now(), text }),
  );
  // Awaited below, whatever happens before.
  preparing.catch(() => undefined);
  try {
    const fetched = await fetchRelease(input, clients);
    if (!fetched.ok) return fetched;
    const { verdicts, listing } = fetched.value;
    const { notes } = listing;
    for (const message of notes) report({ kind: "progress", stage: "consume", at: now(), message });
    const installed = await installWheel(input, preparing, listing, verdicts);
    if (!installed.ok) return installed;
    return ok({ verdicts, notes, ...(installed.value && { installed: installed.value }) });
  } finally {
    const prepared = await preparing;
    if (prepared.ok) await prepared.value.discard();
  }
};

/** Compared before anything is fetched, so that nothing else is ever installed. */
const sameFiles = (
  built: readonly BuiltDistribution[] = [],
  served: readonly ReleaseFile[],
): Result<void> => {
  for (const { filename, sha256 } of built) {
    const file = served.find(({ listed }) => listed.filename === filename);
    if (file === undefined) return fail("INDEX_FILE", `the index does not list ${filename}`);
    const theirs = file.listed.sha256 ?? "unknown";
    if (theirs !== sha256) {
      return fail(
        "INDEX_DIGEST",
        `${filename} was built as ${sha256}, and the index has ${theirs}`,
      );
    }
  }
  return ok(undefined);
};

const pathOf = (input: ConsumeInput, file: IndexFile): string => `${input.folder}/${file.filename}`;

/** Downloads one file and verifies it by everything that is served about it. */
const checkFile = async (
  file: ReleaseFile,
  input: ConsumeInput,
  clients: Omit<ConsumeClients, "installer">,
): Promise<Result<ReleaseVerdict>> => {
  const { index, verifyFile, report, now } = clients;
  const { listed } = file;
  const path = pathOf(input, listed);
  const fetched = await index.download(listed, path, input.maxBytes ?? MAX_BYTES);
  if (!fetched.ok) return fetched;
  const sources = await evidenceSources(listed, clients);
  if (!sources.ok) return sources;
  const verdicts = all(await Promise.all(sources.value.map((source) => verifyFile(path, source))));
  if (!verdicts.ok) return verdicts;
  const failed = verdicts.value.find((verdict) => verdict.failure !== undefined);
  if (failed?.failure !== undefined) return { ok: false, error: failed.failure };
  const [verdict] = verdicts.value;
  if (verdict === undefined)
    return fail("EVIDENCE_MISSING", `nothing vouches for ${listed.filename}`);
  if (verdict.sha256 !== listed.sha256 || verdict.filename !== listed.filename) {
    return fail("DIST_CHANGED", `${listed.filename} is not the file that was downloaded`);
  }
  const agrees = await compareIndex(listed, path, clients);
  if (!agrees.ok) return agrees;
  report({
    kind: "progress",
    stage: "consume",
    at: now(),
    message: `${listed.filename}: verified`,
  });
  return ok(verdict);
};

const installWheel = async (
  input: ConsumeInput,
  preparing: ReturnType<Installer["prepare"]>,
  listing: ReleaseListing,
  verdicts: readonly ReleaseVerdict[],
): Promise<Result<Installed | undefined>> => {
  const { wheel } = listing;
  if (wheel === undefined) return ok(undefined);
  const verdict = verdicts.find((one) => one.filename === wheel.filename);
  if (verdict === undefined) return fail("EVIDENCE_MISSING", `${wheel.filename} was not verified`);
  const prepared = await preparing;
  if (!prepared.ok) return prepared;
  return prepared.value.install({
    wheelPath: pathOf(input, wheel),
    sha256: verdict.sha256,
    name: listing.name,
    ...(input.importNames === undefined ? {} : { importNames: input.importNames }),
  });
};
