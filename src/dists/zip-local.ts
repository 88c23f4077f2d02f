import { equal } from "../formats/bytes.ts";
import { ok, type Result } from "../formats/result.ts";
import type { RandomAccess } from "./inflate.ts";
import { shown } from "./name.ts";
import {
  type CentralHeader,
  DESCRIPTOR_SIZE,
  DESCRIPTOR64_SIZE,
  type Header,
  hasSignature,
  LOCAL_SIZE,
  parseExtra,
  parseLocal,
  refuseZip,
  repeats,
  SIGNATURE,
  viewOf,
  widen,
  ZIP_FLAG,
} from "./zip-records.ts";

/** A central header with its zip64 numbers in place, and its name as bytes. */
export type CentralEntry = Omit<CentralHeader, "extraLength" | "commentLength"> & {
  readonly nameBytes: Uint8Array;
};

/** Where a member's packed bytes begin, and where the next local header must begin. */
export type LocalSpan = { readonly contentOffset: number; readonly end: number };

/** The numbers that both headers and the descriptor state. */
type Sums = Pick<Header, "crc32" | "packedSize" | "size">;

const named = (central: CentralEntry): string =>
  shown(new TextDecoder("utf-8").decode(central.nameBytes));

const differs = (central: CentralEntry, what: string) =>
  refuseZip(`gives ${named(central)} another ${what} in its local header than in its directory`);

const compareSums = (central: CentralEntry, said: Sums): Result<void> => {
  if (said.crc32 !== central.crc32) return differs(central, "checksum");
  if (said.size !== central.size || said.packedSize !== central.packedSize) {
    return differs(central, "size");
  }
  return ok(undefined);
};

/**
 * Reads the local header that `central` points to, and its data descriptor, and compares
 * everything that both say: name, method, flags, checksum and sizes.
 * @param limit - where the central directory begins: nothing may reach beyond
 * @returns DIST_ZIP
 */
export const readLocal = async (
  zip: RandomAccess,
  central: CentralEntry,
  limit: number,
): Promise<Result<LocalSpan>> => {
  const extraOffset = central.offset + LOCAL_SIZE + central.nameLength;
  const overrun = refuseZip(`has a member that reaches into the directory: ${named(central)}`);
  if (extraOffset > limit) return overrun;
  const start = await zip.read(central.offset, LOCAL_SIZE + central.nameLength);
  const local = parseLocal(start);
  if (!local.ok) return local;
  const { nameLength, extraLength, method, flags } = local.value;
  const contentOffset = extraOffset + extraLength;
  const contentEnd = contentOffset + central.packedSize;
  if (contentEnd > limit) return overrun;
  const sameName = equal(start.subarray(LOCAL_SIZE), central.nameBytes);
  if (!sameName || nameLength !== central.nameLength) return differs(central, "name");
  if (method !== central.method) return differs(central, "method");
  if (flags !== central.flags) return differs(central, "flag");
  const extra = parseExtra(await zip.read(extraOffset, extraLength));
  if (!extra.ok) return extra;
  const sums = compareLocalSums(central, local.value, extra.value);
  if (!sums.ok) return sums;
  if ((flags & ZIP_FLAG.descriptor) === 0) return ok({ contentOffset, end: contentEnd });
  const end = await readDescriptor(zip, central, contentEnd, extra.value !== undefined, limit);
  return end.ok ? ok({ contentOffset, end: end.value }) : end;
};

const compareLocalSums = (
  central: CentralEntry,
  local: Header,
  extra: Uint8Array | undefined,
): Result<void> => {
  const streamed = (central.flags & ZIP_FLAG.descriptor) !== 0;
  const fields = [local.size, local.packedSize];
  // Some writers say the sizes in both places; before a descriptor that would leave its width open.
  const wide = widen(fields, !streamed && repeats(fields, extra) ? undefined : extra);
  if (!wide.ok) return wide;
  const [size, packedSize] = wide.value as [number, number];
  // A streaming writer leaves zeros here and the truth in the descriptor.
  const blank = size === 0 && packedSize === 0 && local.crc32 === 0;
  if (blank && streamed) return ok(undefined);
  return compareSums(central, { crc32: local.crc32, packedSize, size });
};

/**
 * The data descriptor (4.3.9) and where it ends: 8-byte sizes exactly when the local header has a
 * zip64 field.
 */
const readDescriptor = async (
  zip: RandomAccess,
  central: CentralEntry,
  offset: number,
  wide: boolean,
  limit: number,
): Promise<Result<number>> => {
  const length = wide ? DESCRIPTOR64_SIZE : DESCRIPTOR_SIZE;
  const end = offset + length;
  if (end > limit) return refuseZip("has a data descriptor that breaks off");
  const bytes = await zip.read(offset, length);
  if (!hasSignature(bytes, SIGNATURE.descriptor)) return refuseZip("lacks a data descriptor");
  const view = viewOf(bytes);
  const number = (at: number): number =>
    wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true);
  const crc32 = view.getUint32(4, true);
  const said = { crc32, packedSize: number(8), size: number(wide ? 16 : 12) };
  const sums = compareSums(central, said);
  return sums.ok ? ok(end) : sums;
};
