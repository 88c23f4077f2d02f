import type { BuildRequest } from "../clients/build-source.ts";
import type { Build, Builder } from "../clients/builder.ts";
import type { Files } from "../clients/files.ts";
import { type Distribution, parseDistributionFilename } from "../dists/filename.ts";
import { parseName } from "../dists/name.ts";
import { equalVersions, parseVersion } from "../dists/version.ts";
import {
  BUILD_RECORD_NAME,
  type BuildRecord,
  type BuiltDistribution,
  formatBuildRecord,
  parseBuildRecord,
} from "../formats/build-record.ts";
import { hex } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { Report } from "./events.ts";
import { type KeepRule, keptBuild, REMAINS } from "./kept-build.ts";

export type BuildInput = BuildRequest & {
  /** When to keep an earlier build of the same source; always built where absent. */
  readonly keep?: KeepRule;
};

export type BuildClients = {
  readonly builder: Builder;
  readonly files: Files;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: Report;
  /** Reads a distribution's own metadata and checks it against its file name. */
  readonly inspect?: (path: string) => Promise<Result<unknown>>;
};

/**
 * Stage 1: one wheel and one sdist of the project in `input.out`, and the build record beside
 * them. The project's folder is not changed.
 *
 * With `keep`, an earlier build of the same source with the same settings is kept, so that what was
 * signed and published from it stays what it is.
 *
 * Distributions of an earlier build, which that build's record names, are replaced together with
 * their signatures; distributions from elsewhere are a failure, so that nothing is signed later
 * that was not built here. The record is written last: a folder whose record does not fit its
 * files is refused by the next stage, and a second run completes a killed one.
 *
 * Fails with a BUILD_ code, CONFIG, FORMAT_TOML, DIST_ codes for what the backend made, or
 * FILE_UNWRITABLE.
 */
export const build = async (
  input: BuildInput,
  clients: BuildClients,
): Promise<Result<BuildRecord>> => {
  const { builder, report, now } = clients;
  const startedAt = now();
  report({ kind: "started", stage: "build", at: startedAt });
  const kept = input.keep === undefined ? ok(undefined) : await keptBuild(input, clients);
  if (!kept.ok) return conclude(kept, clients);
  if (kept.value !== undefined) return conclude(ok(kept.value), clients, "kept as it was built");
  const built = await builder.build(input, (text) =>
    report({ kind: "output", stage: "build", at: now(), text }),
  );
  const result = built.ok ? await deliver(input, clients, built.value, startedAt) : built;
  if (built.ok) await built.value.discard();
  return conclude(result, clients);
};

const conclude = (
  result: Result<BuildRecord>,
  { report, now }: BuildClients,
  note?: string,
): Result<BuildRecord> => {
  if (!result.ok) {
    report({ kind: "failed", stage: "build", at: now(), failure: result.error });
    return result;
  }
  const { name, version, distributions } = result.value;
  const made = distributions.map(({ filename }) => filename).join(", ");
  const summary = `${name} ${version}: ${made}${note === undefined ? "" : `, ${note}`}`;
  report({ kind: "finished", stage: "build", at: now(), summary });
  return result;
};

const deliver = async (
  input: BuildInput,
  clients: BuildClients,
  made: Build,
  startedAt: number,
): Promise<Result<BuildRecord>> => {
  const { files, now } = clients;
  const release = await checkMade(input, clients, made);
  if (!release.ok) return release;
  const old = await oldDistributions(input.out, files, made.filenames);
  if (!old.ok) return old;
  const distributions = all(
    await Promise.all(made.filenames.map((filename) => describe(files, made, filename))),
  );
  if (!distributions.ok) return distributions;
  const record: BuildRecord = {
    recordVersion: 1,
    ...release.value,
    source: made.source,
    settings: { reproducible: input.reproducible, metadata: made.metadata },
    backend: made.backend,
    python: made.python,
    resolved: made.resolved,
    startedOn: new Date(startedAt).toISOString(),
    finishedOn: new Date(now()).toISOString(),
    distributions: distributions.value,
  };
  const replaced = await replace(input.out, files, made, old.value);
  if (!replaced.ok) return replaced;
  const written = await files.write(`${input.out}/${BUILD_RECORD_NAME}`, formatBuildRecord(record));
  return written.ok ? ok(record) : written;
};

