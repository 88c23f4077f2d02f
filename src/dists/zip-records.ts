import { fail, ok, type Result } from "../formats/result.ts";

// The records of a zip file (APPNOTE.TXT 6.3, section 4.3). All numbers are little-endian.

/** End of central directory, section 4.3.16. */
export type EndRecord = {
  readonly entries: number;
  readonly directorySize: number;
  readonly directoryOffset: number;
};

/** What a central header (4.3.12) and a local header (4.3.7) both say. */
export type Header = {
  /** Of the format, times ten, that a reader must know. */
  readonly versionNeeded: number;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  readonly packedSize: number;
  readonly size: number;
  readonly nameLength: number;
  readonly extraLength: number;
};

export type CentralHeader = Header & {
  readonly commentLength: number;
  readonly disk: number;
  readonly externalAttributes: number;
  readonly offset: number;
};

export const END_SIZE = 22;
export const END64_SIZE = 56;
export const LOCATOR_SIZE = 20;
export const CENTRAL_SIZE = 46;
export const LOCAL_SIZE = 30;
/** With its optional signature, which every current writer sets. */
export const DESCRIPTOR_SIZE = 16;
export const DESCRIPTOR64_SIZE = 24;

const MAX16 = 0xffff;
const MAX32 = 0xffffffff;

export const ZIP_FLAG = { descriptor: 1 << 3, utf8: 1 << 11 } as const;

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// Above 2^53 the number is not exact, but then it is larger than any file or limit.
const u64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

export const hasSignature = (bytes: Uint8Array, signature: number): boolean =>
  bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === signature;

export const SIGNATURE = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator: 0x07064b50,
  descriptor: 0x08074b50,
} as const;

export const refuseZip = (why: string) => fail("DIST_ZIP", `the zip ${why}`);

/** Reads the last 22 bytes. One disk, no comment. */
export const parseEnd = (bytes: Uint8Array): Result<EndRecord> => {
  if (bytes.length !== END_SIZE || !hasSignature(bytes, SIGNATURE.end)) {
    return refuseZip("does not end with its end record: something follows it, or it was cut");
  }
  const view = viewOf(bytes);
  if (view.getUint16(20, true) !== 0) return refuseZip("has a comment");
  const disks = view.getUint16(4, true) + view.getUint16(6, true);
  const entries = view.getUint16(10, true);
  if (disks !== 0 || view.getUint16(8, true) !== entries) {
    return refuseZip("is spread over several disks");
  }
  const directorySize = view.getUint32(12, true);
  return ok({ entries, directorySize, directoryOffset: view.getUint32(16, true) });
};

/** Whether a field of the end record sends readers to the zip64 record. */
export const isMasked = (end: EndRecord): boolean =>
  end.entries === MAX16 || end.directorySize === MAX32 || end.directoryOffset === MAX32;

/** The offset of the zip64 end record, from its locator (4.3.15). */
export const parseLocator = (bytes: Uint8Array): Result<number> => {
  const view = viewOf(bytes);
  if (!hasSignature(bytes, SIGNATURE.locator)) return refuseZip("lacks its zip64 locator");
  if (view.getUint32(4, true) !== 0 || view.getUint32(16, true) !== 1) {
    return refuseZip("is spread over several disks");
  }
  return ok(u64(view, 8));
};

/** The zip64 end record (4.3.14) of the fixed size; `end` must agree where it is not masked. */
export const parseEnd64 = (bytes: Uint8Array, end: EndRecord): Result<EndRecord> => {
  const view = viewOf(bytes);
  if (!hasSignature(bytes, SIGNATURE.end64) || u64(view, 4) !== END64_SIZE - 12) {
    return refuseZip("has a zip64 end record of another form than the fixed one");
  }
  const entries = u64(view, 32);
  const disks = view.getUint32(16, true) + view.getUint32(20, true);
  if (disks !== 0 || u64(view, 24) !== entries) return refuseZip("is spread over several disks");
  const wide = { entries, directorySize: u64(view, 40), directoryOffset: u64(view, 48) };
  const agree =
    agrees(end.entries, wide.entries, MAX16) &&
    agrees(end.directorySize, wide.directorySize, MAX32) &&
    agrees(end.directoryOffset, wide.directoryOffset, MAX32);
  return agree ? ok(wide) : refuseZip("has two end records that disagree");
};

