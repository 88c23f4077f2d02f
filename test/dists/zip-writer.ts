import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/crypto/crc32.ts";
import type { RandomAccess } from "../../src/dists/inflate.ts";

type HeaderFields = {
  versionNeeded: number;
  flags: number;
  method: number;
  crc32: number;
  packedSize: number;
  size: number;
  name: Uint8Array;
  extra: Uint8Array;
};

type CentralFields = HeaderFields & {
  versionMadeBy: number;
  comment: Uint8Array;
  disk: number;
  externalAttributes: number;
  offset: number;
};

type EndFields = {
  disk: number;
  directoryDisk: number;
  entriesHere: number;
  entries: number;
  directorySize: number;
  directoryOffset: number;
  comment: Uint8Array;
};

/** One member; the last group of fields makes it lie. */
export type ZipMember = {
  name: string;
  content?: string | Uint8Array;
  method?: "stored" | "deflated";
  /** Unix mode in the upper half of the external attributes. */
  mode?: number;
  /** Sizes in a data descriptor, zeros in the local header. */
  descriptor?: boolean;
  /** Sizes in a zip64 field of the local header. */
  wide?: boolean;

  packed?: Uint8Array;
  local?: Partial<HeaderFields>;
  central?: Partial<CentralFields>;
  /** What stands instead of the data descriptor. */
  descriptorBytes?: Uint8Array;
  gapBefore?: Uint8Array;
  omitCentral?: boolean;
  /** List this one in the directory as being at the place of that earlier member. */
  placeOf?: number;
};

export type ZipOptions = {
  prefix?: Uint8Array;
  suffix?: Uint8Array;
  gapBeforeDirectory?: Uint8Array;
  gapAfterDirectory?: Uint8Array;
  end?: Partial<EndFields>;
  /** Write the zip64 end record and mask these fields of the end record. */
  end64?: {
    mask: (keyof EndFields)[];
    fields?: Partial<EndFields>;
    size?: number;
    version?: number;
  };
  locator?: { disk?: number; offset?: number; disks?: number; signature?: number };
  /** Order of the directory, by index of member. */
  directoryOrder?: number[];
};

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

/** Little-endian numbers as `[value, bytes]`, and bytes as they are. */
export const pack = (...parts: ([number | bigint, number] | Uint8Array)[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) => {
        if (part instanceof Uint8Array) return part;
        const [value, length] = part;
        const out = Buffer.alloc(8);
        out.writeBigUInt64LE(BigInt(value));
        return out.subarray(0, length);
      }),
    ),
  );

export const none = new Uint8Array(0);

const headerOf = (member: ZipMember): HeaderFields & { packed: Uint8Array } => {
  const content = bytesOf(member.content ?? "");
  const stored = (member.method ?? "deflated") === "stored" || member.name.endsWith("/");
  const packed = member.packed ?? (stored ? content : new Uint8Array(deflateRawSync(content)));
  const utf8 = /[^\x20-\x7e]/.test(member.name) ? 1 << 11 : 0;
  return {
    versionNeeded: 20,
    flags: utf8 | (member.descriptor === true ? 1 << 3 : 0),
    method: stored ? 0 : 8,
    crc32: crc32(content),
    packedSize: packed.length,
    size: content.length,
    name: bytesOf(member.name),
    extra: none,
    packed,
  };
};

const localOf = (member: ZipMember, header: HeaderFields): HeaderFields => {
  const blank = member.descriptor === true ? { crc32: 0, packedSize: 0, size: 0 } : {};
  const truth = { ...header, ...blank };
  const extra = pack([1, 2], [16, 2], [truth.size, 8], [truth.packedSize, 8]);
  const wide = member.wide === true ? { size: 0xffffffff, packedSize: 0xffffffff, extra } : {};
  return { ...truth, ...wide, ...member.local };
};

const writeCommon = (fields: HeaderFields): Uint8Array =>
  pack(
    [fields.versionNeeded, 2],
    [fields.flags, 2],
    [fields.method, 2],
    [0, 2],
    [0x21, 2],
    [fields.crc32, 4],
    [fields.packedSize, 4],
    [fields.size, 4],
    [fields.name.length, 2],
    [fields.extra.length, 2],
  );

