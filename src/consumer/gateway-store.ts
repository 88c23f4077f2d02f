import { createReadStream } from "node:fs";
import { link, mkdir, readdir, rename, rm, rmdir, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256 } from "../crypto/hash.ts";
import { digestStream } from "../formats/artifact.ts";
import { hex } from "../formats/bytes.ts";
import { fail, ok, type Result } from "../formats/result.ts";
import { systemReason } from "../formats/system-error.ts";
import { openRecentContent, type RecentContent } from "./recent-content.ts";
import type { Kept } from "./store-ledger.ts";

/** A folder of its own for one file on its way; nothing in it is ever served. */
export type Quarantine = {
  /** The path for a file of that name. */
  readonly path: (filename: string) => string;
  readonly clear: () => Promise<void>;
};

/**
 * Content by its digest: what was checked is what is served, whatever an upstream does later. What
 * an earlier process left is read once before it counts, so nothing needs to be flushed: content
 * that a crash or somebody else damaged is taken for absent.
 */
export type GatewayStore = {
  readonly quarantine: () => Promise<Result<Quarantine>>;
  /** Moves a file whose digest was just checked to its place. */
  readonly keep: (path: string, digest: string) => Promise<Result<void>>;
  /** The same for content in memory; gives its digest. */
  readonly keepBytes: (content: Uint8Array) => Promise<Result<string>>;
  /** Puts kept content back under a file name, to be checked again. */
  readonly takeOut: (digest: string, path: string) => Promise<boolean>;
  /** Bytes of kept content; `undefined` where it is not there, or is not what its name says. */
  readonly sizeOf: (digest: string) => Promise<number | undefined>;
  readonly pathOf: (digest: string) => string;
  /** Small content that was kept or read a short time ago; `sizeOf` says whether it is still there. */
  readonly recent: Pick<RecentContent, "get" | "put">;
  /** All content that is there, what was kept or marked longest ago first. */
  readonly list: () => Promise<Result<Kept[]>>;
  /** Marks content as used now, in milliseconds since 1970, for the order of `list` in a later process. */
  readonly mark: (digest: string, now: number) => Promise<void>;
  /** Removes content; that it is not there is no failure. */
  readonly remove: (digest: string) => Promise<Result<void>>;
};

const DIGEST = /^[0-9a-f]{64}$/;

let taken = 0;

/** What lies in a store's folders under a digest, oldest first. */
const listed = async (objects: string): Promise<Kept[]> => {
  const found: (Kept & { readonly at: number })[] = [];
  for (const part of await readdir(objects, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    const names = await readdir(join(objects, part.name));
    const stats = names
      .filter((name) => DIGEST.test(name) && name.startsWith(part.name))
      .map(async (digest) => {
        const { size, mtimeMs } = await stat(join(objects, part.name, digest));
        return { digest, size, at: mtimeMs };
      });
    found.push(...(await Promise.all(stats)));
  }
  return found.sort((a, b) => a.at - b.at).map(({ digest, size }) => ({ digest, size }));
};

/** Moves a file into a folder that is there, but for the first time. */
const move = async (path: string, target: string): Promise<void> => {
  try {
    await rename(path, target);
  } catch {
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
  }
};

/** Makes the folders of a store, with nothing in quarantine. */
const prepare = async (folder: string, incoming: string): Promise<void> => {
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await mkdir(join(folder, "objects"), { recursive: true, mode: 0o700 });
};

/** Removes a folder that is nearly always empty. */
const clear = (folder: string): Promise<void> =>
  rmdir(folder).catch(() => rm(folder, { recursive: true, force: true }));

/** Bytes of small content in memory, and of one of it. */
const MAX_RECENT = 4 * 1024 * 1024;
const MAX_SMALL = 64 * 1024;

/**
 * Opens the store in `folder`; what an earlier process left in quarantine is removed.
 * @param incoming - the quarantine, of this process alone and on the same disk
 * @returns FILE_UNWRITABLE
 */
export const openGatewayStore = async (
  folder: string,
  incoming = join(folder, "quarantine"),
): Promise<Result<GatewayStore>> => {
  const pathOf = (digest: string): string => {
    if (!DIGEST.test(digest)) throw new TypeError("no digest");
    return join(folder, "objects", digest.slice(0, 2), digest);
  };
  /** Digests of content that this process has checked. */
  const checked = new Set<string>();
  const recent = openRecentContent(MAX_RECENT, MAX_SMALL);
  const place = async (path: string, digest: string): Promise<void> => {
    await move(path, pathOf(digest));
    checked.add(digest);
  };
  /** Whether content is what its name says; what is not is removed. */
  const isSound = async (digest: string): Promise<boolean> => {
    if (checked.has(digest)) return true;
    const found = await digestStream("sha256", createReadStream(pathOf(digest)));
    if (hex(found.digest) === digest) checked.add(digest);
    else await rm(pathOf(digest), { force: true });
    return checked.has(digest);
  };
  const guarded = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
    try {
      return ok(await work());
    } catch (error) {
      return fail("FILE_UNWRITABLE", `${folder}: ${systemReason(error)}`);
    }
  };
  const next = (): string => {
    taken += 1;
    return join(incoming, String(taken));
  };
  const prepared = await guarded(() => prepare(folder, incoming));
  if (!prepared.ok) return prepared;
  return ok({
    pathOf,
    recent,
    list: () => guarded(() => listed(join(folder, "objects"))),
    mark: (digest, now) => utimes(pathOf(digest), now / 1000, now / 1000).catch(() => undefined),
    remove: (digest) => {
      checked.delete(digest);
      recent.forget(digest);
      return guarded(() => rm(pathOf(digest), { force: true }));
    },
    quarantine: () =>
      guarded(async () => {
        const own = next();
        await mkdir(own);
        return { path: (filename: string) => join(own, filename), clear: () => clear(own) };
      }),
    keep: (path, digest) => guarded(() => place(path, digest)),
    keepBytes: (content) =>
      guarded(async () => {
        const digest = hex(sha256(content));
        const path = next();
        await writeFile(path, content, { mode: 0o600 });
        await place(path, digest);
        recent.put(digest, content);
        return digest;
      }),
    takeOut: (digest, path) =>
      link(pathOf(digest), path).then(
        () => true,
        () => false,
      ),
    sizeOf: async (digest) => {
      const found = await stat(pathOf(digest)).catch(() => undefined);
      if (found === undefined) return undefined;
      return (await isSound(digest).catch(() => false)) ? found.size : undefined;
    },
  });
};
