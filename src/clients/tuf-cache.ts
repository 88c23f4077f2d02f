import { join } from "node:path";
import { base64, utf8 } from "../formats/bytes.ts";
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

const TRUST_FILE = "trust.json";
const MAX_TRUST_FILE = 3 * MAX_TRUST_BYTES;

/** Keeps the trust that a refresh ended with: in one file, so that its parts belong together. */
export const keepTuf = (
  source: TufSource,
  files: Files,
  trust: TufTrust,
): Promise<Result<void>> => {
  const { trustedRoot, signingConfig, ...rest } = trust;
  const document = {
    ...rest,
    trustedRoot: base64(trustedRoot),
    ...(signingConfig === undefined ? {} : { signingConfig: base64(signingConfig) }),
  };
  return files.write(join(source.folder, TRUST_FILE), utf8(`${JSON.stringify(document)}\n`));
};

/**
 * What the last good refresh left, whether or not it has ended since; `undefined` where there was
 * none. Fails with STATE_CORRUPT.
 */
export const cachedTuf = async (
  source: TufSource,
  files: Files,
): Promise<Result<TufTrust | undefined>> => {
  const path = join(source.folder, TRUST_FILE);
  const bytes = await files.readIfPresent(path, MAX_TRUST_FILE);
  if (!bytes.ok || bytes.value === undefined) return bytes as Result<undefined>;
  const json = parseJson(bytes.value, MAX_TRUST_FILE, path);
  if (!json.ok) return fail("STATE_CORRUPT", json.error.message);
  return readJson(json.value, "STATE_CORRUPT", path, (file) => ({
    trustedRoot: file.field("trustedRoot").base64(),
    signingConfig: file.optional("signingConfig")?.base64(),
    rootVersion: file.field("rootVersion").integer(),
    expires: file.field("expires").integer(),
    refreshedAt: file.field("refreshedAt").integer(),
  }));
};

const UNREACHABLE_FILE = "unreachable.json";

/** Notes that the mirror could not be reached, so that it is not waited for each time. */
export const noteUnreachable = (
  source: TufSource,
  files: Files,
  at: number,
): Promise<Result<void>> =>
  files.write(join(source.folder, UNREACHABLE_FILE), utf8(`${JSON.stringify({ at })}\n`));

/** When the mirror could not be reached, in milliseconds since 1970; `undefined` if it could. */
export const unreachableAt = async (
  source: TufSource,
  files: Files,
): Promise<number | undefined> => {
  const bytes = await files.readIfPresent(join(source.folder, UNREACHABLE_FILE), 1024);
  const json = bytes.ok && bytes.value ? parseJson(bytes.value, 1024, UNREACHABLE_FILE) : undefined;
  if (json?.ok !== true) return undefined;
  const at = readJson(json.value, "STATE_CORRUPT", UNREACHABLE_FILE, (file) =>
    file.field("at").integer(),
  );
  return at.ok ? at.value : undefined;
};
