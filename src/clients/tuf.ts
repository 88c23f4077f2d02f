import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TargetFile, Updater } from "tuf-js";
import { equal } from "../formats/bytes.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { MAX_TRUST_BYTES } from "../formats/trusted-root.ts";
import { MAX_TUF_BYTES, parseTufMetadata } from "../formats/tuf.ts";
import type { Files } from "./files.ts";
import { shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import {
  cachedTuf,
  documentIn,
  readDocument,
  SIGNING_CONFIG,
  TRUSTED_ROOT,
  TUF_KINDS,
  type TufSource,
  type TufTrust,
  tufTimes,
  writeTimes,
} from "./tuf-cache.ts";
import { type TufFetch, tufFetch } from "./tuf-fetch.ts";

const MAX_ROTATIONS = 64;

type World = { readonly outside: Outside; readonly files: Files };

/**
 * Refreshes the trust from the mirror by the TUF client workflow (TUF specification §5). Verified
 * documents are kept even where a later step fails, so that the mirror can never go back.
 *
 * @param attempts - how often each download is tried
 * @returns `TUF_ROLLBACK`, `TUF_INVALID`, `TRUST_EXPIRED`, `NETWORK_UNREACHABLE`,
 *   `NETWORK_RESPONSE`, `FILE_UNWRITABLE`
 */
export const refreshTuf = async (
  source: TufSource,
  world: World,
  attempts: number,
): Promise<Result<TufTrust>> => {
  const work = await workFolder(source, world.files);
  if (!work.ok) return work;
  try {
    const updated = await update(source, world, work.value, attempts);
    const kept = await keepSeen(source, world.files, work.value);
    if (!updated.ok) {
      const unreachable = updated.error.code.startsWith("NETWORK_");
      if (unreachable) await noteUnreachable(source, world);
      return updated;
    }
    if (!kept.ok) return kept;
    return await keepTrust(source, world, updated.value);
  } finally {
    await rm(work.value, { recursive: true, force: true });
  }
};

/** A folder for one refresh: the updater writes in place, and another process may read. */
const workFolder = async (source: TufSource, files: Files): Promise<Result<string>> => {
  try {
    await mkdir(source.folder, { recursive: true, mode: 0o700 });
    const work = await mkdtemp(join(source.folder, "refresh-"));
    for (const kind of TUF_KINDS) {
      const seen = await files.readIfPresent(documentIn(source.folder, kind), MAX_TUF_BYTES[kind]);
      if (!seen.ok) return seen;
      const bytes = seen.value ?? (kind === "root" ? source.firstRoot : undefined);
      const written = bytes && (await files.write(documentIn(work, kind), bytes));
      if (written?.ok === false) return written;
    }
    return ok(work);
  } catch (error) {
    const { code } = error as { code?: string };
    return fail("FILE_UNWRITABLE", `${source.folder}: ${code ?? "unknown error"}`);
  }
};

type Downloaded = { readonly trustedRoot: Uint8Array; readonly signingConfig?: Uint8Array };

const update = async (
  source: TufSource,
  world: World,
  work: string,
  attempts: number,
): Promise<Result<Downloaded>> => {
  const first = parseTufMetadata(source.firstRoot, "root");
  if (!first.ok) return fail("TUF_INVALID", `the root to start from: ${first.error.message}`);
  const [{ Updater }, { DownloadHTTPError }] = await Promise.all([
    import("tuf-js"),
    import("tuf-js/dist/error.js"),
  ]);
  const base = source.mirror.replace(/\/*$/, "/");
  const fetcher = tufFetch(world.outside, {
    base,
    folder: work,
    attempts,
    absent: (status) => new DownloadHTTPError("there is no such file", status),
  });
  try {
    const updater = new Updater({
      metadataDir: work,
      metadataBaseUrl: base,
      targetDir: work,
      targetBaseUrl: `${base}targets/`,
      fetcher,
      // Delegated roles have names of their own choosing, and nothing that is asked for here.
      config: { maxDelegations: 0, maxRootRotations: MAX_ROTATIONS },
    });
    await updater.refresh();
    const trustedRoot = await target(updater, world.files, join(work, TRUSTED_ROOT), TRUSTED_ROOT);
    if (!trustedRoot.ok) return trustedRoot;
    if (trustedRoot.value === undefined) {
      return fail("TUF_INVALID", `${shownUrl(base)} has no ${TRUSTED_ROOT}`);
    }
    const path = join(work, SIGNING_CONFIG);
    const signingConfig = await target(updater, world.files, path, SIGNING_CONFIG);
    if (!signingConfig.ok) return signingConfig;
    return ok({
      trustedRoot: trustedRoot.value,
      ...(signingConfig.value && { signingConfig: signingConfig.value }),
    });
  } catch (error) {
    return { ok: false, error: explain(error, fetcher, shownUrl(base)) };
  }
};

const target = async (
  updater: Updater,
  files: Files,
  path: string,
  name: string,
): Promise<Result<Uint8Array | undefined>> => {
  const found: TargetFile | undefined = await updater.getTargetInfo(name);
  if (found === undefined) return ok(undefined);
  if (found.length > MAX_TRUST_BYTES) {
    return fail("TUF_INVALID", `${name} is said to have ${found.length} bytes`);
  }
  await updater.downloadTarget(found, path);
  return files.read(path, MAX_TRUST_BYTES);
};

/** The updater tells by its messages what it refused; each is pinned by a test. */
const explain = (error: unknown, fetcher: TufFetch, mirror: string): Failure => {
  const failed = fetcher.failed();
  if (failed !== undefined) return failed;
  const text = error instanceof Error ? error.message : "unknown error";
  const message = text.replace(/^Unable to load \w+(?: metadata)? error (?:\w*Error: )?/, "");
  const told = `${mirror}: ${message}`;
  if (message.startsWith("Failed to persist")) return failure("FILE_UNWRITABLE", message);
  if (/ is expired$/.test(message)) return failure("TRUST_EXPIRED", told);
  const [, wanted, got] = /^Expected version (\d+), got (\d+)$/.exec(message) ?? [];
  const older = Number(got) < Number(wanted) || /is less than current version/.test(message);
  return failure(older ? "TUF_ROLLBACK" : "TUF_INVALID", told);
};

/**
 * Takes over what the updater verified, whatever became of the rest. It alone judges versions: a
 * new root may take back a version that a stolen key had run up to (TUF specification §5.3.11).
 */
const keepSeen = async (source: TufSource, files: Files, work: string): Promise<Result<void>> => {
  for (const kind of TUF_KINDS) {
    const fresh = await readDocument(files, work, kind);
    if (!fresh.ok) return fresh;
    const seen = await readDocument(files, source.folder, kind);
    if (!seen.ok) return seen;
    if (fresh.value === undefined) continue;
    if (seen.value !== undefined && equal(seen.value.bytes, fresh.value.bytes)) continue;
    const written = await files.write(documentIn(source.folder, kind), fresh.value.bytes);
    if (!written.ok) return written;
  }
  return ok(undefined);
};

const keepTrust = async (
  source: TufSource,
  world: World,
  { trustedRoot, signingConfig }: Downloaded,
): Promise<Result<TufTrust>> => {
  const { outside, files } = world;
  const { folder } = source;
  const config = join(folder, SIGNING_CONFIG);
  const written = [
    await files.write(join(folder, TRUSTED_ROOT), trustedRoot),
    signingConfig === undefined
      ? await files.remove(config)
      : await files.write(config, signingConfig),
    await writeTimes(source, files, { refreshedAt: outside.now() }),
  ];
  for (const each of written) if (!each.ok) return each;
  const trust = await cachedTuf(source, files);
  if (!trust.ok) return trust;
  if (trust.value === undefined) return fail("STATE_CORRUPT", `${folder}: what was kept is gone`);
  return trust.value.expires > outside.now()
    ? ok(trust.value)
    : fail("TRUST_EXPIRED", `${shownUrl(source.mirror)}: ended ${rfc3339(trust.value.expires)}`);
};

/** So that a mirror that does not answer is not asked, and waited for, each time. */
const noteUnreachable = async (
  source: TufSource,
  { outside, files }: World,
): Promise<Result<void>> => {
  const times = await tufTimes(source, files);
  return writeTimes(source, files, { ...times, unreachableAt: outside.now() });
};
