import pLimit from "p-limit";
import type { Files } from "../clients/files.ts";
import type { IndexFile, SimpleIndex } from "../clients/simple-index.ts";
import type { Upload, UploadTarget } from "../clients/upload.ts";
import type { Distribution } from "../dists/filename.ts";
import type { CoreMetadata } from "../dists/metadata.ts";
import { fromUtf8, hex } from "../formats/bytes.ts";
import { all, fail, ok, type Result } from "../formats/result.ts";
import type { Report } from "./events.ts";

/** A distribution that verify passed in this run. */
export type VerifiedDistribution = {
  readonly path: string;
  readonly filename: string;
  /** Lower-case hex, of the bytes that were verified. */
  readonly sha256: string;
  /** PEP 740 attestations to send along, as JSON; none for an index that refuses them. */
  readonly attestations: readonly Uint8Array[];
};

export type PublishInput = { readonly distributions: readonly VerifiedDistribution[] };

export type PublishClients = {
  readonly files: Files;
  readonly target: UploadTarget;
  /** The simple index of the same place: tells what is there already. */
  readonly index: SimpleIndex;
  /** Reads a distribution's own metadata and checks it against its file name. */
  readonly inspect: (
    path: string,
  ) => Promise<Result<{ readonly distribution: Distribution; readonly metadata: CoreMetadata }>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: Report;
};

type PublishedFile = {
  readonly filename: string;
  readonly sha256: string;
  /** `present`: the index had it already, with this digest. */
  readonly outcome: "uploaded" | "present";
};

export type PublishOutcome = {
  readonly name: string;
  readonly version: string;
  readonly files: readonly PublishedFile[];
};

const CONCURRENCY = 4;

/**
 * Stage 4: uploads the distributions that were verified, each pinned by its digest.
 *
 * Safe to run again: a file that the index lists with the same digest is a success. A file listed
 * with another digest is UPLOAD_CONFLICT, found for all files before anything is sent.
 *
 * Fails with DIST_EMPTY, DIST_CHANGED when a file is no longer what was verified, DIST_ codes,
 * UPLOAD_CONFLICT, and as the clients do.
 */
export const publish = async (
  input: PublishInput,
  clients: PublishClients,
): Promise<Result<PublishOutcome>> => {
  const { report, now } = clients;
  report({ kind: "started", stage: "publish", at: now() });
  const outcome = await publishAll(input, clients);
  if (!outcome.ok) {
    report({ kind: "failed", stage: "publish", at: now(), failure: outcome.error });
    return outcome;
  }
  const { name, version, files } = outcome.value;
  const sent = files.filter((file) => file.outcome === "uploaded").length;
  const summary = `${name} ${version}: ${sent} uploaded, ${files.length - sent} already there`;
  report({ kind: "finished", stage: "publish", at: now(), summary });
  return outcome;
};

const publishAll = async (
  input: PublishInput,
  clients: PublishClients,
): Promise<Result<PublishOutcome>> => {
  const uploads: Upload[] = [];
  const releases = new Set<string>();
  for (const distribution of input.distributions) {
    const prepared = await prepare(distribution, clients);
    if (!prepared.ok) return prepared;
    uploads.push(prepared.value.upload);
    releases.add(prepared.value.release);
  }
  const [first] = uploads;
  if (first === undefined) return fail("DIST_EMPTY", "there is no verified distribution to upload");
  if (releases.size > 1) {
    return fail("DIST_NAME", `the files belong to several releases: ${[...releases].join(", ")}`);
  }
  const { name, version } = first.metadata;
  const listed = await listing(clients, name);
  if (!listed.ok) return listed;
  const conflict = uploads.map((upload) => compare(upload, listed.value)).find((one) => !one.ok);
  if (conflict?.ok === false) return conflict;
  const files = await sendAll(uploads, listed.value, clients);
  return files.ok ? ok({ name, version, files: files.value }) : files;
};

