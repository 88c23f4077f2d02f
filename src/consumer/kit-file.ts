import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type OpenFile, openFile, streamOf } from "../clients/archive.ts";
import { hasher } from "../crypto/hash.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { type Kit, readKit, writeKit } from "./kit-archive.ts";
import type { KitDraft } from "./kit-export.ts";

/** A rename is kept once the folder that it happened in is flushed. */
const flushFolder = async (path: string): Promise<void> => {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

/** Writes a kit to a file: all of it, flushed, or nothing. Fails as {@link writeKit} does. */
export const writeKitFile = async (
  path: string,
  { manifest, contents }: KitDraft,
): Promise<Result<{ readonly sha256: string; readonly size: number }>> => {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", 0o644);
    try {
      const written = await writeKit(manifest, contents, async (chunk) => {
        await file.writeFile(chunk);
      });
      if (!written.ok) return written;
      await file.sync();
      await rename(temporary, path);
      await flushFolder(dirname(path));
      return written;
    } finally {
      await file.close();
    }
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${path}: ${systemReason(error)}`);
  } finally {
    await rm(temporary, { force: true });
  }
};

/** Runs `work` on the kit in a file, which stays open so long. Fails as {@link readKit} does. */
export const withKit = async <T>(
  path: string,
  work: (kit: Kit) => Promise<Result<T>>,
): Promise<Result<T>> => {
  const file = await openFile(path);
  if (!file.ok) return file;
  try {
    const kit = await readOpen(file.value);
    return kit.ok ? await work(kit.value) : kit;
  } finally {
    await file.value.close();
  }
};

const readOpen = ({ access }: OpenFile): Promise<Result<Kit>> => readKit(access, streamOf(access));

/** A file that an import writes beside what the kit holds. */
export type Written = { readonly path: string; readonly content: Uint8Array };

/**
 * Unpacks a kit that verified, and further files, into `folder`, which must be new or empty: it is
 * there with all of it, flushed, or not at all. Every file is compared with the manifest again.
 * @returns KIT_TARGET, KIT_DIGEST, FILE_UNWRITABLE
 */
export const unpackKit = async (
  kit: Kit,
  folder: string,
  more: readonly Written[],
): Promise<Result<void>> => {
  const taken = await readdir(folder).then(
    (names) => names.length > 0,
    (error) => (error as { code?: string }).code !== "ENOENT",
  );
  if (taken) return fail("KIT_TARGET", `${folder} is not an empty folder`);
  const staging = join(dirname(folder), `.${basename(folder)}.${process.pid}.import`);
  try {
    await mkdir(dirname(folder), { recursive: true });
    await mkdir(staging);
    for (const [path, file] of kit.files) {
      const digest = await put(join(staging, path), streamOf(file.access));
      if (digest !== file.sha256) return fail("KIT_DIGEST", `${path} changed while it was read`);
    }
    for (const { path, content } of more) {
      await put(join(staging, path), [content]);
    }
    await rename(staging, folder);
    await flushFolder(dirname(folder));
    return ok(undefined);
  } catch (error) {
    return fail("FILE_UNWRITABLE", `${folder}: ${systemReason(error)}`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
};

const put = async (
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<string> => {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "wx", 0o644);
  const state = hasher("sha256");
  try {
    for await (const chunk of chunks) {
      state.update(chunk);
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hex(state.digest());
};
