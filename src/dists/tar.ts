import { concat, fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { type ByteReader, byteReader } from "./byte-reader.ts";
import type { Limits } from "./finding.ts";
import { type MemberPath, parseMemberPath, pathRegister } from "./member-path.ts";
import { shown } from "./name.ts";
import { parsePax } from "./pax.ts";
import { BLOCK, isZero, parseTarHeader, refuseTar, type TarHeader } from "./tar-header.ts";

/** A member of a tar. */
export type TarEntry = {
  readonly path: MemberPath;
  readonly kind: "file" | "folder" | "symlink" | "hardlink";
  /** Bytes; only files have any. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Where a link points, as written; the empty string for other kinds. */
  readonly linkTarget: string;
};

/** Called for each file before its content: gives what the content is handed to. */
export type Visit = (entry: TarEntry) => (chunk: Uint8Array) => void;

const MAX_EXTENSION = 1024 ** 2;
const MAX_PADDING = 1024 ** 2;

/**
 * Walks a tar as it streams by. Accepts ustar, pax and GNU long names; files, folders and links;
 * it must end with two zero blocks, and only zeros may follow. Links are not judged here.
 *
 * @returns the entries in order, or DIST_TAR, DIST_PATH or DIST_SIZE
 * @see POSIX.1-2017 pax, PEP 706
 */
export const walkTar = async (
  chunks: AsyncIterable<Uint8Array>,
  limits: Limits,
  visit: Visit,
): Promise<Result<TarEntry[]>> => {
  const reader = byteReader(chunks);
  try {
    return await walk(reader, limits, visit);
  } finally {
    await reader.close();
  }
};

const walk = async (
  reader: ByteReader,
  limits: Limits,
  visit: Visit,
): Promise<Result<TarEntry[]>> => {
  const register = pathRegister();
  const entries: TarEntry[] = [];
  let total = 0;
  for (;;) {
    const next = await readEntry(reader);
    if (!next.ok) return next;
    const entry = next.value;
    if (entry === undefined) break;
    total += entry.size;
    if (entries.length >= limits.members) {
      return fail("DIST_SIZE", `the tar has more than ${limits.members} members`);
    }
    if (entry.size > limits.memberSize || total > limits.totalSize) {
      return fail("DIST_SIZE", `the tar unpacks to too much at ${shown(entry.path)}`);
    }
    const added = register.add(entry.path, entry.kind === "folder" ? "folder" : "leaf");
    if (!added.ok) return added;
    entries.push(entry);
    if (entry.kind !== "file") continue;
    const content = await passContent(reader, entry.size, visit(entry));
    if (!content.ok) return content;
  }
  const end = await checkEnd(reader);
  return end.ok ? ok(entries) : end;
};

const passContent = async (
  reader: ByteReader,
  size: number,
  sink: (chunk: Uint8Array) => void,
): Promise<Result<void>> => {
  const passed = await reader.pass(size, sink);
  const padding = (BLOCK - (size % BLOCK)) % BLOCK;
  const fill = await reader.take(padding);
  if (passed !== size || fill.length !== padding) return refuseTar("breaks off in a member");
  // Some tools read on in the padding of extension headers.
  return isZero(fill) ? ok(undefined) : refuseTar("hides bytes after the end of a member");
};

/** The second zero block, then zeros up to the end, in whole blocks. */
const checkEnd = async (reader: ByteReader): Promise<Result<void>> => {
  let length = 0;
  for await (const chunk of reader.rest()) {
    length += chunk.length;
    if (length > MAX_PADDING || !isZero(chunk)) return refuseTar("goes on after its end");
  }
  return length >= BLOCK && length % BLOCK === 0
    ? ok(undefined)
    : refuseTar("does not end with two zero blocks");
};

/** What extension headers say of the entry that follows them. */
type Extension = { path?: string; linkPath?: string; kind?: "global" | "pax" | "gnu" };

/** The next entry, or `undefined` at the first zero block. */
const readEntry = async (reader: ByteReader): Promise<Result<TarEntry | undefined>> => {
  const extension: Extension = {};
  for (;;) {
    const block = await reader.take(BLOCK);
    if (block.length !== BLOCK) return refuseTar("breaks off, or lacks its two zero blocks");
    if (isZero(block)) {
      return extension.kind === undefined ? ok(undefined) : refuseTar("extends no member");
    }
    const header = parseTarHeader(block);
    if (!header.ok) return header;
    if (!"xgLK".includes(header.value.type)) return interpret(header.value, extension);
    const extended = await extend(reader, header.value, extension);
    if (!extended.ok) return extended;
  }
};

const extend = async (
  reader: ByteReader,
  header: TarHeader,
  extension: Extension,
): Promise<Result<void>> => {
  if (header.size > MAX_EXTENSION) return fail("DIST_SIZE", "the tar has an oversized header");
  const parts: Uint8Array[] = [];
  const content = await passContent(reader, header.size, (chunk) => parts.push(chunk));
  if (!content.ok) return content;
  const bytes = concat(...parts);
  switch (header.type) {
    case "x":
      return extendByPax(bytes, extension);
    case "g":
      return extendByGlobal(bytes, extension);
    default:
      return extendByGnu(header.type, bytes, extension);
  }
};

/** A global header is what git writes: the commit as a comment. It may not rename or resize. */
const extendByGlobal = (bytes: Uint8Array, extension: Extension): Result<void> => {
  const records = parsePax(bytes);
  if (!records.ok) return records;
  const bad = ["path", "linkpath", "size"].find((keyword) => records.value.has(keyword));
  if (bad !== undefined) return refuseTar(`has a global ${bad} for all its members`);
  // Between a header and its member it would be read in two ways.
  if (isExtended(extension)) return refuseTar("extends one member twice");
  extension.kind = "global";
  return ok(undefined);
};

const isExtended = (extension: Extension): boolean =>
  extension.kind !== undefined && extension.kind !== "global";

const extendByPax = (bytes: Uint8Array, extension: Extension): Result<void> => {
  const records = parsePax(bytes);
  if (!records.ok) return records;
  if (isExtended(extension)) return refuseTar("extends one member twice");
  // Readers that trust one size and readers that trust the other would see different members.
  if (records.value.has("size")) return refuseTar("has a member with two sizes");
  const path = records.value.get("path");
  const linkPath = records.value.get("linkpath");
  if (path !== undefined) extension.path = path;
  if (linkPath !== undefined) extension.linkPath = linkPath;
  extension.kind = "pax";
  return ok(undefined);
};

/** GNU's long names: text with one NUL at its end. */
const extendByGnu = (type: string, bytes: Uint8Array, extension: Extension): Result<void> => {
  const field = type === "L" ? "path" : "linkPath";
  if (extension.kind === "pax" || extension[field] !== undefined) {
    return refuseTar("extends one member twice");
  }
  const text = fromUtf8(bytes.subarray(0, -1));
  if (!text.ok || bytes.at(-1) !== 0 || text.value.includes("\0")) {
    return refuseTar("has a malformed long name");
  }
  extension[field] = text.value;
  extension.kind = "gnu";
  return ok(undefined);
};

const KINDS: Readonly<Record<string, TarEntry["kind"]>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "folder",
};

const interpret = (header: TarHeader, extension: Extension): Result<TarEntry> => {
  const name = extension.path ?? header.name;
  const linkName = extension.linkPath ?? header.linkName;
  if (name === undefined || linkName === undefined) {
    return refuseTar("has a name that is not UTF-8 or has bytes after its end");
  }
  const kind = KINDS[header.type];
  if (kind === undefined) {
    return refuseTar(`has a member of type ${shown(header.type)}: ${shown(name)}`);
  }
  const folded = kind === "folder" && name.endsWith("/") ? name.slice(0, -1) : name;
  const path = parseMemberPath(folded);
  if (!path.ok) return path;
  if (kind !== "file" && header.size !== 0) {
    return refuseTar(`has content in a link or folder: ${shown(name)}`);
  }
  if (kind !== "folder" && (header.mode & 0o6000) !== 0) {
    return refuseTar(`has a set-uid or set-gid member: ${shown(name)}`);
  }
  const isLink = kind === "symlink" || kind === "hardlink";
  const mode = header.mode & 0o777;
  return ok({
    path: path.value,
    kind,
    size: header.size,
    mode,
    linkTarget: isLink ? linkName : "",
  });
};
