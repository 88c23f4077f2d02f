import { join } from "node:path";
import { digestStream } from "../formats/artifact.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { parseJson, readJson } from "../formats/json.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { MAX_TRUST_BYTES } from "../formats/trusted-root.ts";
import { MAX_TUF_BYTES, parseTufMetadata, type TufKind, type TufMetadata } from "../formats/tuf.ts";
import type { Files } from "./files.ts";

/** A TUF repository, the root to start from, and where to keep what was seen of it. */
export type TufSource = {
  /** Base URL of the metadata; targets are in `targets/` below it. */
  readonly mirror: string;
  /** A root.json that was obtained in a trusted way. */
  readonly firstRoot: Uint8Array;
  /** A folder for this mirror and first root alone. */
  readonly folder: string;
};

/** What a repository vouched for when it was last refreshed. */
export type TufTrust = {
  /** A `trusted_root.json`. */
  readonly trustedRoot: Uint8Array;
  /** A `signing_config.v0.2.json`, where the repository has one. */
  readonly signingConfig: Uint8Array | undefined;
  readonly rootVersion: number;
  /** When the first of the documents ends or ended; milliseconds since 1970. */
  readonly expires: number;
  /** Milliseconds since 1970. */
  readonly refreshedAt: number;
};

export const TUF_KINDS = ["root", "timestamp", "snapshot", "targets"] as const satisfies TufKind[];
export const TRUSTED_ROOT = "trusted_root.json";
export const SIGNING_CONFIG = "signing_config.v0.2.json";
const REFRESH_FILE = "refresh.json";

export const documentIn = (folder: string, kind: TufKind): string => join(folder, `${kind}.json`);

/** A document of a folder, read strictly. */
export type Document = { readonly metadata: TufMetadata; readonly bytes: Uint8Array };

export const readDocument = async (
  files: Files,
  folder: string,
  kind: TufKind,
): Promise<Result<Document | undefined>> => {
  const path = documentIn(folder, kind);
  const bytes = await files.readIfPresent(path, MAX_TUF_BYTES[kind]);
  if (!bytes.ok || bytes.value === undefined) return bytes as Result<undefined>;
  const metadata = parseTufMetadata(bytes.value, kind);
  return metadata.ok
    ? ok({ metadata: metadata.value, bytes: bytes.value })
    : fail("STATE_CORRUPT", `${path}: ${metadata.error.message}`);
};

/** When a refresh last succeeded, and when the mirror last could not be reached since then. */
export type TufTimes = { readonly refreshedAt?: number; readonly unreachableAt?: number };

export const writeTimes = (
  source: TufSource,
  files: Files,
  times: TufTimes,
): Promise<Result<void>> =>
  files.write(join(source.folder, REFRESH_FILE), utf8(`${JSON.stringify(times)}\n`));

/** What {@link writeTimes} kept; empty where there is nothing to be read. */
export const tufTimes = async (source: TufSource, files: Files): Promise<TufTimes> => {
  const bytes = await files.readIfPresent(join(source.folder, REFRESH_FILE), 1024);
  const json = bytes.ok && bytes.value ? parseJson(bytes.value, 1024, REFRESH_FILE) : undefined;
  if (json?.ok !== true) return {};
  const times = readJson(json.value, "STATE_CORRUPT", REFRESH_FILE, (file): TufTimes => {
    const refreshedAt = file.optional("refreshedAt")?.integer();
    const unreachableAt = file.optional("unreachableAt")?.integer();
    return {
      ...(refreshedAt === undefined ? {} : { refreshedAt }),
      ...(unreachableAt === undefined ? {} : { unreachableAt }),
    };
  });
  return times.ok ? times.value : {};
};

/**
 * What the last refresh left, whether or not it has ended since; `undefined` where there is none,
 * or where a refresh was cut off while it wrote.
 */
export const cachedTuf = async (
  source: TufSource,
  files: Files,
): Promise<Result<TufTrust | undefined>> => {
  const { folder } = source;
  const documents: TufMetadata[] = [];
  for (const kind of TUF_KINDS) {
    const document = await readDocument(files, folder, kind);
    if (!document.ok) return document;
    if (document.value === undefined) return ok(undefined);
    documents.push(document.value.metadata);
  }
  const targets = documents[3]?.targets;
  const trustedRoot = await readTarget(files, folder, TRUSTED_ROOT, targets);
  if (!trustedRoot.ok || trustedRoot.value === undefined) return trustedRoot as Result<undefined>;
  const signingConfig = await readTarget(files, folder, SIGNING_CONFIG, targets);
  if (!signingConfig.ok) return signingConfig;
  const times = await tufTimes(source, files);
  return ok({
    trustedRoot: trustedRoot.value,
    signingConfig: signingConfig.value,
    rootVersion: documents[0]?.version ?? 0,
    expires: Math.min(...documents.map(({ expires }) => expires)),
    refreshedAt: times.refreshedAt ?? 0,
  });
};

/** A target as it was kept, if it is still the one that the targets document vouches for. */
const readTarget = async (
  files: Files,
  folder: string,
  name: string,
  targets: TufMetadata["targets"] | undefined,
): Promise<Result<Uint8Array | undefined>> => {
  const stated = targets?.get(name);
  if (stated === undefined) return ok(undefined);
  const bytes = await files.readIfPresent(join(folder, name), MAX_TRUST_BYTES);
  if (!bytes.ok || bytes.value === undefined) return bytes;
  const algorithm = stated.sha256 === undefined ? "sha512" : "sha256";
  const { digest } = await digestStream(algorithm, once(bytes.value));
  return ok(hex(digest) === stated[algorithm] ? bytes.value : undefined);
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
