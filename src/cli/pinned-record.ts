import { resolve } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { parseName } from "../dists/name.ts";
import { parseVersion } from "../dists/version.ts";
import { BUILD_RECORD_NAME, type BuildRecord, parseBuildRecord } from "../formats/build-record.ts";
import { hex, utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import type { Invocation } from "./command.ts";
import type { Settings } from "./settings.ts";

/** A build record and the SHA-256 of its bytes, in lower-case hexadecimal. */
export type PinnedRecord = { readonly record: BuildRecord; readonly sha256: string };

const MAX_RECORD = 16 * 1024 * 1024;

/**
 * The build record of `folder`, absent where there is none. Where an earlier job named the
 * record's digest (WHEELSEAL_RECORD_SHA256), the record must be there and be that one.
 *
 * Fails with DIST_CHANGED where it is another, BUILD_RECORD where it is missing or malformed.
 */
export const pinnedRecord = async (
  { files }: Invocation,
  settings: Settings,
  folder: string,
): Promise<Result<PinnedRecord | undefined>> => {
  const path = `${folder}/${BUILD_RECORD_NAME}`;
  const pin = settings.find("record-sha256");
  const bytes = await files.readIfPresent(path, MAX_RECORD);
  if (!bytes.ok) return bytes;
  if (bytes.value === undefined) {
    if (pin === undefined) return ok(undefined);
    return fail("BUILD_RECORD", `${path} is missing, and ${pin.from} names its digest`);
  }
  const digest = hex(sha256(bytes.value));
  if (pin !== undefined && pin.value !== digest) {
    return fail("DIST_CHANGED", `${path} has SHA-256 ${digest}, and ${pin.from} is ${pin.value}`);
  }
  const record = parseBuildRecord(bytes.value);
  return record.ok ? ok({ record: record.value, sha256: digest }) : record;
};

/**
 * Writes what later jobs of a pipeline are told, as a dotenv file: the release's name and version
 * and the digest of its record. Name and version are parsed first, so that no line can be added.
 */
export const writeDotenv = async (
  { files, terminal }: Invocation,
  path: string,
  { record, sha256: digest }: PinnedRecord,
): Promise<Result<void>> => {
  const name = parseName(record.name);
  if (!name.ok) return name;
  const version = parseVersion(record.version);
  if (!version.ok) return version;
  const lines = [
    `WHEELSEAL_RELEASE_NAME=${name.value}`,
    `WHEELSEAL_RELEASE_VERSION=${record.version.trim()}`,
    `WHEELSEAL_RECORD_SHA256=${digest}`,
  ];
  return files.write(resolve(terminal.cwd, path), utf8(`${lines.join("\n")}\n`));
};