const describe = async (
  files: Files,
  made: Build,
  filename: string,
): Promise<Result<BuiltDistribution>> => {
  const artifact = await files.artifact(made.path(filename));
  if (!artifact.ok) return artifact;
  return ok({ filename, sha256: hex(artifact.value.sha256), size: artifact.value.size });
};

/** One wheel and one sdist of one release, and the one that was asked for. */
const checkMade = async (
  input: BuildInput,
  clients: BuildClients,
  made: Build,
): Promise<Result<{ name: string; version: string }>> => {
  const parsed = all(made.filenames.map(parseDistributionFilename));
  if (!parsed.ok) return parsed;
  const [first, second] = parsed.value;
  const kinds = parsed.value.map((dist) => dist.kind).sort();
  if (first === undefined || second === undefined || kinds.join() !== "sdist,wheel") {
    return fail("BUILD_OUTPUT", `the backend made ${made.filenames.join(", ") || "nothing"}`);
  }
  if (first.name !== second.name || !equalVersions(first.version, second.version)) {
    return fail(
      "BUILD_OUTPUT",
      `${first.filename} and ${second.filename} are not of the same release`,
    );
  }
  const wished = checkWish(input, first);
  if (!wished.ok) return wished;
  for (const filename of made.filenames) {
    const inspected = await clients.inspect?.(made.path(filename));
    if (inspected !== undefined && !inspected.ok) return inspected;
  }
  return ok({ name: first.name, version: first.version });
};

/** A backend may ignore pyproject.toml: what was set must be what came out. */
const checkWish = (input: BuildInput, dist: Distribution): Result<void> => {
  const { name, version } = input.metadata;
  if (name !== undefined) {
    const wished = parseName(name);
    if (!wished.ok) return wished;
    if (wished.value !== dist.name) {
      return fail("BUILD_OUTPUT", `${dist.filename} is not of ${wished.value}, as was set`);
    }
  }
  if (version === undefined) return ok(undefined);
  const wished = parseVersion(version);
  if (!wished.ok) return wished;
  return equalVersions(wished.value, dist.version)
    ? ok(undefined)
    : fail("BUILD_OUTPUT", `${dist.filename} is not of version ${version}, as was set`);
};

const MAX_RECORD = 16 * 1024 * 1024;
const DISTRIBUTION = /\.(whl|tar\.gz|zip|egg)$/;

/** Names in the output folder that the earlier build's record covers, with their signatures. */
const oldDistributions = async (
  out: string,
  files: Files,
  made: readonly string[],
): Promise<Result<string[]>> => {
  const names = await files.list(out);
  if (!names.ok) return names;
  const recorded = await recordedNames(out, files);
  if (!recorded.ok) return recorded;
  const ours = [...recorded.value, ...made];
  const foreign = names.value.find((name) => DISTRIBUTION.test(name) && !ours.includes(name));
  if (foreign !== undefined) {
    return fail(
      "BUILD_OUTPUT",
      `${out} holds ${foreign}, which no recorded build made: move it away, or choose another folder`,
    );
  }
  const belongs = (name: string) =>
    ours.some((mine) => name === mine || name.startsWith(`${mine}.`));
  return ok(names.value.filter((name) => belongs(name) || REMAINS.test(name)));
};

/** A record that cannot be read covers nothing. */
const recordedNames = async (out: string, files: Files): Promise<Result<string[]>> => {
  const bytes = await files.readIfPresent(`${out}/${BUILD_RECORD_NAME}`, MAX_RECORD);
  if (!bytes.ok || bytes.value === undefined) return bytes.ok ? ok([]) : bytes;
  const record = parseBuildRecord(bytes.value);
  return ok(record.ok ? record.value.distributions.map((built) => built.filename) : []);
};

/** The old signatures go first: none may lie beside a file that it is not of. */
const replace = async (
  out: string,
  files: Files,
  made: Build,
  old: readonly string[],
): Promise<Result<void>> => {
  for (const name of old.filter((name) => !made.filenames.includes(name))) {
    const removed = await files.remove(`${out}/${name}`);
    if (!removed.ok) return removed;
  }
  for (const filename of made.filenames) {
    const placed = await made.place(filename, out);
    if (!placed.ok) return placed;
  }
  return ok(undefined);
};