/** The index's digest by file name; empty where it does not know the project. */
const listing = async (
  { index }: PublishClients,
  name: string,
): Promise<Result<ReadonlyMap<string, IndexFile>>> => {
  const page = await index.project(name);
  if (page.ok) return ok(new Map(page.value.files.map((file) => [file.filename, file])));
  return page.error.code === "REGISTRY_NOT_FOUND" ? ok(new Map()) : page;
};

/** Whether the index has this very file; UPLOAD_CONFLICT where it has another of that name. */
const compare = (upload: Upload, listed: ReadonlyMap<string, IndexFile>): Result<boolean> => {
  const there = listed.get(upload.filename);
  if (there === undefined) return ok(false);
  if (there.sha256 === upload.sha256) return ok(true);
  const theirs = there.sha256 ?? "no digest";
  return fail("UPLOAD_CONFLICT", `${upload.filename}: index ${theirs}, here ${upload.sha256}`);
};

type Prepared = { readonly upload: Upload; readonly release: string };

/** Digests the file again: it must still be the one that was verified. */
const prepare = async (
  verified: VerifiedDistribution,
  { files, inspect }: PublishClients,
): Promise<Result<Prepared>> => {
  const { path, filename, sha256 } = verified;
  const artifact = await files.artifact(path);
  if (!artifact.ok) return artifact;
  const now = hex(artifact.value.sha256);
  if (now !== sha256 || artifact.value.name !== filename) {
    return fail("DIST_CHANGED", `${filename} has the digest ${now}, but ${sha256} was verified`);
  }
  const inspected = await inspect(path);
  if (!inspected.ok) return inspected;
  const { distribution, metadata } = inspected.value;
  const attestations = all(verified.attestations.map(fromUtf8));
  if (!attestations.ok) return attestations;
  const wheel = distribution.kind === "wheel";
  const upload: Upload = {
    path,
    filename,
    size: artifact.value.size,
    sha256,
    filetype: wheel ? "bdist_wheel" : "sdist",
    pyversion: wheel ? distribution.tags.python.join(".") : "source",
    metadata,
    attestations: attestations.value.map((text) => text.trim()),
  };
  return ok({ upload, release: `${distribution.name} ${distribution.version}` });
};

/** The first upload goes alone, because it makes the release that the others join. */
const sendAll = async (
  uploads: readonly Upload[],
  listed: ReadonlyMap<string, IndexFile>,
  clients: PublishClients,
): Promise<Result<PublishedFile[]>> => {
  const present = uploads.filter((upload) => listed.has(upload.filename));
  const [first, ...rest] = uploads.filter((upload) => !listed.has(upload.filename));
  const done = present.map((upload) => published(upload, "present", clients));
  if (first === undefined) return ok(done);
  const opened = await send(first, clients);
  if (!opened.ok) return opened;
  const limit = pLimit(CONCURRENCY);
  const others = all(await Promise.all(rest.map((upload) => limit(() => send(upload, clients)))));
  return others.ok ? ok([...done, opened.value, ...others.value]) : others;
};

const published = (
  { filename, sha256 }: Upload,
  outcome: PublishedFile["outcome"],
  { report, now }: PublishClients,
): PublishedFile => {
  const said = outcome === "uploaded" ? "uploaded" : "already there, with the same digest";
  report({ kind: "progress", stage: "publish", at: now(), message: `${filename}: ${said}` });
  return { filename, sha256, outcome };
};

const send = async (upload: Upload, clients: PublishClients): Promise<Result<PublishedFile>> => {
  const sent = await clients.target.upload(upload);
  if (!sent.ok) return sent;
  if (sent.value === "uploaded") return ok(published(upload, "uploaded", clients));
  // Taken since we looked, perhaps by our own first attempt whose answer was lost.
  const listed = await listing(clients, upload.metadata.name);
  if (!listed.ok) return listed;
  const same = compare(upload, listed.value);
  if (!same.ok) return same;
  return same.value
    ? ok(published(upload, "present", clients))
    : fail("UPLOAD_CONFLICT", `${upload.filename} is taken, though the index does not list it`);
};
