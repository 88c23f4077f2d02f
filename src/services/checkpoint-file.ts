import { dirname } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { fromUtf8, hex, utf8 } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { disk, type Storage, type StorageFile } from "./storage.ts";

/**
 * The last checkpoint that was signed, kept outside the database so that a database that was put
 * back to an older state is noticed. Two slots are written in turn and each carries its own
 * digest: a write that power loss tears spoils only the newer one, which nobody was told of yet.
 * One flush a write, no rename, and no new disk space.
 */
export type CheckpointFile = {
  /** The newest whole note, `undefined` in a file to which none was ever written wholly. */
  readonly last: string | undefined;
  /** Resolves when `note` is on the disk. Rejects when that is not certain. */
  write(note: string): Promise<void>;
  close(): Promise<void>;
};

const SLOT = 4096;

type Slot = { readonly turn: number; readonly note: string };

const encodeSlot = ({ turn, note }: Slot): Uint8Array => {
  const bytes = new Uint8Array(SLOT).fill(0x0a);
  const content = utf8(`${turn} ${note.length} ${hex(sha256(utf8(`${turn} ${note}`)))}\n${note}`);
  if (content.length > SLOT) throw new Error(`a checkpoint of ${content.length} bytes`);
  bytes.set(content);
  return bytes;
};

const decodeSlot = (bytes: Uint8Array): Slot | undefined => {
  const text = fromUtf8(bytes);
  const header = text.ok ? /^(\d{1,15}) (\d{1,4}) ([0-9a-f]{64})\n/.exec(text.value) : null;
  if (!text.ok || header === null) return undefined;
  const start = header[0].length;
  const note = text.value.slice(start, start + Number(header[2]));
  const turn = Number(header[1]);
  return hex(sha256(utf8(`${turn} ${note}`))) === header[3] ? { turn, note } : undefined;
};

const readSlots = async (file: StorageFile): Promise<Slot | undefined | "spoilt"> => {
  const bytes = await file.read(2 * SLOT, 0);
  if (bytes.length === 0) return undefined;
  const slots = [bytes.subarray(0, SLOT), bytes.subarray(SLOT)].map(decodeSlot);
  const whole = slots.filter((slot) => slot !== undefined);
  // The first write of all was torn, and nobody was told of it: the other slot is still empty.
  const first = bytes.subarray(0, SLOT).every((byte) => byte === 0);
  return whole.toSorted((a, b) => b.turn - a.turn)[0] ?? (first ? undefined : "spoilt");
};

/** Opens or makes the file. `STATE_CORRUPT` when it has content, but no whole checkpoint. */
export const openCheckpointFile = async (
  path: string,
  storage: Storage = disk,
): Promise<Result<CheckpointFile>> => {
  const file = await storage.open(path, "kept");
  try {
    return await openSlots(path, file, storage);
  } catch (error) {
    await file.close();
    throw error;
  }
};

const openSlots = async (
  path: string,
  file: StorageFile,
  storage: Storage,
): Promise<Result<CheckpointFile>> => {
  const newest = await readSlots(file);
  if (newest === "spoilt") {
    await file.close();
    return fail("STATE_CORRUPT", `${path} holds no whole checkpoint`);
  }
  if (newest === undefined) await storage.syncFolder(dirname(path));
  let turn = newest?.turn ?? 0;
  const write = async (note: string): Promise<void> => {
    turn += 1;
    await file.write(encodeSlot({ turn, note }), (turn % 2) * SLOT);
    await file.sync();
  };
  return ok({ last: newest?.note, write, close: () => file.close() });
};
