import type { IndexFile, ProjectPage } from "../clients/simple-index.ts";
import { type Failure, failure, type Result } from "../formats/result.ts";
import { belongsTo, type ClosureEntry, type ClosureFile } from "./closure.ts";

/** A file of a lock, found on its index or not. */
export type Located = {
  /** Of the file, or where none could be told apart, the release: `NAME VERSION`. */
  readonly filename: string;
  readonly of: "file" | "release";
  readonly sha256: string;
  readonly found: Result<IndexFile & { readonly sha256: string }>;
};

const missing = (filename: string, sha256: string, error: Failure): Located => ({
  ...{ filename, sha256, of: "file" },
  found: { ok: false, error },
});

/** Nothing of a release could be found. */
const none = ({ name, version, digests }: ClosureEntry, error: Failure): Located => ({
  ...missing(`${name} ${version}`, digests[0] ?? "", error),
  of: "release",
});

/** What the index says of a file must be what the lock says of it. */
const compare = ({ filename, sha256, size }: ClosureFile, page: ProjectPage): Located => {
  const listed = page.files.find((one) => one.filename === filename);
  if (listed === undefined) {
    const message = `the index of ${page.name} does not list ${filename}`;
    return missing(filename, sha256, failure("INDEX_FILE", message));
  }
  if (listed.sha256 !== sha256) {
    const message = `${filename} is ${sha256} in the lock, and the index lists ${listed.sha256 ?? "no digest"}`;
    return missing(filename, sha256, failure("LOCK_DIGEST", message));
  }
  if (size !== undefined && listed.size !== undefined && size !== listed.size) {
    const message = `${filename} has ${size} bytes in the lock, and the index lists ${listed.size}`;
    return missing(filename, sha256, failure("LOCK_DIGEST", message));
  }
  return { filename, sha256, of: "file", found: { ok: true, value: { ...listed, sha256 } } };
};

/** An archive stands at its address; no index says anything about it. */
const asListed = ({ filename, sha256, url = "", size }: ClosureFile): Located => {
  const listed = { filename, sha256, url, ...(size === undefined ? {} : { size }) };
  return { filename, sha256, of: "file", found: { ok: true, value: listed } };
};

/** The files that have one of the allowed digests, if they are of that release. */
const byDigest = (entry: ClosureEntry, page: ProjectPage): Located[] => {
  const allowed = new Set(entry.digests);
  return page.files.flatMap((listed): Located[] => {
    const { filename, sha256 } = listed;
    if (sha256 === undefined || !allowed.has(sha256)) return [];
    const same = belongsTo(filename, entry.name, entry.version);
    return same.ok
      ? [{ filename, sha256, of: "file", found: { ok: true, value: { ...listed, sha256 } } }]
      : [missing(filename, sha256, same.error)];
  });
};

/**
 * Finds the files of a package on its index's page; at least one comes back, found or not.
 * @param page - `undefined` for an archive, which is on no index
 */
export const locate = (
  entry: ClosureEntry,
  page: Result<ProjectPage | undefined>,
): { readonly files: readonly Located[]; readonly unlisted: readonly string[] } => {
  const { name, version, files, digests } = entry;
  if (!page.ok) {
    const { error } = page;
    const absent = files.map((file) => missing(file.filename, file.sha256, error));
    return { files: absent.length > 0 ? absent : [none(entry, error)], unlisted: [] };
  }
  const { value } = page;
  if (value === undefined) return { files: files.map(asListed), unlisted: [] };
  if (files.length > 0) return { files: files.map((file) => compare(file, value)), unlisted: [] };
  const found = byDigest(entry, value);
  const seen = new Set(found.map(({ sha256 }) => sha256));
  const unlisted = digests.filter((digest) => !seen.has(digest));
  if (found.length > 0) return { files: found, unlisted };
  const message = `the index lists no file of ${name} ${version} with a digest of the lock`;
  return { files: [none(entry, failure("LOCK_DIGEST", message))], unlisted };
};
