import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../clients/files.ts";
import { parseCertificateFile } from "../formats/detached.ts";
import { type Failure, fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { addDetached, noRecords, type Records, recordReader } from "./records.ts";

const MAX_FILE = 64 * 1024 * 1024;
const MAX_FILES = 200_000;
const MAX_DEPTH = 16;
const CERTIFICATE = ".crt";

/** What was found on record, and files that look like records and are not readable as such. */
export type FoundRecords = {
  readonly records: Records;
  /** Files that said something. */
  readonly files: number;
  readonly malformed: readonly { readonly file: string; readonly failure: Failure }[];
};

/** All regular files below a folder; symbolic links are not followed. */
const walk = async (folder: string, found: string[], depth: number): Promise<Result<void>> => {
  if (depth > MAX_DEPTH) return fail("CONFIG", `${folder} is nested too deeply`);
  let entries: Awaited<ReturnType<typeof listing>>;
  try {
    entries = await listing(folder);
  } catch (error) {
    return fail("FILE_UNREADABLE", `${folder}: ${systemReason(error)}`);
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isFile()) found.push(path);
    if (found.length > MAX_FILES) return fail("CONFIG", `more than ${MAX_FILES} files on record`);
    const below = entry.isDirectory() ? await walk(path, found, depth + 1) : ok(undefined);
    if (!below.ok) return below;
  }
  return ok(undefined);
};

const listing = (folder: string) => readdir(folder, { withFileTypes: true });

const addFile = async (path: string, records: Records, files: Files): Promise<Result<boolean>> => {
  const add = recordReader(path);
  if (add === undefined && !path.endsWith(CERTIFICATE)) return ok(false);
  const bytes = await files.read(path, MAX_FILE);
  if (!bytes.ok) return bytes;
  if (add !== undefined) {
    const added = add(records, bytes.value);
    return added.ok ? ok(true) : added;
  }
  const artifact = await files.artifact(path.slice(0, -CERTIFICATE.length));
  // A certificate alone says nothing of what was signed.
  if (!artifact.ok) return ok(false);
  const certificate = parseCertificateFile(bytes.value);
  if (!certificate.ok) return certificate;
  addDetached(records, artifact.value.sha256, certificate.value);
  return ok(true);
};

/**
 * Reads every record below the folders. A malformed one knows nothing, and is told.
 *
 * @returns `FILE_UNREADABLE` for a folder that cannot be listed, `CONFIG` above the caps
 */
export const readRecords = async (
  folders: readonly string[],
  files: Files,
): Promise<Result<FoundRecords>> => {
  const records = noRecords();
  const malformed: { file: string; failure: Failure }[] = [];
  let count = 0;
  for (const folder of folders) {
    const paths: string[] = [];
    const walked = await walk(folder, paths, 0);
    if (!walked.ok) return walked;
    for (const file of paths.sort()) {
      const added = await addFile(file, records, files);
      if (!added.ok) malformed.push({ file, failure: added.error });
      else if (added.value) count += 1;
    }
  }
  return ok({ records, files: count, malformed });
};