const writeLocal = (member: ZipMember): Uint8Array => {
  const header = headerOf(member);
  const local = localOf(member, header);
  const width = member.wide === true ? 8 : 4;
  const descriptor =
    member.descriptor === true
      ? pack([0x08074b50, 4], [header.crc32, 4], [header.packedSize, width], [header.size, width])
      : none;
  return pack(
    [0x04034b50, 4],
    writeCommon(local),
    local.name,
    local.extra,
    header.packed,
    member.descriptorBytes ?? descriptor,
  );
};

const writeCentral = (member: ZipMember, offset: number): Uint8Array => {
  const central: CentralFields = {
    ...headerOf(member),
    versionMadeBy: 0x0314,
    comment: none,
    disk: 0,
    externalAttributes:
      (((member.mode ?? (member.name.endsWith("/") ? 0o40755 : 0o100644)) << 16) |
        (member.name.endsWith("/") ? 0x10 : 0)) >>>
      0,
    offset,
    ...member.central,
  };
  return pack(
    [0x02014b50, 4],
    [central.versionMadeBy, 2],
    writeCommon(central),
    [central.comment.length, 2],
    [central.disk, 2],
    [0, 2],
    [central.externalAttributes, 4],
    [central.offset, 4],
    central.name,
    central.extra,
    central.comment,
  );
};

const MASKS: Record<keyof EndFields, number> = {
  disk: 0xffff,
  directoryDisk: 0xffff,
  entriesHere: 0xffff,
  entries: 0xffff,
  directorySize: 0xffffffff,
  directoryOffset: 0xffffffff,
  comment: 0,
};

const writeEnd = (fields: EndFields): Uint8Array =>
  pack(
    [0x06054b50, 4],
    [fields.disk, 2],
    [fields.directoryDisk, 2],
    [fields.entriesHere, 2],
    [fields.entries, 2],
    [fields.directorySize, 4],
    [fields.directoryOffset, 4],
    [fields.comment.length, 2],
    fields.comment,
  );

const writeEnd64 = (truth: EndFields, offset: number, options: ZipOptions): Uint8Array => {
  const { fields = {}, size = 44 } = options.end64 ?? {};
  const wide = { ...truth, ...fields };
  const { locator = {} } = options;
  return pack(
    [0x06064b50, 4],
    [size, 8],
    [0x031e, 2],
    [45, 2],
    [wide.disk, 4],
    [wide.directoryDisk, 4],
    [wide.entriesHere, 8],
    [wide.entries, 8],
    [wide.directorySize, 8],
    [wide.directoryOffset, 8],
    [locator.signature ?? 0x07064b50, 4],
    [locator.disk ?? 0, 4],
    [locator.offset ?? offset, 8],
    [locator.disks ?? 1, 4],
  );
};

/** Writes a zip that is honest unless a member or an option says otherwise. */
export const writeZip = (members: readonly ZipMember[], options: ZipOptions = {}): Uint8Array => {
  const parts: Uint8Array[] = [options.prefix ?? none];
  let at = parts[0]!.length;
  const add = (part: Uint8Array): number => {
    parts.push(part);
    at += part.length;
    return at - part.length;
  };
  const offsets = members.map((member) => {
    add(member.gapBefore ?? none);
    return member.placeOf === undefined ? add(writeLocal(member)) : at;
  });
  add(options.gapBeforeDirectory ?? none);
  const order = options.directoryOrder ?? members.map((_, i) => i);
  const listed = order.filter((i) => members[i]!.omitCentral !== true);
  const directory = pack(
    ...listed.map((i) => writeCentral(members[i]!, offsets[members[i]!.placeOf ?? i]!)),
  );
  const truth: EndFields = {
    disk: 0,
    directoryDisk: 0,
    entriesHere: listed.length,
    entries: listed.length,
    directorySize: directory.length,
    directoryOffset: add(directory),
    comment: none,
  };
  add(options.gapAfterDirectory ?? none);
  if (options.end64 !== undefined) add(writeEnd64(truth, at, options));
  const masks = (options.end64?.mask ?? []).map((field) => [field, MASKS[field]]);
  add(writeEnd({ ...truth, ...Object.fromEntries(masks), ...options.end }));
  add(options.suffix ?? none);
  return pack(...parts);
};

/** Bytes as an open file. */
export const memoryAccess = (bytes: Uint8Array): RandomAccess => ({
  size: bytes.length,
  read: async (offset, length) => {
    if (offset < 0 || offset + length > bytes.length) throw new Error("read outside the file");
    return bytes.slice(offset, offset + length);
  },
});