const agrees = (narrow: number, wide: number, mask: number): boolean =>
  narrow === mask || narrow === wide;

/** Reads the fixed part of a central header; `bytes` hold at least that. */
export const parseCentral = (bytes: Uint8Array): Result<CentralHeader> => {
  if (bytes.length < CENTRAL_SIZE || !hasSignature(bytes, SIGNATURE.central)) {
    return refuseZip("has a central directory that breaks off");
  }
  const view = viewOf(bytes);
  return ok({
    ...parseCommon(view, 6),
    commentLength: view.getUint16(32, true),
    disk: view.getUint16(34, true),
    externalAttributes: view.getUint32(38, true),
    offset: view.getUint32(42, true),
  });
};

/** Reads the fixed part of a local header. */
export const parseLocal = (bytes: Uint8Array): Result<Header> =>
  hasSignature(bytes, SIGNATURE.local)
    ? ok(parseCommon(viewOf(bytes), 4))
    : refuseZip("has a central entry that points to no local header");

const parseCommon = (view: DataView, at: number): Header => ({
  versionNeeded: view.getUint8(at),
  flags: view.getUint16(at + 2, true),
  method: view.getUint16(at + 4, true),
  crc32: view.getUint32(at + 10, true),
  packedSize: view.getUint32(at + 14, true),
  size: view.getUint32(at + 18, true),
  nameLength: view.getUint16(at + 22, true),
  extraLength: view.getUint16(at + 24, true),
});

/** Extra fields that give a member a second name, or say that it is encrypted. */
const REFUSED_EXTRA = new Set([0x0017, 0x6375, 0x7075, 0x9901]);
const ZIP64 = 0x0001;

/** Reads extra fields (4.5) and gives the content of the zip64 one, if there is one. */
export const parseExtra = (bytes: Uint8Array): Result<Uint8Array | undefined> => {
  const view = viewOf(bytes);
  const seen = new Map<number, Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.length - at < 4 ? undefined : at + 4 + view.getUint16(at + 2, true);
    if (end === undefined || end > bytes.length) return refuseZip("has a broken extra field");
    const id = view.getUint16(at, true);
    if (REFUSED_EXTRA.has(id)) return refuseZip("has an extra field that renames or encrypts");
    if (seen.has(id)) return refuseZip("has an extra field twice");
    seen.set(id, bytes.subarray(at + 4, end));
    at = end;
  }
  return ok(seen.get(ZIP64));
};

/** Whether a zip64 extra field only says again what `fields`, none of them masked, say. */
export const repeats = (fields: readonly number[], extra: Uint8Array | undefined): boolean => {
  if (extra?.length !== 8 * fields.length) return false;
  const view = viewOf(extra);
  return fields.every((field, i) => field !== MAX32 && field === u64(view, 8 * i));
};

/**
 * Puts the numbers of a zip64 extra field (4.5.3) where `fields` are masked, in their order.
 * The field must hold exactly those, so that no reader can take others.
 */
export const widen = (
  fields: readonly number[],
  extra: Uint8Array | undefined,
): Result<number[]> => {
  const masked = fields.filter((field) => field === MAX32).length;
  if (extra === undefined) {
    return masked === 0 ? ok([...fields]) : refuseZip("lacks a zip64 field for a large number");
  }
  if (masked === 0 || extra.length !== 8 * masked) {
    return refuseZip("has a zip64 field that holds other numbers than are needed");
  }
  const view = viewOf(extra);
  let at = 0;
  const wide = fields.map((field) => {
    if (field !== MAX32) return field;
    at += 8;
    return u64(view, at - 8);
  });
  return ok(wide);
};
