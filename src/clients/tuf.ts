import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TargetFile, Updater } from "tuf-js";
import { equal } from "../formats/bytes.ts";
import { type Failure, fail, failure, ok, type Result } from "../formats/result.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import { MAX_TRUST_BYTES } from "../formats/trusted-root.ts";
import { parseTufMetadata, type TufMetadata } from "../formats/tuf.ts";
import type { Files } from "./files.ts";
import { shownUrl } from "./http.ts";
import type { Outside } from "./outside.ts";
import {
  documentIn,
  keepTuf,
  noteUnreachable,
  readDocument,
  TUF_KINDS,
  type TufSource,
  type TufTrust,
} from "./tuf-cache.ts";
import { type TufFetch, tufFetch } from "./tuf-fetch.ts";

const TRUSTED_ROOT = "trusted_root.json";
const SIGNING_CONFIG = "signing_config.v0.2.json";
const MAX_ROTATIONS = 64;

type World = { readonly outside: Outside; readonly files: Files };

/**
 * Refreshes the trust from the mirror by the TUF client workflow (TUF specification §5). Verified
 * documents are kept even where a later step fails, so that the mirror can never go back.
 *
 * @param attempts - how often each download is tried
 * @returns `TUF_ROLLBACK`, `TUF_INVALID`, `TRUST_EXPIRED`, `NETWORK_UNREACHABLE`,
 *   `NETWORK_RESPONSE`, `FILE_UNWRITABLE`, `STATE_CORRUPT`, `CONFIG` for a mirror that is no URL
 */
export const refreshTuf = async (
  source: TufSource,
  world: World,
  attempts: number,
): Promise<Result<TufTrust>> => {
  if (!URL.canParse(source.mirror)) return fail("CONFIG", "the TUF mirror is not a URL");
  const work = await workFolder(source);
  if (!work.ok) return work;
  try {
    const seen = await putSeen(source, world.files, work.value);
    if (!seen.ok) return seen;
    const updated = await update(source, world, work.value, attempts);
    const kept = await keepSeen(source, world.files, work.value);
    if (!updated.ok) {
      const unreachable = updated.error.code.startsWith("NETWORK_");
      if (unreachable) await noteUnreachable(source, world.files, world.outside.now());
      return updated;
    }
    if (!kept.ok) return kept;
    return await keepTrust(source, world, updated.value);
  } finally {
    await rm(work.value, { recursive: true, force: true });
  }
};

/** A folder for one refresh: the updater writes in place, and another process may read. */
const workFolder = async (source: TufSource): Promise<Result<string>> => {
  try {
    await mkdir(source.folder, { recursive: true, mode: 0o700 });
    return ok(await mkdtemp(join(source.folder, "refresh-")));
  } catch (error) {
    const { code } = error as { code?: string };
    return fail("FILE_UNWRITABLE", `${source.folder}: ${code ?? "unknown error"}`);
  }
};

/** Puts what was seen before into the work folder. */
const putSeen = async (source: TufSource, files: Files, work: string): Promise<Result<void>> => {
  for (const kind of TUF_KINDS) {
    const seen = await readDocument(files, source.folder, kind);
    if (!seen.ok) return seen;
    const bytes = seen.value?.bytes ?? (kind === "root" ? source.firstRoot : undefined);
    const written = bytes && (await files.write(documentIn(work, kind), bytes));
    if (written?.ok === false) return written;
  }
  return ok(undefined);
};

type Downloaded = Pick<TufTrust, "trustedRoot" | "signingConfig">;

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
    return ok({ trustedRoot: trustedRoot.value, signingConfig: signingConfig.value });
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
  { outside, files }: World,
  { trustedRoot, signingConfig }: Downloaded,
): Promise<Result<TufTrust>> => {
  const documents: TufMetadata[] = [];
  for (const kind of TUF_KINDS) {
    const document = await readDocument(files, source.folder, kind);
    if (!document.ok) return document;
    if (document.value !== undefined) documents.push(document.value.metadata);
  }
  const expires = Math.min(...documents.map((document) => document.expires));
  // The updater goes by the system's clock; this is the caller's.
  if (expires <= outside.now()) {
    return fail("TRUST_EXPIRED", `${shownUrl(source.mirror)} ended at ${rfc3339(expires)}`);
  }
  const rootVersion = documents[0]?.version ?? 0;
  const trust = { trustedRoot, signingConfig, rootVersion, expires, refreshedAt: outside.now() };
  const kept = await keepTuf(source, files, trust);
  return kept.ok ? ok(trust) : kept;
};
