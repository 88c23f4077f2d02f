import { fromUtf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { isBomb, type Limits } from "./finding.ts";
import type { RandomAccess } from "./inflate.ts";
import { type MemberPath, parseMemberPath, pathRegister } from "./member-path.ts";
import { shown } from "./name.ts";
import { type CentralEntry, readLocal } from "./zip-local.ts";
import {
  CENTRAL_SIZE,
  type CentralHeader,
  END_SIZE,
  END64_SIZE,
  type EndRecord,
  hasSignature,
  isMasked,
  LOCATOR_SIZE,
  parseCentral,
  parseEnd,
  parseEnd64,
  parseExtra,
  parseLocator,
  refuseZip,
  SIGNATURE,
  widen,
  ZIP_FLAG,
} from "./zip-records.ts";

/** A member of a zip whose local and central headers were found to agree. */
export type ZipEntry = {
  readonly path: MemberPath;
  readonly kind: "file" | "folder";
  readonly method: "stored" | "deflated";
  readonly crc32: number;
  readonly packedSize: number;
  readonly size: number;
  /** Whether its Unix mode lets someone run it. */
  readonly executable: boolean;
  /** Where its packed bytes begin. */
  readonly contentOffset: number;
};

const MAX_DIRECTORY = 64 * 1024 ** 2;

/**
 * Reads the structure of a zip so that no two tools can see different members in it: the file is
 * local entries without gaps from byte 0, then the central directory, then the end record, and
 * nothing else; every local header says what its central header says; no two paths collide.
 * Content is not read: see `readMember`.
 *
 * @returns DIST_ZIP, DIST_PATH or DIST_SIZE
 * @see APPNOTE.TXT 6.3.10
 */
export const readZip = async (zip: RandomAccess, limits: Limits): Promise<Result<ZipEntry[]>> => {
  const end = await readEnd(zip);
  if (!end.ok) return end;
  const { entries, directorySize, directoryOffset } = end.value;
  if (entries > limits.members || directorySize > MAX_DIRECTORY) {
    return fail("DIST_SIZE", `the zip has ${entries} members, over ${limits.members}`);
  }
  const directory = await zip.read(directoryOffset, directorySize);
  const centrals = parseDirectory(directory, entries);
  if (!centrals.ok) return centrals;
  const sizes = checkSizes(centrals.value, zip.size, limits);
  if (!sizes.ok) return sizes;
  return readLocals(zip, centrals.value, directoryOffset);
};

/** Finds the end records and proves that the directory ends where they begin. */
const readEnd = async (zip: RandomAccess): Promise<Result<EndRecord>> => {
  const endOffset = zip.size - END_SIZE;
  if (endOffset < 0) return refuseZip("is too short");
  const end = parseEnd(await zip.read(endOffset, END_SIZE));
  if (!end.ok) return end;
  if (!isMasked(end.value)) return endsPlainly(zip, end.value, endOffset);
  const end64Offset = endOffset - LOCATOR_SIZE - END64_SIZE;
  if (end64Offset < 0) return refuseZip("lacks its zip64 locator");
  const tail = await zip.read(end64Offset, END64_SIZE + LOCATOR_SIZE);
  const pointed = parseLocator(tail.subarray(END64_SIZE));
  if (!pointed.ok) return pointed;
  if (pointed.value !== end64Offset) return refuseZip("has a gap before its zip64 locator");
  const end64 = parseEnd64(tail.subarray(0, END64_SIZE), end.value);
  return end64.ok ? endsAt(end64.value, end64Offset) : end64;
};

/** Some tools follow a zip64 locator that stands there though nothing sends them to it. */
const endsPlainly = async (
  zip: RandomAccess,
  end: EndRecord,
  endOffset: number,
): Promise<Result<EndRecord>> => {
  const before = Math.min(LOCATOR_SIZE, endOffset);
  const located = hasSignature(await zip.read(endOffset - before, before), SIGNATURE.locator);
  return located ? refuseZip("has a zip64 locator that it does not need") : endsAt(end, endOffset);
};

const endsAt = (end: EndRecord, offset: number): Result<EndRecord> =>
  end.directoryOffset + end.directorySize === offset
    ? ok(end)
    : refuseZip("has a gap or an overlap between directory and end record");

type Central = CentralEntry & {
  readonly entry: Omit<ZipEntry, "contentOffset">;
};

const parseDirectory = (directory: Uint8Array, entries: number): Result<Central[]> => {
  const centrals: Central[] = [];
  const register = pathRegister();
  let at = 0;
  while (at < directory.length) {
    const header = parseCentral(directory.subarray(at));
    if (!header.ok) return header;
    const { nameLength, extraLength, commentLength } = header.value;
    const end = at + CENTRAL_SIZE + nameLength + extraLength + commentLength;
    if (end > directory.length) return refuseZip("has a central directory that breaks off");
    const central = interpret(header.value, directory.subarray(at + CENTRAL_SIZE, end));
    if (!central.ok) return central;
    const { path, kind } = central.value.entry;
    const added = register.add(path, kind === "folder" ? "folder" : "leaf");
    if (!added.ok) return added;
    centrals.push(central.value);
    at = end;
  }
  if (centrals.length !== entries) {
    return refuseZip(`says it has ${entries} members, but lists ${centrals.length}`);
  }
  return ok(centrals);
};

const interpret = (header: CentralHeader, rest: Uint8Array): Result<Central> => {
  const nameBytes = rest.subarray(0, header.nameLength);
  const extraEnd = header.nameLength + header.extraLength;
  const extra = parseExtra(rest.subarray(header.nameLength, extraEnd));
  if (!extra.ok) return extra;
  if (header.commentLength !== 0) return refuseZip("has a comment on a member");
  if (header.disk !== 0) return refuseZip("is spread over several disks");
  const wide = widen([header.size, header.packedSize, header.offset], extra.value);
  if (!wide.ok) return wide;
  const [size, packedSize, offset] = wide.value as [number, number, number];
  const named = parseEntryName(nameBytes, header.flags);
  if (!named.ok) return named;
  const complaint = complaintAbout({ ...header, size, packedSize }, named.value.kind);
  if (complaint !== undefined) return refuseZip(`${complaint}: ${shown(named.value.path)}`);
  const entry = {
    ...named.value,
    method: header.method === 0 ? ("stored" as const) : ("deflated" as const),
    crc32: header.crc32,
    packedSize,
    size,
    executable: ((header.externalAttributes >>> 16) & 0o111) !== 0,
  };
  return ok({ ...header, size, packedSize, offset, nameBytes, entry });
};

const parseEntryName = (
  bytes: Uint8Array,
  flags: number,
): Result<{ path: MemberPath; kind: "file" | "folder" }> => {
  const text = fromUtf8(bytes);
  // Without the flag, old tools read names as code page 437: only ASCII is the same in both.
  const plain = (flags & ZIP_FLAG.utf8) !== 0 || bytes.every((byte) => byte < 128);
  if (!text.ok || !plain) return refuseZip("has a name that is neither ASCII nor marked as UTF-8");
  const folder = text.value.endsWith("/");
  const path = parseMemberPath(folder ? text.value.slice(0, -1) : text.value);
  return path.ok ? ok({ path: path.value, kind: folder ? "folder" : "file" }) : path;
};

/** Descriptor, UTF-8 names and the two bits of deflate's effort; encryption and the rest are not. */
const ALLOWED_FLAGS = ZIP_FLAG.descriptor | ZIP_FLAG.utf8 | 0b110;
/** The newest version of the format; some tools refuse a member that says more. */
const MAX_VERSION = 63;
const TYPE_MASK = 0o170000;
const DOS_FOLDER = 0x10;
const DOS_LABEL = 0x08;

const complaintAbout = (header: CentralHeader, kind: "file" | "folder"): string | undefined => {
  const mode = header.externalAttributes >>> 16;
  const type = mode & TYPE_MASK;
  const expected = kind === "folder" ? 0o040000 : 0o100000;
  const marked = (header.externalAttributes & DOS_FOLDER) !== 0;
  if (header.versionNeeded > MAX_VERSION) return "has a member of an unknown version";
  if ((header.flags & ~ALLOWED_FLAGS) !== 0) return "has an encrypted or otherwise special member";
  if (header.method !== 0 && header.method !== 8) return "has an unusual compression method";
  if (type !== 0 && type !== expected) return "has a link or another special file";
  if ((mode & 0o6000) !== 0) return "has a set-uid or set-gid member";
  if (marked && kind === "file") return "has a member that is a folder to some tools";
  if ((header.externalAttributes & DOS_LABEL) !== 0) return "has a volume label";
  if (kind === "folder" && (header.size !== 0 || header.packedSize !== 0)) {
    return "has a folder with content";
  }
  if (header.method === 0 && header.size !== header.packedSize) {
    return "has a stored member with two sizes";
  }
  if (header.method === 0 && header.size !== 0 && (header.flags & ZIP_FLAG.descriptor) !== 0) {
    return "has a stored member whose end a stream cannot find";
  }
  return undefined;
};

const checkSizes = (centrals: readonly Central[], packed: number, limits: Limits): Result<void> => {
  let total = 0;
  for (const { size, entry } of centrals) {
    total += size;
    if (size > limits.memberSize || total > limits.totalSize) {
      return fail("DIST_SIZE", `the zip unpacks to too much at ${shown(entry.path)}`);
    }
  }
  return isBomb(limits, total, packed)
    ? fail("DIST_SIZE", `the zip of ${packed} bytes unpacks to ${total}`)
    : ok(undefined);
};

/** Walks the local entries in the order of the file: each must begin where the last one ended. */
const readLocals = async (
  zip: RandomAccess,
  centrals: readonly Central[],
  directoryOffset: number,
): Promise<Result<ZipEntry[]>> => {
  const ordered = [...centrals].sort((a, b) => a.offset - b.offset);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (const central of ordered) {
    if (central.offset !== at) {
      return refuseZip(`has a gap or an overlap before ${shown(central.entry.path)}`);
    }
    const local = await readLocal(zip, central, directoryOffset);
    if (!local.ok) return local;
    entries.push({ ...central.entry, contentOffset: local.value.contentOffset });
    at = local.value.end;
  }
  return at === directoryOffset ? ok(entries) : refuseZip("has a gap before its directory");
};
